import type * as v from "valibot";
import { dutyOf, type Duty } from "../duty/model.ts";
import { t } from "../i18n/index.ts";
import type { Addressee } from "../requests/model.ts";
import {
    millis,
    ours,
    referenceId,
    type Extension,
    type HealthcareServiceSchema,
    type HumanName,
    type PractitionerRoleSchema,
    type PractitionerSchema,
} from "../fhir/schema.ts";

/** A colleague. */
export interface StaffMember {
    id: string;
    name: string;
    job: string;
    /** Their Matrix id, if the directory gives it. */
    matrixId?: string | undefined;
    duty?: Duty | undefined;
}

/** An id, and the name that came with it. */
export interface Named {
    id: string;
    name?: string | undefined;
}

/** How somebody came to hold a role. */
export type HeldBy = "sign-on" | "rota" | "deputy";

/** A role and who holds it now, as the service would ask them; vacant without a holder. */
export interface OnCallRole {
    id: string;
    name: string;
    /** Where the role can be called, as the directory writes it: `Bleep 2101`. */
    phone?: string | undefined;
    holder?: (Named & { until?: number | undefined; by?: HeldBy | undefined }) | undefined;
    /** The holder's devices cannot be reached, or are all muted: as good as vacant. */
    silent?: "unreachable" | "muted" | undefined;
    /** An offer that is not answered yet. */
    offer?: { from: Named; to: Named; until?: number | undefined } | undefined;
    /** Location ids of the wards that it covers. */
    wards: string[];
    /** A duty of its own, such as `privacy-officer`. */
    kind?: string | undefined;
    /** The role that is asked while nobody holds this one. */
    fallbackId?: string | undefined;
}

/** A shift of a role, or an assignment to a ward. */
export interface Shift {
    id: string;
    person: Named;
    roleId?: string | undefined;
    wardId?: string | undefined;
    start?: number | undefined;
    end?: number | undefined;
    deputy: boolean;
    /** Not of the rota: somebody took the role, or it was handed over to them. */
    signedOn: boolean;
}

export function humanName(name: HumanName | undefined): string {
    if (!name) return "";
    return name.text ?? [name.prefix[0], name.given.join(" "), name.family].filter(Boolean).join(" ");
}

function named(extension: Extension | undefined): Named | undefined {
    const id = referenceId(extension?.valueReference, "Practitioner");
    return id === undefined ? undefined : { id, name: extension?.valueReference?.display };
}

function isOneOf<T extends string>(known: readonly T[], value: string | undefined): value is T {
    return known.some((one) => one === value);
}

const HELD_BY = ["sign-on", "rota", "deputy"] as const;
const SILENT = ["unreachable", "muted"] as const;

export function staffName(resource: v.InferOutput<typeof PractitionerSchema>): StaffMember {
    const qualification = resource.qualification[0]?.code?.text;
    return {
        id: resource.id,
        name: humanName(resource.name[0]) || resource.id,
        job: qualification ?? ours(resource.extension, "job-title")?.valueString ?? "",
        matrixId: ours(resource.extension, "matrix-id")?.valueString,
        duty: dutyOf(resource.extension),
    };
}

type Service = v.InferOutput<typeof HealthcareServiceSchema>;

function offerOf(extension: Extension | undefined): OnCallRole["offer"] {
    const from = named(ours(extension?.extension, "from"));
    const to = named(ours(extension?.extension, "to"));
    const until = millis(ours(extension?.extension, "until")?.valueInstant);
    return from && to && { from, to, until };
}

/** A role as the screens use it. */
export function roleOf(service: Service): OnCallRole {
    const { extension } = service;
    const holder = named(ours(extension, "current-holder"));
    const by = ours(extension, "current-holder-by")?.valueCode;
    const silent = ours(extension, "current-holder-unreachable")?.valueCode;
    return {
        id: service.id,
        name: service.name,
        phone: service.telecom.find((one) => one.system === "phone")?.value,
        holder: holder && {
            ...holder,
            until: millis(ours(extension, "current-holder-until")?.valueInstant),
            by: isOneOf(HELD_BY, by) ? by : undefined,
        },
        silent: isOneOf(SILENT, silent) ? silent : undefined,
        offer: offerOf(ours(extension, "role-offer")),
        wards: service.location.flatMap((one) => referenceId(one, "Location") ?? []),
        kind: service.type[0]?.coding[0]?.code,
        fallbackId: referenceId(ours(extension, "role-fallback")?.valueReference, "HealthcareService"),
    };
}

/** The role as somebody whom a request can be addressed to. */
export function asked({ id, name }: OnCallRole): Addressee {
    return { kind: "role", id, display: name };
}

/** Nobody can be asked through it: nobody holds it, or whoever does cannot be reached. */
export function isVacant(role: OnCallRole): boolean {
    return role.holder === undefined || role.silent !== undefined;
}

/** Every role with its present holder, vacant roles first (they are what somebody must act on), then by name. */
export function onCallList(services: readonly Service[]): OnCallRole[] {
    return services
        .filter((service) => service.active)
        .map(roleOf)
        .toSorted(
            (a, b) => Number(isVacant(b)) - Number(isVacant(a)) || a.name.localeCompare(b.name, t.locale),
        );
}

/** A shift as the screens use it. */
export function shiftOf(resource: v.InferOutput<typeof PractitionerRoleSchema>): Shift | undefined {
    const id = referenceId(resource.practitioner, "Practitioner");
    if (id === undefined) return undefined;
    const ranks = resource.code.flatMap((one) => one.coding.map(({ code }) => code));
    return {
        id: resource.id,
        person: { id, name: resource.practitioner?.display },
        roleId: referenceId(resource.healthcareService[0], "HealthcareService"),
        wardId: referenceId(resource.location[0], "Location"),
        start: millis(resource.period?.start),
        end: millis(resource.period?.end),
        deputy: ranks.includes("deputy"),
        signedOn: ranks.includes("sign-on"),
    };
}

/** The shifts that have not ended and begin within `days`, soonest first; deputies last at the same time. */
export function comingShifts(shifts: readonly Shift[], now: number, days: number): Shift[] {
    const latest = now + days * 86_400_000;
    return shifts
        .filter((one) => (one.end ?? Infinity) > now && (one.start ?? 0) < latest)
        .toSorted((a, b) => (a.start ?? 0) - (b.start ?? 0) || Number(a.deputy) - Number(b.deputy));
}
