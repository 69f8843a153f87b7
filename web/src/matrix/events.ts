/** Names of Wardline's own event, state and receipt types, and the shapes we read from them (all untrusted input). */
import * as v from "valibot";

export const PATIENT_ROOM = "org.wardline.patient";
/** The type of a role's own conversation, and its state event. */
export const ROLE_ROOM = "org.wardline.role";
/** State: whether the patient is in hospital, and whether they have died. */
export const PATIENT_STATUS = "org.wardline.patient.status";
/** The patient has left hospital, come back or died. */
export const PATIENT_UPDATE = "org.wardline.patient.update";
/** Two records of one patient were joined. */
export const PATIENT_MERGED = "org.wardline.patient.merged";
export const REQUEST = "org.wardline.request";
export const REQUEST_UPDATE = "org.wardline.request.update";
export const DELIVERED = "org.wardline.delivered";
/** In the content of a message that was passed on from another conversation. */
export const FORWARDED = "org.wardline.forwarded";
/** In the content of a message: the roles that it names. */
export const ROLE_MENTIONS = "org.wardline.role_mentions";
export const HISTORY_REQUEST = "org.wardline.history_request";

export const requestClasses = ["urgent", "action", "information"] as const;
export type RequestClass = (typeof requestClasses)[number];

export const requestStates = [
    "raised",
    "delivered",
    "seen",
    "accepted",
    "declined",
    "on-my-way",
    "arrived",
    "completed",
    "cancelled",
    "failed",
] as const;
export type RequestState = (typeof requestStates)[number];

/** Whom a request can be addressed to; a ward is whoever covers it now. */
export const addresseeKinds = ["role", "person", "team", "ward"] as const;

const text = v.pipe(v.string(), v.maxLength(20_000));
const id = v.pipe(v.string(), v.maxLength(255));

export const SbarSchema = v.object({
    situation: v.optional(text, ""),
    background: v.optional(text, ""),
    assessment: v.optional(text, ""),
    recommendation: v.optional(text, ""),
});
export type Sbar = v.InferOutput<typeof SbarSchema>;

/** The words of a request: content of the encrypted `org.wardline.request`. */
export const RequestContentSchema = v.object({
    request_id: id,
    class: v.picklist(requestClasses),
    to: v.object({ kind: v.picklist(addresseeKinds), id, display: text }),
    needed_by: v.number(),
    sbar: v.optional(SbarSchema),
    text: v.optional(text),
    body: v.optional(text, ""),
});
export type RequestContent = v.InferOutput<typeof RequestContentSchema>;

/** The clerk's clear-text announcement of a step: content of `org.wardline.request.update`. */
export const RequestUpdateSchema = v.object({
    request_id: id,
    state: v.picklist(requestStates),
    class: v.picklist(requestClasses),
    at: v.number(),
    step: v.optional(v.number(), 0),
    actor: v.optional(v.nullable(id)),
    role: v.optional(v.nullable(id)),
    asks: v.optional(v.nullable(id)),
    invite: v.optional(v.nullable(id)),
    next_step_at: v.optional(v.nullable(v.number())),
    body: v.optional(text, ""),
});
export type RequestUpdate = v.InferOutput<typeof RequestUpdateSchema>;

/** To-device, in clear: somebody who cannot read what was written before their first sign-in asks for it, or no longer does. */
export const HistoryRequestSchema = v.object({
    action: v.picklist(["ask", "cancel"]),
    device_id: id,
    room_ids: v.pipe(v.array(id), v.maxLength(100)),
});
export type HistoryRequest = v.InferOutput<typeof HistoryRequestSchema>;

export const PatientStateSchema = v.object({ ref: v.pipe(v.string(), v.minLength(1), v.maxLength(64)) });

export const PatientStatusSchema = v.object({
    open: v.optional(v.boolean(), true),
    deceased: v.optional(v.boolean(), false),
});
export type PatientStatus = v.InferOutput<typeof PatientStatusSchema>;

/** The clerk's word that a patient has left hospital, come back or died. */
export const PatientUpdateSchema = v.object({ body: text });

/** The clerk's word that two records were joined: the other conversation, and which of the two goes on. */
export const PatientMergedSchema = v.object({
    body: v.optional(text, ""),
    replacement_room: v.optional(v.nullable(id)),
    merged_room: v.optional(v.nullable(id)),
});

/** Parses, or gives `undefined`: an event that is not what it says is not shown as if it were. */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> | undefined {
    const result = v.safeParse(schema, value);
    return result.success ? result.output : undefined;
}
