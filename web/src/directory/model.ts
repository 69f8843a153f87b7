/** What a search of the directory finds: roles, people, teams, places and organisations. */
import {
    CareTeamSchema,
    HealthcareServiceSchema,
    LocationSchema,
    OrganizationSchema,
    PractitionerSchema,
    readAll,
} from "../fhir/schema.ts";
import { roleOf, staffName, type OnCallRole, type StaffMember } from "../oncall/model.ts";
import { teamOf, type Team } from "../oncall/team.ts";
import { bedsAndWards, type Place } from "../patients/model.ts";

export type Entry =
    | { kind: "role"; id: string; role: OnCallRole }
    | { kind: "person"; id: string; person: StaffMember }
    | { kind: "team"; id: string; team: Team }
    | { kind: "place"; id: string; place: Place }
    | { kind: "organisation"; id: string; name: string };

/** The types of FHIR that a search can be limited to. */
export type EntryType = "HealthcareService" | "Practitioner" | "CareTeam" | "Location" | "Organization";

/** Reads one result; nothing for what is not of the directory. */
export function entryOf(resource: unknown): Entry[] {
    const one = [resource];
    const id = (resource as { id?: unknown } | null)?.id;
    if (typeof id !== "string") return [];
    return [
        ...readAll(HealthcareServiceSchema, one).map((it) => ({
            kind: "role" as const,
            id,
            role: roleOf(it),
        })),
        ...readAll(PractitionerSchema, one).map((it) => ({
            kind: "person" as const,
            id,
            person: staffName(it),
        })),
        ...readAll(CareTeamSchema, one).map((it) => ({ kind: "team" as const, id, team: teamOf(it) })),
        ...readAll(LocationSchema, one).flatMap((it) => {
            const place = bedsAndWards([it]).get(id);
            return place ? [{ kind: "place" as const, id, place }] : [];
        }),
        ...readAll(OrganizationSchema, one).map((it) => ({
            kind: "organisation" as const,
            id,
            name: it.name,
        })),
    ];
}

/** Words that people write around what they look for: "Who covers ward 7 now?" looks for "ward 7". */
const AROUND =
    /\b(who|who's|is|are|covers?|covering|on call|for|on|now|the|at|today|tonight|please)\b|[?.!,]/gi;

/** What is really looked for in a question. */
export function sought(question: string): string {
    const bare = question.replace(AROUND, " ").replace(/\s+/g, " ").trim();
    return bare.length >= 2 ? bare : question.trim();
}

/** Whether every word of `text` begins a word of one of these. */
export function fits(text: string, ...fields: readonly (string | undefined)[]): boolean {
    const words = fields.flatMap((field) => (field ?? "").toLowerCase().split(/[\s,.'-]+/));
    return text
        .toLowerCase()
        .split(/\s+/)
        .every((part) => words.some((word) => word.startsWith(part)));
}

/** What is known on this device, for when the server does not answer. */
export function searchKept(
    text: string,
    kept: {
        roles: readonly OnCallRole[];
        staff: ReadonlyMap<string, StaffMember>;
        places: ReadonlyMap<string, Place>;
        teams: readonly Team[];
    },
): Entry[] {
    if (text === "") return [];
    return [
        ...kept.roles
            .filter((role) => fits(text, role.name))
            .map((role) => ({ kind: "role" as const, id: role.id, role })),
        ...[...kept.staff.values()]
            .filter((person) => fits(text, person.name, person.job))
            .map((person) => ({ kind: "person" as const, id: person.id, person })),
        ...kept.teams
            .filter((team) => fits(text, team.name))
            .map((team) => ({ kind: "team" as const, id: team.id, team })),
        ...[...kept.places.values()]
            .filter((place) => place.kind === "ward" && fits(text, place.name))
            .map((place) => ({ kind: "place" as const, id: place.id, place })),
    ].slice(0, 20);
}
