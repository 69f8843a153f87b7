import { expect, test } from "vitest";
import { FhirError } from "../fhir/client.ts";
import { EXTENSION } from "../fhir/schema.ts";
import { refusedField, shiftForm, shiftProblems, shiftResource } from "./shift-form.ts";

const form = { date: "2027-03-31", from: "20:00", until: "08:00", deputy: false };
const of = { roleId: "med", personId: "amy" };

test("a night shift ends on the next day, by the hospital's clocks", () => {
    expect(shiftResource(form, of)["extension"]).toEqual([
        {
            url: `${EXTENSION}local-period`,
            extension: [
                { url: "start", valueString: "2027-03-31 20:00" },
                { url: "end", valueString: "2027-04-01 08:00" },
            ],
        },
    ]);
    const day = shiftResource({ ...form, from: "08:00", until: "20:00" }, of);
    expect(JSON.stringify(day)).toContain("2027-03-31 20:00");
    expect(day["code"]).toBeUndefined();
    expect(JSON.stringify(shiftResource({ ...form, deputy: true }, of)["code"])).toContain("deputy");
});

test("every missing part is named", () => {
    expect(shiftProblems(form, "amy")).toEqual({});
    const empty = { date: "", from: "", until: "", deputy: false };
    expect(Object.keys(shiftProblems(empty, undefined))).toEqual(["person", "date", "from", "until"]);
});

test("a shift to be changed is in the form as it is", () => {
    const start = new Date(2027, 2, 31, 20).getTime();
    const end = new Date(2027, 3, 1, 8).getTime();
    const shift = { id: "s", person: { id: "amy" }, start, end, deputy: true, signedOn: false };
    expect(shiftForm(shift, 0)).toEqual({ ...form, deputy: true });
    expect(shiftForm(undefined, start)).toEqual({ ...form, from: "08:00", until: "20:00" });
});

test("a refusal stands at the time that it is about, and any other at none", () => {
    const at = (expression: string | undefined, words = "no"): string | undefined =>
        refusedField(new FhirError(400, words, expression), 0)?.field;
    expect(at("PractitionerRole.period")).toBe("from");
    expect(at("PractitionerRole.extension(local-period).start")).toBe("from");
    expect(at("PractitionerRole.extension(local-period).end")).toBe("until");
    expect(at("PractitionerRole.practitioner")).toBeUndefined();
    expect(at(undefined)).toBeUndefined();
    const refusal = { code: "overlap", at: Date.parse("2027-04-01T07:00:00Z") };
    const overlap = new FhirError(400, "any words", "PractitionerRole.period", refusal);
    const refused = refusedField(overlap, 0);
    expect(refused?.words).toContain("overlaps another shift of the role");
    expect(refused?.words).not.toContain("2027-04-01T");
});
