import { DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api";
import { expect, test } from "vitest";
import { causeOf, Reading } from "./reading.ts";

test("a message counts once, and as unreadable only when its key stays away", () => {
    const reading = new Reading();
    reading.tried("$a", undefined, 0);
    reading.tried("$a", undefined, 1);
    reading.tried("$late", "missing_key", 0);
    reading.tried("$late", undefined, 5_000);
    reading.tried("$lost", "missing_key", 0);
    expect(reading.take(30_000)).toEqual({ decrypted: 2, recovered: 0, undecryptable: {} });
    expect(reading.take(59_999)).toBeUndefined();
    expect(reading.take(60_000)?.undecryptable).toEqual({ missing_key: 1 });
    reading.tried("$lost", "missing_key", 70_000);
    expect(reading.take(200_000)).toBeUndefined();
    reading.tried("$lost", undefined, 300_000);
    expect(reading.take(300_000)).toEqual({ decrypted: 0, recovered: 1, undecryptable: {} });
});

test("what could not be told is told with the next", () => {
    const reading = new Reading();
    reading.tried("$a", "withheld", 0);
    const report = reading.take(60_000);
    if (report) reading.putBack(report);
    reading.tried("$b", undefined, 60_000);
    expect(reading.take(60_000)).toEqual({ decrypted: 1, recovered: 0, undecryptable: { withheld: 1 } });
});

test("causes have the protocol's names", () => {
    expect(causeOf(DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID)).toBe("missing_key");
    expect(causeOf(DecryptionFailureCode.OLM_UNKNOWN_MESSAGE_INDEX)).toBe("unknown_index");
    expect(causeOf(DecryptionFailureCode.MEGOLM_KEY_WITHHELD)).toBe("withheld");
    expect(causeOf(DecryptionFailureCode.HISTORICAL_MESSAGE_NO_KEY_BACKUP)).toBe("before_device");
    expect(causeOf(null)).toBe("other");
});
