import { expect, test } from "vitest";
import { AuditEventSchema, readAll } from "../fhir/schema.ts";
import { accessCsv, accessOf, accessSearch, everyLook } from "./access.ts";

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
        event({
            subtype: [{ code: "operation" }, { code: "found-for-access-list" }],
            purposeOfEvent: [{ coding: [{ code: "HCOMPL" }], text: "case 12" }],
        }),
        event({ subtype: [{ code: "operation" }, { code: "access-list-read" }] }),
    ]).map(accessOf);
    expect(looks[0]).toMatchObject({
        at: Date.UTC(2026, 10, 22, 20),
        person: { id: "megan", name: "Megan Evans" },
        kind: "break-glass",
        reason: "cardiac arrest",
        allowed: true,
    });
    expect(looks[1]).toMatchObject({ kind: "listed", allowed: false, reason: undefined });
    expect(looks[2]).toMatchObject({ kind: "found", reason: "case 12" });
    expect(looks[3]).toMatchObject({ kind: "list-read", reason: undefined, times: 1 });
});

test("a part of the list is asked for by day and person", () => {
    expect(accessSearch("p1", everyLook)).toEqual({ patient: "p1" });
    expect(accessSearch("p1", { from: "2026-11-01", to: "2026-11-23", person: { id: "megan" } })).toEqual({
        patient: "p1",
        date: "ge2026-11-01,le2026-11-23",
        agent: "Practitioner/megan",
    });
    expect(accessSearch("p1", { from: "", to: "2026-11-23" })).toEqual({
        patient: "p1",
        date: "le2026-11-23",
    });
});

test("the table holds what a spreadsheet must not take for a formula", () => {
    const look = {
        id: "1",
        at: new Date(2026, 10, 22, 20, 5).getTime(),
        since: new Date(2026, 10, 22, 19, 58).getTime(),
        times: 4,
        person: { id: "megan" },
        user: "@megan:x",
        kind: "break-glass" as const,
        allowed: true,
        reason: '=HYPERLINK("x"), "collapsed"',
    };
    const [head, row, end] = accessCsv([look], () => "Megan Evans").split("\r\n");
    expect(head).toBe('\uFEFF"From","To","Times","Who","Account","How","Refused","Reason","Device"');
    expect(row).toBe(
        `"19:58, 22-Nov-2026","20:05, 22-Nov-2026","4","Megan Evans","'@megan:x","opened the conversation from outside the team","",` +
            `"'=HYPERLINK(""x""), ""collapsed""",""`,
    );
    expect(end).toBe("");
});
