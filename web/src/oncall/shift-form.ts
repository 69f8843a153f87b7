/** A shift entered by hand: what the form holds, what is wrong with it, and the resource that it becomes. */
import { EXTENSION } from "../fhir/schema.ts";
import type { FhirError } from "../fhir/client.ts";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import type { Shift } from "./model.ts";

/** The code system of how a shift counts beside others of its role. */
const SHIFT_RANK = "https://wardline.org/fhir/CodeSystem/shift-rank";

/** Dates as `2027-03-27`, times as `20:00`, both as clocks of the hospital show them. */
export interface ShiftForm {
    date: string;
    from: string;
    until: string;
    deputy: boolean;
}

export type ShiftField = "person" | "date" | "from" | "until";

function two(value: number): string {
    return String(value).padStart(2, "0");
}

/** The form of a new shift, or of one that is to be changed. */
export function shiftForm(shift: Shift | undefined, now: number): ShiftForm {
    const start = new Date(shift?.start ?? now);
    const time = (at: number | undefined, otherwise: string): string => {
        if (at === undefined) return otherwise;
        const when = new Date(at);
        return `${two(when.getHours())}:${two(when.getMinutes())}`;
    };
    return {
        date: `${start.getFullYear()}-${two(start.getMonth() + 1)}-${two(start.getDate())}`,
        from: time(shift?.start, "08:00"),
        until: time(shift?.end, "20:00"),
        deputy: shift?.deputy ?? false,
    };
}

/** What is missing, by field, in words. */
export function shiftProblems(
    form: ShiftForm,
    personId: string | undefined,
): Partial<Record<ShiftField, string>> {
    const problems: Partial<Record<ShiftField, string>> = {};
    if (personId === undefined) problems.person = t.shifts.needPerson;
    if (form.date === "") problems.date = t.shifts.needDate;
    if (form.from === "") problems.from = t.shifts.needTime;
    if (form.until === "") problems.until = t.shifts.needTime;
    return problems;
}

/** The field that a refusal is about, with words for it; nothing where it is about no time. */
export function refusedField(
    error: FhirError,
    now: number,
): { field: ShiftField; words: string } | undefined {
    const [, of, end] = /^PractitionerRole\.(period|extension\(local-period\))(?:\.(start|end))?$/.exec(
        error.expression ?? "",
    ) ?? [undefined, undefined, undefined];
    if (of === undefined) return undefined;
    const { code, at } = error.refusal;
    const words =
        code === "overlap" && at !== undefined
            ? t.shifts.overlaps(clockWithDay(at, now))
            : t.role.failed(error.message);
    return { field: end === "end" ? "until" : "from", words };
}

/** The day after a date of the calendar. */
function nextDay(date: string): string {
    const [year = 0, month = 1, day = 1] = date.split("-").map(Number);
    return new Date(Date.UTC(year, month - 1, day + 1)).toISOString().slice(0, 10);
}

/** The PractitionerRole of a shift. An end that is not after its beginning is on the next day. */
export function shiftResource(
    form: ShiftForm,
    of: { id?: string | undefined; roleId: string; personId: string },
): Record<string, unknown> {
    const last = form.until <= form.from ? nextDay(form.date) : form.date;
    return {
        resourceType: "PractitionerRole",
        ...(of.id !== undefined && { id: of.id }),
        practitioner: { reference: `Practitioner/${of.personId}` },
        healthcareService: [{ reference: `HealthcareService/${of.roleId}` }],
        ...(form.deputy && { code: [{ coding: [{ system: SHIFT_RANK, code: "deputy" }] }] }),
        extension: [
            {
                url: `${EXTENSION}local-period`,
                extension: [
                    { url: "start", valueString: `${form.date} ${form.from}` },
                    { url: "end", valueString: `${last} ${form.until}` },
                ],
            },
        ],
    };
}
