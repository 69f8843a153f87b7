import { describe, expect, it } from "vitest";
import {
    afterReload,
    failureWords,
    isFinal,
    nextToSend,
    retryDelay,
    type OutboxItem,
    type OutboxState,
} from "./outbox-logic.ts";

const item = (seq: number, roomId: string, state: OutboxState = "waiting"): OutboxItem => ({
    txnId: `t${seq}`,
    roomId,
    seq,
    createdAt: seq,
    type: "m.room.message",
    content: {},
    state,
    attempts: 0,
});

const ids = (items: OutboxItem[]): string[] => items.map((one) => one.txnId);

describe("the outbox", () => {
    it("sends the oldest of every conversation, whatever order they are stored in", () => {
        expect(ids(nextToSend([item(3, "a"), item(1, "a"), item(2, "b")]))).toEqual(["t1", "t2"]);
    });

    it("waits while one is being sent, and goes past what failed or is sent", () => {
        expect(nextToSend([item(1, "a", "sending"), item(2, "a")])).toEqual([]);
        expect(ids(nextToSend([item(1, "a", "failed"), item(2, "a", "sent"), item(3, "a")]))).toEqual(["t3"]);
    });

    it("sends again after a reload what was under way, with the same transaction", () => {
        const items = afterReload([item(2, "a", "sending"), item(1, "a", "sent"), item(3, "a", "failed")]);
        expect(items.map((one) => [one.txnId, one.state])).toEqual([
            ["t2", "waiting"],
            ["t3", "failed"],
        ]);
    });

    it("gives up only when the server refuses for good", () => {
        expect(isFinal({ httpStatus: 403 })).toBe(true);
        expect(isFinal({ status: 422 })).toBe(true);
        for (const status of [401, 408, 429, 500, 502]) expect(isFinal({ httpStatus: status })).toBe(false);
        expect(isFinal(new TypeError("Failed to fetch"))).toBe(false);
        expect(isFinal(null)).toBe(false);
    });

    it("says why in words that a person can read", () => {
        const sdk = {
            message: "MatrixError: [403] no (https://...)",
            data: { error: "You are not allowed to write here" },
        };
        expect(failureWords(sdk, "refused")).toBe("You are not allowed to write here");
        expect(failureWords({ message: "long address", data: {} }, "refused")).toBe("refused");
        expect(failureWords(new Error("not encrypted"), "refused")).toBe("not encrypted");
    });

    it("waits longer after every failure, but never more than half a minute", () => {
        expect([1, 2, 3, 20].map(retryDelay)).toEqual([1_000, 2_000, 4_000, 30_000]);
    });
});
