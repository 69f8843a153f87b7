import { describe, expect, it } from "vitest";
import { messageStatus, type Reader } from "./ticks.ts";

const reader = (userId: string, delivered?: number, seen?: number): Reader => ({
    userId,
    name: userId,
    delivered: delivered === undefined ? undefined : { index: delivered, at: 1 },
    seen: seen === undefined ? undefined : { index: seen, at: 2 },
});

describe("ticks of a message", () => {
    it("is sent when nobody has it, or nobody else is there", () => {
        expect(messageStatus(5, [reader("a", 4, 3)]).tick).toBe("sent");
        expect(messageStatus(5, []).tick).toBe("sent");
    });

    it("is delivered and seen by a receipt at it or after it", () => {
        const status = messageStatus(5, [reader("a", 5), reader("b", undefined, 7), reader("c")]);
        expect(status).toMatchObject({ tick: "seen", seenBy: 1, deliveredTo: 2 });
        expect(status.readers.map((one) => one.tick)).toEqual(["delivered", "seen", "sent"]);
        expect(status.readers[1]?.at).toBe(2);
    });

    it("keeps the time of arrival beside the time it was seen", () => {
        const [both, onlySeen] = messageStatus(5, [reader("a", 6, 5), reader("b", 4, 5)]).readers;
        expect(both).toMatchObject({ tick: "seen", at: 2, deliveredAt: 1 });
        expect(onlySeen).toMatchObject({ tick: "seen", at: 2, deliveredAt: undefined });
    });

    it("does not count a receipt that points outside what is loaded", () => {
        const far: Reader = { userId: "a", name: "a", seen: { index: undefined, at: 9 } };
        expect(messageStatus(0, [far]).tick).toBe("sent");
    });
});
