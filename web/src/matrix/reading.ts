import { MatrixEventEvent, type MatrixClient, type MatrixEvent } from "matrix-js-sdk";
import { DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api";

/** How long a key may be late before its message counts as unreadable. */
const GRACE_MS = 60_000;
/** How often counts are told, at most. */
const EVERY_MS = 5 * 60_000;
const PATH = "/_wardline/client/v1/undecryptable";

/** Counts since the last report (`docs/protocol/undecryptable.md`): nothing of which message, whose, or where. */
export interface Report {
    decrypted: number;
    recovered: number;
    undecryptable: Record<string, number>;
}

/** The protocol's word for why a message cannot be read. */
export function causeOf(reason: DecryptionFailureCode | null): string {
    switch (reason) {
        case DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID:
            return "missing_key";
        case DecryptionFailureCode.OLM_UNKNOWN_MESSAGE_INDEX:
            return "unknown_index";
        case DecryptionFailureCode.MEGOLM_KEY_WITHHELD:
        case DecryptionFailureCode.MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE:
            return "withheld";
        case DecryptionFailureCode.HISTORICAL_MESSAGE_NO_KEY_BACKUP:
        case DecryptionFailureCode.HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED:
        case DecryptionFailureCode.HISTORICAL_MESSAGE_WORKING_BACKUP:
            return "before_device";
        default:
            return "other";
    }
}

/** Counts what could and could not be read. Each message counts once, and once more if it can be read after all. */
export class Reading {
    /** Failed, and when: not counted yet. */
    private readonly late = new Map<string, { since: number; cause: string }>();
    private readonly reported = new Set<string>();
    private readonly read = new Set<string>();
    private counts: Report = { decrypted: 0, recovered: 0, undecryptable: {} };

    /** A message was tried; `cause` says why it cannot be read. */
    tried(id: string, cause: string | undefined, now: number): void {
        if (this.read.has(id)) return;
        if (cause !== undefined) {
            if (!this.reported.has(id)) this.late.set(id, { since: this.late.get(id)?.since ?? now, cause });
            return;
        }
        this.late.delete(id);
        this.read.add(id);
        if (this.reported.delete(id)) this.counts.recovered += 1;
        else this.counts.decrypted += 1;
    }

    /** The counts since the last call, or `undefined` if there is nothing to tell. */
    take(now: number): Report | undefined {
        for (const [id, { since, cause }] of this.late) {
            if (now - since < GRACE_MS) continue;
            this.late.delete(id);
            this.reported.add(id);
            this.counts.undecryptable[cause] = (this.counts.undecryptable[cause] ?? 0) + 1;
        }
        const counts = this.counts;
        this.counts = { decrypted: 0, recovered: 0, undecryptable: {} };
        const { decrypted, recovered, undecryptable } = counts;
        const any = decrypted > 0 || recovered > 0 || Object.keys(undecryptable).length > 0;
        return any ? counts : undefined;
    }

    /** Counts that could not be told are told with the next. */
    putBack(report: Report): void {
        this.counts.decrypted += report.decrypted;
        this.counts.recovered += report.recovered;
        for (const [cause, count] of Object.entries(report.undecryptable))
            this.counts.undecryptable[cause] = (this.counts.undecryptable[cause] ?? 0) + count;
    }
}

/** Counts what a client reads and tells the server now and then; gives the function that stops it. */
export function reportReading(client: MatrixClient, authorised: typeof fetch): () => void {
    const reading = new Reading();
    const tried = (event: MatrixEvent): void => {
        const id = event.getId();
        // Others' withheld history is what the place decided, not a fault.
        const own = event.decryptionFailureReason;
        if (id === undefined || own === DecryptionFailureCode.HISTORICAL_MESSAGE_USER_NOT_JOINED) return;
        reading.tried(id, event.isDecryptionFailure() ? causeOf(own) : undefined, Date.now());
    };
    const tell = async (): Promise<void> => {
        const report = reading.take(Date.now());
        if (!report) return;
        try {
            const response = await authorised(PATH, {
                method: "POST",
                headers: { "Content-Type": "application/json" },
                body: JSON.stringify(report),
            });
            if (!response.ok) reading.putBack(report);
        } catch {
            reading.putBack(report);
        }
    };
    const hidden = (): void => {
        if (document.visibilityState === "hidden") void tell();
    };
    const timer = setInterval(() => void tell(), EVERY_MS);
    client.on(MatrixEventEvent.Decrypted, tried);
    document.addEventListener("visibilitychange", hidden);
    return () => {
        clearInterval(timer);
        client.off(MatrixEventEvent.Decrypted, tried);
        document.removeEventListener("visibilitychange", hidden);
    };
}
