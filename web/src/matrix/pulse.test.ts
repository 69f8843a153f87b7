import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pauseBefore, Pulse } from "./pulse.ts";

describe("how long it waits", () => {
    it("tries at once, then at least every two seconds for a minute, then ever more seldom", () => {
        expect(pauseBefore(0, 1)).toBeLessThanOrEqual(500);
        let waited = 0;
        for (let tries = 1; waited < 50_000; tries++) {
            expect(pauseBefore(tries, 1)).toBeLessThan(2_000);
            waited += (pauseBefore(tries, 0) + pauseBefore(tries, 1)) / 2;
        }
        expect(pauseBefore(100, 1)).toBe(10_000);
    });

    it("spreads the devices of a ward over half of the time", () => {
        for (const tries of [0, 1, 20, 60]) {
            const [first, last] = [pauseBefore(tries, 0), pauseBefore(tries, 1)];
            expect(last).toBeGreaterThanOrEqual(2 * first);
        }
    });
});

describe("the search for the connection", () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it("tries until it is back, one try after another", () => {
        const attempt = vi.fn<() => void>();
        const pulse = new Pulse(attempt, () => 1);
        vi.advanceTimersByTime(60_000);
        expect(attempt).not.toHaveBeenCalled();
        pulse.lost();
        vi.advanceTimersByTime(500);
        expect(attempt).toHaveBeenCalledTimes(1);
        // The next one only after this one has failed.
        vi.advanceTimersByTime(60_000);
        expect(attempt).toHaveBeenCalledTimes(1);
        pulse.lost();
        vi.advanceTimersByTime(1_800);
        expect(attempt).toHaveBeenCalledTimes(2);
        pulse.lost();
        pulse.back();
        vi.advanceTimersByTime(60_000);
        expect(attempt).toHaveBeenCalledTimes(2);
    });

    it("follows a hint soon, but not more often than once in a second, and none while all is well", () => {
        const attempt = vi.fn<() => void>();
        const pulse = new Pulse(attempt, () => 0);
        pulse.hint();
        vi.advanceTimersByTime(60_000);
        expect(attempt).not.toHaveBeenCalled();
        for (let n = 0; n < 100; n++) {
            pulse.lost();
            pulse.hint();
            vi.advanceTimersByTime(100);
        }
        expect(attempt.mock.calls.length).toBeLessThanOrEqual(11);
        expect(attempt.mock.calls.length).toBeGreaterThanOrEqual(5);
    });
});
