import type * as v from "valibot";
import { NHS_NUMBER, ours, referenceId, type LocationSchema, type PatientSchema } from "../fhir/schema.ts";

/** A patient as the screens use it. */
export interface Patient {
    ref: string;
    family: string;
    given: string;
    title: string;
    /** `YYYY-MM-DD`, if known. */
    born?: string | undefined;
    gender?: string | undefined;
    nhsNumber?: string | undefined;
    /** Id of the Location (bed, or ward) where the patient is. */
    placeId?: string | undefined;
    placeName?: string | undefined;
    roomId?: string | undefined;
    deceased: boolean;
    /** Address, telephone and practice of this patient are never shown to anybody. */
    restricted: boolean;
    /** The record that goes on, where this one was joined to another. */
    replacedBy?: string | undefined;
}

/** Confidentiality of a record whose demographics are restricted. */
const RESTRICTED = "R";

/** A ward or a bed. */
export interface Place {
    id: string;
    name: string;
    kind: "ward" | "bed" | "other";
    parentId?: string | undefined;
}

export function patientFromResource(resource: v.InferOutput<typeof PatientSchema>): Patient {
    const name = resource.name.find((one) => one.use === "official") ?? resource.name[0];
    const place = ours(resource.extension, "patient-location")?.valueReference;
    return {
        ref: resource.id,
        family: name?.family ?? name?.text ?? "",
        given: name?.given.join(" ") ?? "",
        title: name?.prefix[0] ?? "",
        born: resource.birthDate,
        gender: resource.gender,
        nhsNumber: resource.identifier.find((one) => one.system === NHS_NUMBER)?.value,
        placeId: referenceId(place, "Location"),
        placeName: place?.display,
        roomId: ours(resource.extension, "patient-room")?.valueString,
        deceased: resource.deceasedBoolean ?? false,
        restricted: resource.meta?.security.some((one) => one.code === RESTRICTED) ?? false,
        replacedBy: referenceId(resource.link.find((one) => one.type === "replaced-by")?.other, "Patient"),
    };
}

const KINDS: Record<string, Place["kind"]> = { wa: "ward", bd: "bed" };

export function bedsAndWards(resources: readonly v.InferOutput<typeof LocationSchema>[]): Map<string, Place> {
    return new Map(
        resources.map((resource) => [
            resource.id,
            {
                id: resource.id,
                name: resource.name,
                kind: KINDS[resource.physicalType?.coding[0]?.code ?? ""] ?? "other",
                parentId: referenceId(resource.partOf, "Location"),
            },
        ]),
    );
}

/** Where a patient is: the ward, and the bed if one is known. */
export interface Whereabouts {
    ward: string;
    bed: string;
}

/** Finds the ward and bed of a patient; empty words where they are not known. */
export function whereabouts(patient: Patient, places: ReadonlyMap<string, Place> | undefined): Whereabouts {
    let bed = "";
    let place = patient.placeId === undefined ? undefined : places?.get(patient.placeId);
    if (!place) return { ward: patient.placeName ?? "", bed };
    // A bed may stand in a bay; the ward is the outermost that calls itself one. Depth is bounded against loops.
    for (let depth = 0; place && place.kind !== "ward" && depth < 5; depth++) {
        if (place.kind === "bed") bed = place.name;
        place = place.parentId === undefined ? undefined : places?.get(place.parentId);
    }
    return { ward: (place?.kind === "ward" ? place.name : patient.placeName) ?? "", bed };
}

const natural = new Intl.Collator("en-GB", { numeric: true });

/** Patients by ward, each ward by bed in natural order (bed 2 before bed 10). */
export function byWard(
    patients: readonly Patient[],
    places: ReadonlyMap<string, Place> | undefined,
): { ward: string; patients: { patient: Patient; bed: string }[] }[] {
    const wards = new Map<string, { patient: Patient; bed: string }[]>();
    for (const patient of patients) {
        const { ward, bed } = whereabouts(patient, places);
        wards.set(ward, [...(wards.get(ward) ?? []), { patient, bed }]);
    }
    return [...wards]
        .map(([ward, list]) => ({
            ward,
            patients: list.toSorted(
                (a, b) =>
                    natural.compare(a.bed, b.bed) || natural.compare(a.patient.family, b.patient.family),
            ),
        }))
        .toSorted((a, b) => natural.compare(a.ward, b.ward));
}
