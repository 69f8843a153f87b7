import { describe, expect, it } from "vitest";
import { lockUnder, openWith, pause, pinProblem } from "./pin.ts";

describe("a PIN", () => {
    it("has six digits or more and is no row of digits", () => {
        expect(["12345", "12345a", "111111", "123456", "987654"].map(pinProblem)).toEqual([
            "short",
            "letters",
            "simple",
            "simple",
            "simple",
        ]);
        expect(["271828", "13579135"].map(pinProblem)).toEqual([undefined, undefined]);
    });

    it("opens what lies under it, and no other PIN does", async () => {
        const key = crypto.getRandomValues(new Uint8Array(32));
        const lock = await lockUnder("271828", key, 10);
        expect(await openWith("271828", lock)).toEqual(key);
        expect(await openWith("271829", lock)).toBeUndefined();
        expect(lock.pepper.extractable).toBe(false);
    });

    it("makes whoever guesses wait ever longer", () => {
        expect([0, 1, 2].map(pause)).toEqual([0, 0, 0]);
        expect([3, 4, 5].map(pause)).toEqual([5_000, 10_000, 20_000]);
        expect(pause(40)).toBe(15 * 60_000);
    });
});
