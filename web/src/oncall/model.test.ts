import { describe, expect, it } from "vitest";
import {
    EXTENSION,
    HealthcareServiceSchema,
    PractitionerRoleSchema,
    PractitionerSchema,
    readAll,
} from "../fhir/schema.ts";
import { comingShifts, isVacant, onCallList, shiftOf, staffName, type Shift } from "./model.ts";

const reference = (id: string, display?: string) => ({ reference: `Practitioner/${id}`, display });
const held = [
    { url: `${EXTENSION}current-holder`, valueReference: reference("amy", "Dr Amy Reed") },
    { url: `${EXTENSION}current-holder-until`, valueInstant: "2026-11-22T20:00:00Z" },
    { url: `${EXTENSION}current-holder-by`, valueCode: "sign-on" },
];
const services = readAll(HealthcareServiceSchema, [
    {
        resourceType: "HealthcareService",
        id: "med",
        name: "Medical registrar",
        location: [{ reference: "Location/ash" }],
        extension: held,
    },
    {
        resourceType: "HealthcareService",
        id: "site",
        name: "Site manager",
        telecom: [{ system: "phone", value: "2222" }],
        extension: [{ url: `${EXTENSION}vacant`, valueBoolean: true }],
    },
    {
        resourceType: "HealthcareService",
        id: "surg",
        name: "Surgical registrar",
        extension: [
            ...held,
            { url: `${EXTENSION}current-holder-unreachable`, valueCode: "muted" },
            {
                url: `${EXTENSION}role-offer`,
                extension: [
                    { url: "from", valueReference: reference("amy") },
                    { url: "to", valueReference: reference("ben") },
                    { url: "until", valueInstant: "2026-11-23T08:00:00Z" },
                ],
            },
        ],
    },
    { resourceType: "HealthcareService", id: "old", name: "Old role", active: false },
]);

describe("who is on call", () => {
    it("shows vacant roles first, holders with the end of their shift, and no closed role", () => {
        const list = onCallList(services);
        expect(list.map((role) => role.id)).toEqual(["site", "surg", "med"]);
        expect(list[0]).toEqual({ id: "site", name: "Site manager", phone: "2222", wards: [] });
        expect(list[2]).toMatchObject({
            wards: ["ash"],
            holder: {
                id: "amy",
                name: "Dr Amy Reed",
                until: Date.UTC(2026, 10, 22, 20),
                by: "sign-on",
            },
        });
    });

    it("counts a holder whose devices are silent as a vacancy, and shows an offer", () => {
        const surg = onCallList(services)[1];
        expect(surg && isVacant(surg)).toBe(true);
        expect(surg?.silent).toBe("muted");
        expect(surg?.offer).toMatchObject({ from: { id: "amy" }, to: { id: "ben" } });
    });

    it("knows who covers for somebody who is off duty", () => {
        const [person] = readAll(PractitionerSchema, [
            {
                resourceType: "Practitioner",
                id: "amy",
                name: [{ family: "Reed", given: ["Amy"], prefix: ["Dr"] }],
                extension: [
                    {
                        url: `${EXTENSION}duty-status`,
                        extension: [
                            { url: "status", valueCode: "off" },
                            { url: "covered-by", valueReference: reference("ben", "Ben Carr") },
                        ],
                    },
                ],
            },
        ]);
        expect(person && staffName(person).duty).toEqual({
            state: "off",
            until: undefined,
            cover: { id: "ben", name: "Ben Carr" },
            quiet: undefined,
        });
    });
});

describe("shifts", () => {
    it("takes a deputy for one, and a row without a person for none", () => {
        const [deputy, nobody] = readAll(PractitionerRoleSchema, [
            {
                resourceType: "PractitionerRole",
                id: "s1",
                practitioner: reference("ben"),
                healthcareService: [{ reference: "HealthcareService/med" }],
                code: [{ coding: [{ code: "deputy" }] }],
                period: { start: "2026-11-22T08:00:00Z", end: "2026-11-22T20:00:00Z" },
            },
            { resourceType: "PractitionerRole", id: "s2" },
        ]);
        expect(deputy && shiftOf(deputy)).toMatchObject({ roleId: "med", deputy: true, signedOn: false });
        expect(nobody && shiftOf(nobody)).toBeUndefined();
    });

    it("shows what is to come, soonest first", () => {
        const shift = (id: string, start: number, end: number): Shift => ({
            id,
            person: { id: "amy" },
            deputy: false,
            signedOn: false,
            start,
            end,
        });
        const day = 86_400_000;
        const shifts = [shift("later", day, 2 * day), shift("over", 0, 5), shift("now", 0, 50)];
        const far = shift("far", 9 * day, 10 * day);
        expect(comingShifts([...shifts, far], 10, 7).map((one) => one.id)).toEqual(["now", "later"]);
    });
});
