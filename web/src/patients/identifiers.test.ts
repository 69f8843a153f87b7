import { describe, expect, it } from "vitest";
import {
    breakGlassParameters,
    identifierProblems,
    isNhsNumber,
    noIdentifiers,
    patientWith,
} from "./identifiers.ts";
import type { Patient } from "./model.ts";

const joan: Patient = {
    ref: "p1",
    family: "O'Neill",
    given: "Joan",
    title: "Mrs",
    born: "1954-03-07",
    nhsNumber: "9990000069",
    deceased: false,
    restricted: false,
};

describe("two identifiers", () => {
    it("checks the last digit of an NHS number", () => {
        expect(isNhsNumber("999 000 0069")).toBe(true);
        expect(isNhsNumber("943 476 5919")).toBe(true);
        expect(isNhsNumber("9990000068")).toBe(false);
        expect(isNhsNumber("999000006")).toBe(false);
        expect(isNhsNumber("")).toBe(false);
    });

    it("says which is missing", () => {
        expect(Object.keys(identifierProblems(noIdentifiers))).toEqual(["nhsNumber", "second"]);
        const given = { ...noIdentifiers, nhsNumber: "9990000069", family: " " };
        expect(Object.keys(identifierProblems(given))).toEqual(["second"]);
        expect(identifierProblems({ ...given, born: "1954-03-07" })).toEqual({});
    });

    it("finds a patient only when everything that was given belongs to them", () => {
        const given = { nhsNumber: "999 000 0069", born: "", family: "o'neill" };
        expect(patientWith([joan], given)).toBe(joan);
        expect(patientWith([joan], { ...given, born: "1954-03-08" })).toBeUndefined();
        expect(patientWith([joan], { ...given, nhsNumber: "9990000018" })).toBeUndefined();
    });

    it("sends only what was given, and why", () => {
        const given = { nhsNumber: "999 000 0069", born: "1954-03-07", family: "" };
        expect(breakGlassParameters(given, "collapsed in the corridor")).toEqual({
            "nhs-number": "9990000069",
            birthdate: { valueDate: "1954-03-07" },
            reason: "collapsed in the corridor",
        });
    });
});
