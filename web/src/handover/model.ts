/** The handover list of a role: everything open that goes with it, by patient. */
import { ListSchema, millis, ours, readAll, referenceId, resourcesOf, TaskSchema } from "../fhir/schema.ts";
import { isUnanswered, requestFromTask, type Request } from "../requests/model.ts";

/** The open requests about one patient, or about none. */
export interface Card {
    patientRef?: string | undefined;
    requests: Request[];
}

export interface HandoverList {
    /** Names exactly these requests in these versions. */
    digest: string;
    /** When the service wrote it. */
    at: number;
    cards: Card[];
    /** Who accepted exactly this list, and when. */
    acceptedBy?: string | undefined;
    acceptedAt?: number | undefined;
}

/** Reads the answer of `HealthcareService/{id}/$handover`; `undefined` for what is none. */
export function handoverFrom(bundle: unknown): HandoverList | undefined {
    const resources = resourcesOf(bundle);
    const list = readAll(ListSchema, resources)[0];
    const digest = ours(list?.extension, "handover-digest")?.valueString;
    if (!list || digest === undefined) return undefined;
    const requests = readAll(TaskSchema, resources).flatMap((task) => requestFromTask(task) ?? []);
    const cards = new Map<string, Card>();
    for (const request of requests) {
        const key = request.patientRef ?? "";
        const card = cards.get(key) ?? { patientRef: request.patientRef, requests: [] };
        card.requests.push(request);
        cards.set(key, card);
    }
    return {
        digest,
        at: millis(list.date) ?? 0,
        cards: [...cards.values()],
        acceptedBy: referenceId(ours(list.extension, "handover-accepted-by")?.valueReference, "Practitioner"),
        acceptedAt: millis(ours(list.extension, "handover-accepted-at")?.valueInstant),
    };
}

/** What a reader of the list must know of a request: not that it was delivered or seen meanwhile. */
function substance(request: Request): string {
    const waiting = request.state === "delivered" || request.state === "seen";
    const said = request.chain.filter((one) => one.comment !== undefined).length;
    return [request.id, waiting ? "raised" : request.state, request.acceptedById ?? "", said].join(" ");
}

/** Names what a card says: whoever ticked it has read this, and nothing that came after. */
export function cardKey(card: Card): string {
    return [card.patientRef ?? "", ...card.requests.map(substance).toSorted()].join("\n");
}

export type Severity = "urgent" | "waiting" | "in-hand";

/** How pressing a card is: something urgent is open, something waits for an answer, or all of it is in somebody's hands. */
export function severity(card: Card): Severity {
    if (card.requests.some((one) => one.class === "urgent")) return "urgent";
    return card.requests.some(isUnanswered) ? "waiting" : "in-hand";
}
