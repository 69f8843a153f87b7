import { describe, expect, it } from "vitest";
import { askEntry, askProblems, emptyAsk, type AskForm } from "./ask.ts";

const form: AskForm = { ...emptyAsk, to: "role:med", class: "urgent", minutes: "5", text: " come " };

describe("the Ask form", () => {
    it("names every field that is missing", () => {
        expect(Object.keys(askProblems(emptyAsk, undefined))).toEqual(["patient", "to", "words"]);
        expect(askProblems(form, "!room")).toEqual({});
    });

    it("takes whole minutes of one day only", () => {
        for (const minutes of ["0", "1441", "2.5", "soon", ""]) {
            expect(askProblems({ ...form, minutes }, "!room").minutes).toBeDefined();
        }
    });

    it("sends the words in the encrypted event and none of them in the Task", () => {
        const entry = askEntry({
            form: { ...form, sbar: { ...form.sbar, situation: "BP 88/52" } },
            to: { kind: "role", id: "med", display: "Medical registrar" },
            roomId: "!room",
            patientRef: "p1",
            requesterId: "nurse",
            id: "r1",
            now: 1_000,
        });
        expect(entry.content).toMatchObject({
            request_id: "r1",
            needed_by: 301_000,
            text: "come",
            sbar: { situation: "BP 88/52" },
        });
        expect(Object.keys(entry.content["sbar"] as object)).toEqual(["situation"]);
        expect(JSON.stringify(entry.request)).not.toMatch(/88\/52|come/);
    });
});
