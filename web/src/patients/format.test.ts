import { describe, expect, it } from "vitest";
import { age, bornWithAge, date, fullName, gender, nhsNumber, shortName } from "./format.ts";

describe("a patient on the screen", () => {
    it("writes the NHS number 3-3-4 and leaves anything else alone", () => {
        expect(nhsNumber("9990000018")).toBe("999 000 0018");
        expect(nhsNumber("999 000 0018")).toBe("999 000 0018");
        expect(nhsNumber("12345")).toBe("12345");
        expect(nhsNumber("999000001X")).toBe("999000001X");
    });

    it("writes names with the surname in capitals", () => {
        const joan = { family: "O'Neill", given: "Joan", title: "Mrs" };
        expect(fullName(joan)).toBe("O'NEILL, Joan (Mrs)");
        expect(shortName(joan)).toBe("O'NEILL, Joan");
        expect(fullName({ family: "Nowak", given: "", title: "" })).toBe("NOWAK");
    });

    it("writes dates as dd-Mmm-yyyy and incomplete ones as they came", () => {
        expect(date("1954-03-07")).toBe("07-Mar-1954");
        expect(date("1954-03")).toBe("1954-03");
    });

    it("counts age in years, in months under two years, in days under four weeks", () => {
        const today = new Date(2026, 10, 22);
        expect(age("1954-11-22", today)).toBe("72y");
        expect(age("1954-11-23", today)).toBe("71y");
        expect(age("2025-10-22", today)).toBe("13m");
        expect(age("2026-11-13", today)).toBe("9d");
        expect(age("2027-01-01", today)).toBe("");
        expect(bornWithAge("1954-11-22", today)).toBe("22-Nov-1954 (72y)");
    });

    it("has a word for every gender code and for none", () => {
        expect(gender("female")).toBe("Female");
        expect(gender(undefined)).toBe("Not known");
        expect(gender("constructor")).toBe("Not known");
    });
});
