/** Who looked at a patient, for the privacy officer: `docs/protocol/access.md`. */
import type * as v from "valibot";
import type { FhirClient } from "../fhir/client.ts";
import {
    AuditEventSchema,
    millis,
    ours,
    PatientSchema,
    readAll,
    referenceId,
    resourcesOf,
} from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { dateTime } from "../i18n/time.ts";
import type { Named } from "../oncall/model.ts";
import { patientFromResource, type Patient } from "./model.ts";

/** The kind of the role that may see it. */
export const PRIVACY_OFFICER = "privacy-officer";

/** One look at a patient's record. */
export interface Access {
    id: string;
    at: number;
    /** When it was for the first time within the hour, and how often. */
    since: number;
    times: number;
    person?: Named | undefined;
    /** The account, where it belongs to nobody of the directory. */
    user: string;
    device?: string | undefined;
    kind: "read" | "listed" | "break-glass" | "found" | "list-read";
    allowed: boolean;
    /** Why somebody from outside the care team looked, or the privacy officer searched, in their words. */
    reason?: string | undefined;
}

const BREAK_GLASS = "BTG";

/** What the second code of a look says that is of the access list itself. */
const OWN: Readonly<Record<string, Access["kind"]>> = {
    "found-for-access-list": "found",
    "access-list-read": "list-read",
    "search-type": "listed",
};

export function accessOf(event: v.InferOutput<typeof AuditEventSchema>): Access {
    const agent = event.agent[0];
    const id = referenceId(agent?.who, "Practitioner");
    const glass = event.purposeOfEvent.some((one) => one.coding.some(({ code }) => code === BREAK_GLASS));
    const known = event.subtype.flatMap(({ code = "" }) => OWN[code] ?? [])[0];
    return {
        id: event.id,
        at: millis(event.recorded) ?? 0,
        since: millis(event.period?.start) ?? millis(event.recorded) ?? 0,
        times: ours(event.extension, "look-times")?.valueInteger ?? 1,
        person: id === undefined ? undefined : { id, name: agent?.who?.display },
        user: agent?.altId ?? "",
        device: agent?.network?.address,
        kind: glass ? "break-glass" : (known ?? "read"),
        allowed: event.outcome === "0",
        reason: event.purposeOfEvent[0]?.text,
    };
}

/** Which looks are wanted; days as `YYYY-MM-DD`, both included, empty for no limit. */
export interface AccessFilter {
    from: string;
    to: string;
    person?: Named | undefined;
}

export const everyLook: AccessFilter = { from: "", to: "" };

/** The search for the looks at a patient that are wanted. */
export function accessSearch(patient: string, { from, to, person }: AccessFilter): Record<string, string> {
    const date = [from && `ge${from}`, to && `le${to}`].filter(Boolean).join(",");
    return {
        patient,
        ...(date !== "" && { date }),
        ...(person && { agent: `Practitioner/${person.id}` }),
    };
}

/** What the privacy officer found: at most so many as the service gives, of `total`. */
export interface FoundPatients {
    patients: Patient[];
    total: number;
}

/** Finds a patient by number or name, for a reason that is kept. */
export async function findPatients(fhir: FhirClient, text: string, reason: string): Promise<FoundPatients> {
    const answer = await fhir.operation("AuditEvent", undefined, "find-patient", { text, reason });
    const patients = readAll(PatientSchema, resourcesOf(answer)).map(patientFromResource);
    const total = (answer as { total?: unknown }).total;
    return { patients, total: typeof total === "number" ? total : patients.length };
}

/** A value of a table for spreadsheets, which must take none for a formula. */
function cell(value: string): string {
    const plain = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return `"${plain.replaceAll('"', '""')}"`;
}

/** The list as comma-separated values, with a head, as spreadsheets open it. */
export function accessCsv(looks: readonly Access[], name: (person: Named) => string): string {
    const rows = looks.map((look) => [
        dateTime(look.since),
        dateTime(look.at),
        String(look.times),
        look.person ? name(look.person) : "",
        look.user,
        t.access.kind[look.kind],
        look.allowed ? "" : t.access.denied,
        look.reason ?? "",
        look.device ?? "",
    ]);
    const lines = [t.access.columns, ...rows].map((row) => row.map(cell).join(","));
    // Spreadsheets take a file without this mark for another alphabet.
    return `\uFEFF${lines.join("\r\n")}\r\n`;
}
