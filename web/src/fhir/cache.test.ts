import { expect, test } from "vitest";
import { isKept, read, write } from "./cache.ts";

test("what is kept comes back as it was, with its maps", () => {
    const state = {
        queries: [{ data: new Map([["a", { name: "x", inner: new Map([[1, "y"]]) }]]) }],
        plain: [1, null],
    };
    expect(read(write(state))).toEqual(state);
});

test("lists are kept, the words of requests for two days, and searches not at all", () => {
    const day = 86_400_000;
    expect(isKept("patients", 0, 30 * day)).toBe(true);
    expect(isKept("words", 0, day)).toBe(true);
    expect(isKept("words", 0, 3 * day)).toBe(false);
    expect(isKept("directory", 0, 0)).toBe(false);
});
