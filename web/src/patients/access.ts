import type * as v from "valibot";
import { millis, referenceId, type AuditEventSchema } from "../fhir/schema.ts";
import type { Named } from "../oncall/model.ts";

/** One look at a patient's record. */
export interface Access {
    id: string;
    at: number;
    person?: Named | undefined;
    /** The account, where it belongs to nobody of the directory. */
    user: string;
    device?: string | undefined;
    kind: "read" | "listed" | "break-glass";
    allowed: boolean;
    /** Why somebody from outside the care team looked, in their words. */
    reason?: string | undefined;
}

const BREAK_GLASS = "BTG";

export function accessOf(event: v.InferOutput<typeof AuditEventSchema>): Access {
    const agent = event.agent[0];
    const id = referenceId(agent?.who, "Practitioner");
    const glass = event.purposeOfEvent.find((one) => one.coding.some(({ code }) => code === BREAK_GLASS));
    const listed = event.subtype.some(({ code }) => code === "search-type");
    return {
        id: event.id,
        at: millis(event.recorded) ?? 0,
        person: id === undefined ? undefined : { id, name: agent?.who?.display },
        user: agent?.altId ?? "",
        device: agent?.network?.address,
        kind: glass ? "break-glass" : listed ? "listed" : "read",
        allowed: event.outcome === "0",
        reason: glass?.text,
    };
}
