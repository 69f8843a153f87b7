/** The pure rules of the outbox: order, retry and what counts as failed. The running part is `outbox.ts`. */

/** A request that goes with a message: written as a FHIR Task once the message is in the room. */
export interface QueuedRequest {
    /** The Task's id. */
    id: string;
    /** The Task without `request-event`, which is known only after the message is sent. */
    task: Record<string, unknown>;
}

/** Names of the records (in the vault) with the files of a message. */
export interface QueuedAttachment {
    full: string;
    thumbnail?: string | undefined;
}

export type OutboxState = "waiting" | "sending" | "sent" | "failed";

export interface OutboxItem {
    /** Transaction id given to the server; the same for every try, so that a retry never doubles a message. */
    txnId: string;
    roomId: string;
    /** Position in the queue; grows with every item of this browser. */
    seq: number;
    /** When it was typed, milliseconds since the epoch. */
    createdAt: number;
    type: string;
    content: Record<string, unknown>;
    state: OutboxState;
    /** Set as soon as the server has the message. */
    eventId?: string | undefined;
    request?: QueuedRequest | undefined;
    /** The files that go with it, until the server has them. */
    attachment?: QueuedAttachment | undefined;
    /** Why it failed for good, in words for the person who wrote it. */
    error?: string | undefined;
    attempts: number;
}

/** The next item of every conversation: at most one each, the oldest that is not sent and has not failed for good. */
export function nextToSend(items: readonly OutboxItem[]): OutboxItem[] {
    const heads = new Map<string, OutboxItem>();
    for (const item of inOrder(items)) {
        if (item.state === "sent" || item.state === "failed") continue;
        if (!heads.has(item.roomId)) heads.set(item.roomId, item);
    }
    return [...heads.values()].filter((item) => item.state === "waiting");
}

/** Items in the order in which they were typed. */
export function inOrder(items: readonly OutboxItem[]): OutboxItem[] {
    return items.toSorted((a, b) => a.seq - b.seq);
}

/** What was being sent when the app stopped is sent again; what the server has is no longer ours to keep. */
export function afterReload(items: readonly OutboxItem[]): OutboxItem[] {
    const unsent = inOrder(items).filter((item) => item.state !== "sent");
    return unsent.map((item) => (item.state === "sending" ? { ...item, state: "waiting" as const } : item));
}

interface HttpFailure {
    message?: string | undefined;
    /** The body of a Matrix error. */
    data?: { error?: string | undefined } | undefined;
    httpStatus?: number | undefined;
    status?: number | undefined;
    errcode?: string | undefined;
}

/**
 * Whether trying again can help. A refusal by the server (4xx other than time-outs, rate limits and a session that is being
 * renewed) cannot; anything else, above all no network, can.
 */
export function isFinal(error: unknown): boolean {
    const failure = error as HttpFailure | null;
    const status = failure?.httpStatus ?? failure?.status;
    if (typeof status !== "number") return false;
    return status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);
}

/** Why it failed for good, in the server's words where it gave some that a person can read. */
export function failureWords(error: unknown, otherwise: string): string {
    const failure = error as HttpFailure | null;
    // The SDK's own messages hold addresses and codes; the body's do not.
    const words = failure?.data ? failure.data.error : failure?.message;
    return words || otherwise;
}

/** Wait before try number `attempts + 1`, milliseconds: 1 s doubling to half a minute. */
export function retryDelay(attempts: number): number {
    return Math.min(30_000, 1_000 * 2 ** Math.max(0, attempts - 1));
}
