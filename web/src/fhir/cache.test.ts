import { expect, test } from "vitest";
import { read, write } from "./cache.ts";

test("what is kept comes back as it was, with its maps", () => {
    const state = {
        queries: [{ data: new Map([["a", { name: "x", inner: new Map([[1, "y"]]) }]]) }],
        plain: [1, null],
    };
    expect(read(write(state))).toEqual(state);
});
