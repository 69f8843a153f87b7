import { describe, expect, it } from "vitest";
import {
    afterResize,
    afterScroll,
    atItsEnd,
    away,
    setOut,
    shifted,
    travel,
    type Align,
    type Sight,
} from "./arrival.ts";

/** A list of rows whose heights are guessed until they have been in the window, as the one on the screen. */
class List {
    private readonly known = new Set<number>();
    scrollTop = 0;

    constructor(
        private readonly heights: number[],
        private readonly guess: number,
        readonly window: number,
    ) {}

    private height(row: number): number {
        return this.known.has(row) ? (this.heights[row] ?? 0) : this.guess;
    }

    private top(row: number): number {
        let sum = 0;
        for (let index = 0; index < row; index++) sum += this.height(index);
        return sum;
    }

    get total(): number {
        return this.top(this.heights.length);
    }

    /** As far as what is known says; only then is what came into view measured, and everything below it moves. */
    toRow(row: number, align: Align): void {
        const at = this.top(row) - (align === "center" ? (this.window - this.height(row)) / 2 : 0);
        this.scrollTop = Math.max(0, Math.min(this.total - this.window, at));
    }

    /** Measures one row of those in the window: the others in later frames, as a busy machine does. */
    measureOne(): void {
        const seen = this.heights.findIndex(
            (_, row) =>
                !this.known.has(row) &&
                this.top(row) < this.scrollTop + this.window &&
                this.top(row) + this.height(row) > this.scrollTop,
        );
        if (seen >= 0) this.known.add(seen);
        this.scrollTop = Math.max(0, Math.min(this.total - this.window, this.scrollTop));
    }

    sight(row: number): Sight {
        const drawn = this.known.has(row);
        return {
            height: this.window,
            above: this.scrollTop,
            below: this.total - this.window - this.scrollTop,
            row: drawn ? { top: this.top(row) - this.scrollTop, height: this.height(row) } : undefined,
        };
    }
}

/** Goes to a row, frame by frame; how it ended. */
function go(list: List, row: number, align: Align = "center"): string {
    let journey = setOut;
    for (;;) {
        const step = travel(journey, list.sight(row), align);
        journey = step.journey;
        if (step.next === "arrived" || step.next === "lost") return step.next;
        if (step.next === "scroll") list.toRow(row, align);
        list.measureOne();
    }
}

describe("going to a row", () => {
    it.each([0, 1, 7, 150, 298, 299])("arrives at row %i of 300, however wrong the guesses were", (row) => {
        for (const guess of [10, 60, 400]) {
            const heights = Array.from({ length: 300 }, (_, index) => 30 + ((index * 37) % 190));
            const list = new List(heights, guess, 600);
            list.scrollTop = list.total - 600;
            expect(go(list, row)).toBe("arrived");
            const { row: found } = list.sight(row);
            expect(found?.top).toBeGreaterThanOrEqual(0);
            expect((found?.top ?? 0) + (found?.height ?? 0)).toBeLessThanOrEqual(600);
        }
    });

    it("stands in the middle, or at the top, where the list goes on far enough", () => {
        const middle = new List(
            Array.from({ length: 100 }, () => 50),
            80,
            500,
        );
        go(middle, 50);
        expect(middle.sight(50).row?.top).toBeCloseTo(225, -1);
        const top = new List(
            Array.from({ length: 100 }, () => 50),
            80,
            500,
        );
        go(top, 50, "start");
        expect(Math.abs(top.sight(50).row?.top ?? 99)).toBeLessThanOrEqual(2);
    });

    it("gives up at last where the row is never drawn", () => {
        let journey = setOut;
        let next = "";
        const nothing: Sight = { height: 600, above: 0, below: 900, row: undefined };
        for (let frame = 0; frame < 600; frame++) ({ journey, next } = travel(journey, nothing, "center"));
        expect(next).toBe("lost");
    });

    it("begins to count anew when the row is moved away again", () => {
        const there: Sight = { height: 600, above: 500, below: 500, row: { top: 275, height: 50 } };
        const moved: Sight = { ...there, row: { top: 475, height: 50 } };
        let journey = setOut;
        for (const sight of [there, there, there, moved]) ({ journey } = travel(journey, sight, "center"));
        expect(journey.steady).toBe(0);
        expect(travel(journey, moved, "center").next).toBe("scroll");
    });

    it("is no further away than the list can go", () => {
        const end: Sight = { height: 600, above: 500, below: 0, row: { top: 550, height: 50 } };
        expect(away(end, "center")).toBe(0);
        expect(away({ ...end, below: 30 }, "center")).toBe(30);
        expect(away({ ...end, row: { top: 0, height: 50 }, above: 0 }, "center")).toBe(-0);
    });
});

describe("holding on to the end", () => {
    const end = { scrollTop: 400, scrollHeight: 1000, clientHeight: 600 };
    const middle = { scrollTop: 700, scrollHeight: 2000, clientHeight: 600 };

    const still = { going: false, measuring: false };
    const going = { going: true, measuring: false };

    it("goes to the end again when something grew there, or while rows are being measured", () => {
        const measuring = { going: false, measuring: true };
        const near = { scrollTop: 1_200, scrollHeight: 2_000, clientHeight: 600 };
        expect(afterScroll(true, 2_000, near, measuring)).toMatchObject({ stick: true, toEnd: true });
        expect(afterScroll(false, 2_000, near, measuring)).toMatchObject({ stick: false, toEnd: false });
        // Further than the list ever puts itself right: it was brought there.
        const far = { ...near, scrollTop: 0 };
        expect(afterScroll(true, 2_000, far, measuring)).toMatchObject({ stick: false, toEnd: false });
        expect(afterScroll(true, 1900, middle, still)).toEqual({ stick: true, toEnd: true, earlier: false });
        expect(afterResize(true, middle, false)).toMatchObject({ stick: true, toEnd: true });
    });

    it("lets go when the reader scrolls, and takes hold at the end", () => {
        expect(afterScroll(true, 2000, middle, still)).toMatchObject({ stick: false, toEnd: false });
        expect(afterScroll(false, 1000, end, still)).toMatchObject({ stick: true });
        expect(atItsEnd(end)).toBe(true);
        expect(atItsEnd(middle)).toBe(false);
    });

    it("never takes hold on the way to a row, and fetches nothing", () => {
        const nothing = { stick: false, toEnd: false, earlier: false };
        expect(afterScroll(true, 900, end, going)).toEqual(nothing);
        expect(afterScroll(false, 1000, { ...end, scrollTop: 0 }, going)).toEqual(nothing);
        expect(afterResize(true, end, true)).toEqual(nothing);
    });

    it("asks for more near the beginning, and where the screen is not full", () => {
        expect(afterScroll(false, 2000, { ...middle, scrollTop: 500 }, still).earlier).toBe(true);
        expect(afterScroll(false, 2000, middle, still).earlier).toBe(false);
        expect(afterResize(true, { ...end, scrollHeight: 620 }, false).earlier).toBe(true);
    });
});

describe("rows that come above", () => {
    it("shift the list only where nothing else changed", () => {
        const before = { first: "c", last: "z", count: 10 };
        expect(shifted(before, { first: "a", last: "z", count: 12 })).toBe(true);
        expect(shifted(before, { first: "c", last: "z", count: 11 })).toBe(false);
        expect(shifted(before, { first: "c", last: "zz", count: 11 })).toBe(false);
        expect(shifted({ ...before, first: undefined }, before)).toBe(false);
    });
});
