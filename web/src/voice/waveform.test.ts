import { describe, expect, it } from "vitest";
import { bars, LOUDEST, minutes, resampled, SENT, waveform } from "./waveform.ts";

describe("the shape of a voice note", () => {
    it("keeps the peaks, whichever its length", () => {
        expect(resampled([0, 1, 0, 5, 0, 2], 3)).toEqual([1, 5, 2]);
        expect(resampled([3], 3)).toEqual([3, 3, 3]);
        expect(resampled([], 2)).toEqual([0, 0]);
    });

    it("is sent as whole numbers up to 1024, not more of them than needed", () => {
        const shape = waveform(Array.from({ length: 900 }, (_, at) => (at % 10) / 20));
        expect(shape).toHaveLength(SENT);
        expect(Math.max(...shape)).toBe(LOUDEST);
        expect(shape.every((value) => Number.isInteger(value) && value >= 0 && value <= LOUDEST)).toBe(true);
    });

    it("of silence is silence, and of nonsense too", () => {
        expect(Math.max(...waveform([0.001, 0]))).toBeLessThan(LOUDEST / 10);
        expect(waveform([Number.NaN, -1])).toEqual([0, 0]);
        expect(bars([-5, 9000], 2)).toEqual([0, 1]);
        expect(bars([], 2)).toEqual([0.3, 0.3]);
    });
});

describe("the length of a voice note", () => {
    it("is said in minutes and seconds", () => {
        expect([0, 7_400, 60_000, 750_000].map(minutes)).toEqual(["0:00", "0:07", "1:00", "12:30"]);
    });
});
