import { describe, expect, it } from "vitest";
import { HealthcareServiceSchema, PractitionerRoleSchema, readAll } from "../fhir/schema.ts";
import { isOn, onCallList } from "./model.ts";

const services = readAll(HealthcareServiceSchema, [
    { resourceType: "HealthcareService", id: "med", name: "Medical registrar" },
    { resourceType: "HealthcareService", id: "site", name: "Site manager" },
    { resourceType: "HealthcareService", id: "old", name: "Old role", active: false },
]);
const shifts = readAll(PractitionerRoleSchema, [
    {
        resourceType: "PractitionerRole",
        id: "s1",
        period: { start: "2026-11-22T08:00:00Z", end: "2026-11-22T20:00:00Z" },
        practitioner: { reference: "Practitioner/amy", display: "Dr Amy Reed" },
        healthcareService: [{ reference: "HealthcareService/med" }],
    },
    {
        resourceType: "PractitionerRole",
        id: "ward",
        practitioner: { reference: "Practitioner/nurse" },
        location: [{ reference: "Location/ash" }],
    },
]);

describe("who is on call", () => {
    it("shows the holder during the shift and nobody after its end", () => {
        const day = onCallList(services, shifts, Date.parse("2026-11-22T19:59:59Z"));
        expect(day.map((role) => [role.name, role.holders.map((one) => one.id)])).toEqual([
            ["Site manager", []],
            ["Medical registrar", ["amy"]],
        ]);
        const night = onCallList(services, shifts, Date.parse("2026-11-22T20:00:00Z"));
        expect(night.every((role) => role.holders.length === 0)).toBe(true);
    });

    it("never counts an inactive shift", () => {
        expect(isOn({ active: false, period: undefined }, 0)).toBe(false);
    });
});
