import { expect, test } from "vitest";
import { CareTeamSchema, readAll } from "../fhir/schema.ts";
import { noiseOf, teamOf } from "./team.ts";

test("a team has people and roles", () => {
    const [team] = readAll(CareTeamSchema, [
        {
            resourceType: "CareTeam",
            id: "outreach",
            name: "Outreach",
            participant: [
                { member: { reference: "Practitioner/sam" } },
                { role: [{ coding: [{ code: "medical-registrar" }] }] },
            ],
        },
    ]);
    expect(team && teamOf(team)).toEqual({
        id: "outreach",
        name: "Outreach",
        people: ["sam"],
        roles: ["medical-registrar"],
    });
});

test("a noise report counts, also where nothing was", () => {
    const report = noiseOf([
        { name: "period", valuePeriod: { start: "2026-11-15T00:00:00Z", end: "2026-11-22T00:00:00Z" } },
        { name: "total", valueInteger: 4 },
        { name: "budget-per-hour", valueInteger: 6 },
        { name: "by-class", part: [{ name: "urgent", valueInteger: 3 }] },
    ]);
    expect(report).toMatchObject({
        start: Date.UTC(2026, 10, 15),
        total: 4,
        quiet: 0,
        budget: 6,
        byClass: [{ name: "urgent", count: 3 }],
        byHour: [],
    });
});
