import { describe, expect, it } from "vitest";
import { fileSize } from "./format.ts";
import { area, arrowHead, type Mark, moved } from "./markup.ts";
import { fitted } from "./picture.ts";

const mark: Mark = { tool: "hide", from: { x: 90, y: -5 }, to: { x: 10, y: 60 } };

describe("a picture", () => {
    it("is made smaller in proportion, never larger", () => {
        expect(fitted(4000, 3000, 2048)).toEqual({ width: 2048, height: 1536 });
        expect(fitted(300, 200, 2048)).toEqual({ width: 300, height: 200 });
        expect(fitted(9000, 1, 480)).toEqual({ width: 480, height: 1 });
    });
});

describe("a mark", () => {
    it("covers the same area from whichever corner it is drawn, and stays inside the picture", () => {
        expect(area(mark, 80, 50)).toEqual([10, 0, 70, 50]);
        expect(area({ ...mark, from: mark.to, to: mark.from }, 80, 50)).toEqual([10, 0, 70, 50]);
    });

    it("has its arrow head at the end", () => {
        const [x1, y1, x2, y2] = arrowHead({ tool: "arrow", from: { x: 0, y: 0 }, to: { x: 100, y: 0 } }, 20);
        expect([x1, x2].every((x) => x > 80 && x < 90)).toBe(true);
        expect(y1).toBeCloseTo(-y2);
    });
});

describe("the size of a file", () => {
    it("is said in the unit people use", () => {
        expect([1, 999, 1500, 2_400_000].map(fileSize)).toEqual(["1 kB", "1 kB", "2 kB", "2.4 MB"]);
    });
});

describe("a photo marked by the keyboard", () => {
    it("moves by the arrow keys and by no other", () => {
        const from = { x: 10, y: 20 };
        expect(moved(from, "ArrowLeft", 4)).toEqual({ x: 6, y: 20 });
        expect(moved(from, "ArrowRight", 4)).toEqual({ x: 14, y: 20 });
        expect(moved(from, "ArrowUp", 4)).toEqual({ x: 10, y: 16 });
        expect(moved(from, "ArrowDown", 4)).toEqual({ x: 10, y: 24 });
        expect(moved(from, "Enter", 4)).toBeUndefined();
    });
});
