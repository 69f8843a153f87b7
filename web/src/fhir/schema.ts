/** The parts of FHIR R4 resources that we read. Everything else in them is ignored. */
import * as v from "valibot";

/** Base of Wardline's extensions. */
export const EXTENSION = "https://wardline.org/fhir/StructureDefinition/";
export const REQUEST_STATE = "https://wardline.org/fhir/CodeSystem/request-state";
export const REQUEST_CLASS = "https://wardline.org/fhir/CodeSystem/request-class";
export const NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number";

const Reference = v.object({ reference: v.optional(v.string()), display: v.optional(v.string()) });
const Coding = v.object({ system: v.optional(v.string()), code: v.optional(v.string()) });
const Concept = v.object({ coding: v.optional(v.array(Coding), []), text: v.optional(v.string()) });
const Period = v.object({ start: v.optional(v.string()), end: v.optional(v.string()) });

export interface Extension {
    url: string;
    valueString?: string | undefined;
    valueCode?: string | undefined;
    valueBoolean?: boolean | undefined;
    valueTime?: string | undefined;
    valueInteger?: number | undefined;
    valueInstant?: string | undefined;
    valueReference?: v.InferOutput<typeof Reference> | undefined;
    extension?: Extension[] | undefined;
}
const ExtensionSchema: v.GenericSchema<Extension> = v.object({
    url: v.string(),
    valueString: v.optional(v.string()),
    valueCode: v.optional(v.string()),
    valueBoolean: v.optional(v.boolean()),
    valueTime: v.optional(v.string()),
    valueInteger: v.optional(v.number()),
    valueInstant: v.optional(v.string()),
    valueReference: v.optional(Reference),
    extension: v.optional(v.array(v.lazy(() => ExtensionSchema))),
});
const extension = v.optional(v.array(ExtensionSchema), []);

const HumanName = v.object({
    use: v.optional(v.string()),
    text: v.optional(v.string()),
    family: v.optional(v.string()),
    given: v.optional(v.array(v.string()), []),
    prefix: v.optional(v.array(v.string()), []),
});
export type HumanName = v.InferOutput<typeof HumanName>;

export const PatientSchema = v.object({
    resourceType: v.literal("Patient"),
    id: v.string(),
    name: v.optional(v.array(HumanName), []),
    meta: v.optional(v.object({ security: v.optional(v.array(Coding), []) })),
    active: v.optional(v.boolean(), true),
    deceasedBoolean: v.optional(v.boolean()),
    link: v.optional(v.array(v.object({ type: v.optional(v.string()), other: v.optional(Reference) })), []),
    birthDate: v.optional(v.string()),
    gender: v.optional(v.string()),
    identifier: v.optional(
        v.array(v.object({ system: v.optional(v.string()), value: v.optional(v.string()) })),
        [],
    ),
    extension,
});

export const LocationSchema = v.object({
    resourceType: v.literal("Location"),
    id: v.string(),
    name: v.optional(v.string(), ""),
    physicalType: v.optional(Concept),
    partOf: v.optional(Reference),
});

export const PractitionerSchema = v.object({
    resourceType: v.literal("Practitioner"),
    id: v.string(),
    name: v.optional(v.array(HumanName), []),
    qualification: v.optional(v.array(v.object({ code: v.optional(Concept) })), []),
    extension,
});

export const HealthcareServiceSchema = v.object({
    resourceType: v.literal("HealthcareService"),
    id: v.string(),
    active: v.optional(v.boolean(), true),
    name: v.optional(v.string(), ""),
    telecom: v.optional(
        v.array(v.object({ system: v.optional(v.string()), value: v.optional(v.string()) })),
        [],
    ),
    location: v.optional(v.array(Reference), []),
    type: v.optional(v.array(Concept), []),
    extension,
});

/** A shift of a role, or an assignment to a ward. */
export const PractitionerRoleSchema = v.object({
    resourceType: v.literal("PractitionerRole"),
    id: v.string(),
    practitioner: v.optional(Reference),
    healthcareService: v.optional(v.array(Reference), []),
    location: v.optional(v.array(Reference), []),
    code: v.optional(v.array(Concept), []),
    period: v.optional(Period),
});

export const CareTeamSchema = v.object({
    resourceType: v.literal("CareTeam"),
    id: v.string(),
    name: v.optional(v.string(), ""),
    participant: v.optional(
        v.array(v.object({ member: v.optional(Reference), role: v.optional(v.array(Concept), []) })),
        [],
    ),
});

export const OrganizationSchema = v.object({
    resourceType: v.literal("Organization"),
    id: v.string(),
    name: v.optional(v.string(), ""),
});

export const AuditEventSchema = v.object({
    resourceType: v.literal("AuditEvent"),
    id: v.string(),
    subtype: v.optional(v.array(Coding), []),
    recorded: v.string(),
    period: v.optional(Period),
    outcome: v.optional(v.string()),
    extension,
    purposeOfEvent: v.optional(v.array(Concept), []),
    agent: v.optional(
        v.array(
            v.object({
                who: v.optional(Reference),
                altId: v.optional(v.string()),
                network: v.optional(v.object({ address: v.optional(v.string()) })),
            }),
        ),
        [],
    ),
});

export const ListSchema = v.object({
    resourceType: v.literal("List"),
    id: v.string(),
    date: v.optional(v.string()),
    extension,
});

export interface Parameter {
    name: string;
    valueString?: string | undefined;
    valueInteger?: number | undefined;
    valueInstant?: string | undefined;
    valueReference?: v.InferOutput<typeof Reference> | undefined;
    valuePeriod?: v.InferOutput<typeof Period> | undefined;
    part?: Parameter[] | undefined;
}
const ParameterSchema: v.GenericSchema<Parameter> = v.object({
    name: v.string(),
    valueString: v.optional(v.string()),
    valueInteger: v.optional(v.number()),
    valueInstant: v.optional(v.string()),
    valueReference: v.optional(Reference),
    valuePeriod: v.optional(Period),
    part: v.optional(v.array(v.lazy(() => ParameterSchema))),
});

/** What an operation answers. */
export const ParametersSchema = v.object({
    resourceType: v.literal("Parameters"),
    parameter: v.optional(v.array(ParameterSchema), []),
});

/** The resources in a Bundle. */
export function resourcesOf(bundle: unknown): unknown[] {
    const result = v.safeParse(BundleSchema, bundle);
    return result.success ? result.output.entry.flatMap(({ resource }) => resource ?? []) : [];
}

const BundleSchema = v.object({
    entry: v.optional(v.array(v.object({ resource: v.optional(v.unknown()) })), []),
});

export const TaskSchema = v.object({
    resourceType: v.literal("Task"),
    id: v.string(),
    meta: v.optional(v.object({ versionId: v.optional(v.string()) })),
    status: v.optional(v.string()),
    businessStatus: v.optional(Concept),
    code: v.optional(Concept),
    for: v.optional(Reference),
    owner: v.optional(Reference),
    location: v.optional(Reference),
    requester: v.optional(Reference),
    description: v.optional(v.string()),
    authoredOn: v.optional(v.string()),
    lastModified: v.optional(v.string()),
    restriction: v.optional(v.object({ period: v.optional(Period) })),
    extension,
});
export type TaskResource = v.InferOutput<typeof TaskSchema>;

/** A crash call or broadcast. */
export const CallSchema = v.object({
    resourceType: v.literal("CommunicationRequest"),
    id: v.string(),
    category: v.optional(v.array(Concept), []),
    subject: v.optional(Reference),
    payload: v.optional(v.array(v.object({ contentString: v.optional(v.string()) })), []),
    authoredOn: v.optional(v.string()),
    requester: v.optional(Reference),
    recipient: v.optional(v.array(Reference), []),
    extension,
});

/** Parses a search result; entries that are not what was asked for are left out rather than shown wrongly. */
export function readAll<S extends v.GenericSchema>(
    schema: S,
    resources: readonly unknown[],
): v.InferOutput<S>[] {
    return resources.flatMap((resource) => {
        const result = v.safeParse(schema, resource);
        return result.success ? [result.output] : [];
    });
}

/** The id in a reference such as `Practitioner/anna`, if it is of that type. */
export function referenceId(
    reference: { reference?: string | undefined } | undefined,
    type: string,
): string | undefined {
    const [kind, id] = reference?.reference?.split("/").slice(-2) ?? [];
    return kind === type ? id : undefined;
}

/** The extension of ours with that name. */
export function ours(extensions: readonly Extension[] | undefined, name: string): Extension | undefined {
    return extensions?.find((one) => one.url === EXTENSION + name || one.url === name);
}

/** An instant as milliseconds since the epoch; `undefined` when absent or not a date. */
export function millis(instant: string | undefined): number | undefined {
    if (instant === undefined) return undefined;
    const value = Date.parse(instant);
    return Number.isNaN(value) ? undefined : value;
}
