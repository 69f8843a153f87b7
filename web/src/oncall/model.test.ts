import { describe, expect, it } from "vitest";
import { EXTENSION, HealthcareServiceSchema, readAll } from "../fhir/schema.ts";
import { onCallList } from "./model.ts";

const held = [
    {
        url: `${EXTENSION}current-holder`,
        valueReference: { reference: "Practitioner/amy", display: "Dr Amy Reed" },
    },
    { url: `${EXTENSION}current-holder-until`, valueInstant: "2026-11-22T20:00:00Z" },
];
const services = readAll(HealthcareServiceSchema, [
    { resourceType: "HealthcareService", id: "med", name: "Medical registrar", extension: held },
    {
        resourceType: "HealthcareService",
        id: "site",
        name: "Site manager",
        telecom: [{ system: "phone", value: "2222" }],
        extension: [{ url: `${EXTENSION}vacant`, valueBoolean: true }],
    },
    { resourceType: "HealthcareService", id: "old", name: "Old role", active: false },
]);

describe("who is on call", () => {
    it("shows vacant roles first, holders with the end of their shift, and no closed role", () => {
        expect(onCallList(services)).toEqual([
            { id: "site", name: "Site manager", phone: "2222", holder: undefined },
            {
                id: "med",
                name: "Medical registrar",
                phone: undefined,
                holder: { id: "amy", name: "Dr Amy Reed", until: Date.UTC(2026, 10, 22, 20) },
            },
        ]);
    });
});
