import { expect, test } from "vitest";
import { AuditEventSchema, readAll } from "../fhir/schema.ts";
import { accessOf } from "./access.ts";

test("an access says who, when, how and why", () => {
    const event = (more: object) => ({
        resourceType: "AuditEvent",
        id: "7",
        recorded: "2026-11-22T20:00:00Z",
        outcome: "0",
        subtype: [{ code: "read" }],
        agent: [{ who: { reference: "Practitioner/megan", display: "Megan Evans" }, altId: "@megan:x" }],
        ...more,
    });
    const looks = readAll(AuditEventSchema, [
        event({ purposeOfEvent: [{ coding: [{ code: "BTG" }], text: "cardiac arrest" }] }),
        event({ subtype: [{ code: "search-type" }], outcome: "4" }),
    ]).map(accessOf);
    expect(looks[0]).toMatchObject({
        at: Date.UTC(2026, 10, 22, 20),
        person: { id: "megan", name: "Megan Evans" },
        kind: "break-glass",
        reason: "cardiac arrest",
        allowed: true,
    });
    expect(looks[1]).toMatchObject({ kind: "listed", allowed: false, reason: undefined });
});
