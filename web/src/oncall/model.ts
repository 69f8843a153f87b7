import type * as v from "valibot";
import {
    millis,
    ours,
    referenceId,
    type HealthcareServiceSchema,
    type HumanName,
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

/** A role and who holds it now, as the service would ask them; vacant without a holder. */
export interface OnCallRole {
    id: string;
    name: string;
    /** Where the role can be called, as the directory writes it: `Bleep 2101`. */
    phone?: string | undefined;
    holder?: { id: string; name?: string | undefined; until?: number | undefined } | undefined;
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

type Service = v.InferOutput<typeof HealthcareServiceSchema>;

function roleOf(service: Service): OnCallRole {
    const holder = ours(service.extension, "current-holder")?.valueReference;
    const id = referenceId(holder, "Practitioner");
    const until = millis(ours(service.extension, "current-holder-until")?.valueInstant);
    return {
        id: service.id,
        name: service.name,
        phone: service.telecom.find((one) => one.system === "phone")?.value,
        holder: id === undefined ? undefined : { id, name: holder?.display, until },
    };
}

/** Every role with its present holder, vacant roles first (they are what somebody must act on), then by name. */
export function onCallList(services: readonly Service[]): OnCallRole[] {
    const vacant = (role: OnCallRole): number => Number(role.holder === undefined);
    return services
        .filter((service) => service.active)
        .map(roleOf)
        .toSorted((a, b) => vacant(b) - vacant(a) || a.name.localeCompare(b.name, "en-GB"));
}
