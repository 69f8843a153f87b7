import type * as v from "valibot";
import {
    millis,
    ours,
    referenceId,
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
}

/** A role and who holds it now; nobody when `holders` is empty. */
export interface OnCallRole {
    id: string;
    name: string;
    help?: string | undefined;
    holders: { id: string; name?: string | undefined; until?: number | undefined }[];
}

export function humanName(name: HumanName | undefined): string {
    if (!name) return "";
    return name.text ?? [name.prefix[0], name.given.join(" "), name.family].filter(Boolean).join(" ");
}

export function staffName(resource: v.InferOutput<typeof PractitionerSchema>): StaffMember {
    const qualification = resource.qualification[0]?.code?.text;
    return {
        id: resource.id,
        name: humanName(resource.name[0]) || resource.id,
        job: qualification ?? ours(resource.extension, "job-title")?.valueString ?? "",
        matrixId: ours(resource.extension, "matrix-id")?.valueString,
    };
}

type Shift = v.InferOutput<typeof PractitionerRoleSchema>;

/** Whether a shift is on at an instant: from its start up to, not including, its end. */
export function isOn(shift: Pick<Shift, "active" | "period">, at: number): boolean {
    const start = millis(shift.period?.start) ?? -Infinity;
    const end = millis(shift.period?.end) ?? Infinity;
    return shift.active && start <= at && at < end;
}

/** Every role with its present holders, vacant roles first (they are what somebody must act on), then by name. */
export function onCallList(
    services: readonly v.InferOutput<typeof HealthcareServiceSchema>[],
    shifts: readonly Shift[],
    at: number,
): OnCallRole[] {
    const roles = services
        .filter((service) => service.active)
        .map((service): OnCallRole => {
            const holders = shifts
                .filter((shift) => isOn(shift, at))
                .filter((shift) =>
                    shift.healthcareService.some(
                        (one) => referenceId(one, "HealthcareService") === service.id,
                    ),
                )
                .flatMap((shift) => {
                    const id = referenceId(shift.practitioner, "Practitioner");
                    if (id === undefined) return [];
                    return [{ id, name: shift.practitioner?.display, until: millis(shift.period?.end) }];
                });
            return { id: service.id, name: service.name, help: service.comment, holders };
        });
    return roles.toSorted(
        (a, b) =>
            Number(a.holders.length > 0) - Number(b.holders.length > 0) ||
            a.name.localeCompare(b.name, "en-GB"),
    );
}
