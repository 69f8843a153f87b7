import { describe, expect, it } from "vitest";
import { bedsAndWards, byWard, whereabouts, type Patient } from "./model.ts";

const location = (id: string, name: string, code: string, parent?: string) => ({
    resourceType: "Location" as const,
    id,
    name,
    physicalType: { coding: [{ code }] },
    partOf: parent === undefined ? undefined : { reference: `Location/${parent}` },
});

const places = bedsAndWards([
    location("ash", "Ash Ward", "wa"),
    location("bay", "Bay A", "ro", "ash"),
    location("b2", "2", "bd", "ash"),
    location("b10", "10", "bd", "bay"),
    location("loop", "Loop", "ro", "loop"),
]);

const patient = (family: string, placeId?: string): Patient => ({
    ref: family,
    family,
    given: "",
    title: "",
    placeId,
    deceased: false,
    restricted: false,
});

describe("where a patient is", () => {
    it("finds the ward through a bay, and nothing where nothing is known", () => {
        expect(whereabouts(patient("A", "b10"), places)).toEqual({ ward: "Ash Ward", bed: "10" });
        expect(whereabouts(patient("A", "ash"), places)).toEqual({ ward: "Ash Ward", bed: "" });
        expect(whereabouts(patient("A"), places)).toEqual({ ward: "", bed: "" });
        expect(whereabouts(patient("A", "loop"), places)).toEqual({ ward: "", bed: "" });
    });

    it("lists a ward by bed in natural order", () => {
        const [ward] = byWard([patient("Ten", "b10"), patient("Two", "b2")], places);
        expect(ward?.patients.map((one) => one.bed)).toEqual(["2", "10"]);
    });
});
