import { describe, expect, it } from "vitest";
import type { OnCallRole } from "../oncall/model.ts";
import { entryOf, fits, searchKept, sought } from "./model.ts";

describe("a search of the directory", () => {
    it("finds what a question is about", () => {
        expect(sought("Who covers ward 7 now?")).toBe("ward 7");
        expect(sought("who is the medical registrar on call")).toBe("medical registrar");
        expect(sought("Ana")).toBe("Ana");
        expect(sought("Who?")).toBe("Who?");
    });

    it("matches beginnings of words, in any order", () => {
        expect(fits("reg med", "Medical registrar")).toBe(true);
        expect(fits("edical", "Medical registrar")).toBe(false);
        expect(fits("connor", "Dr Margaret O'Connor", undefined)).toBe(true);
    });

    it("reads each type of the directory, and nothing else", () => {
        expect(entryOf({ resourceType: "CareTeam", id: "o", name: "Outreach" })[0]).toMatchObject({
            kind: "team",
            team: { name: "Outreach" },
        });
        const ward = { resourceType: "Location", id: "w", name: "Ward 7" };
        expect(entryOf(ward)[0]).toMatchObject({ kind: "place", place: { name: "Ward 7" } });
        expect(entryOf({ resourceType: "Patient", id: "p" })).toEqual([]);
        expect(entryOf(null)).toEqual([]);
    });

    it("goes on without the server, with what is known here", () => {
        const role: OnCallRole = { id: "med", name: "Medical registrar", wards: [] };
        const kept = { roles: [role], staff: new Map(), places: new Map(), teams: [] };
        expect(searchKept("medic", kept)).toEqual([{ kind: "role", id: "med", role }]);
        expect(searchKept("", kept)).toEqual([]);
    });
});
