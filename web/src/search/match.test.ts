import { describe, expect, it } from "vitest";
import { excerpt, folded, found, rank } from "./match.ts";

describe("finding", () => {
    it("knows no case and no accents, and asks for every word", () => {
        expect(folded("Siân O’NEILL")).toBe("sian o'neill");
        expect(found("sian neill", "Siân O'Neill", "Nurse")).toBe(true);
        expect(found("sian doctor", "Siân O'Neill", "Nurse")).toBe(false);
        expect(found("", "anything")).toBe(true);
    });

    it("puts names that begin so before those that only hold it", () => {
        expect(rank("ann", "Ann Smith")).toBeLessThan(rank("ann", "Joanne Smith"));
    });

    it("shows where it was found, in the words as they were written", () => {
        expect(excerpt("Potassium is 6.4, Siân", "sian 6.4")).toEqual([
            { text: "Potassium is ", hit: false },
            { text: "6.4", hit: true },
            { text: ", ", hit: false },
            { text: "Siân", hit: true },
        ]);
        const long = `${"x ".repeat(100)}lactate${" y".repeat(300)}`;
        const pieces = excerpt(long, "lactate");
        expect(pieces.find((piece) => piece.hit)?.text).toBe("lactate");
        expect(pieces[0]).toEqual({ text: "…", hit: false });
        expect(pieces.at(-1)).toEqual({ text: "…", hit: false });
    });
});
