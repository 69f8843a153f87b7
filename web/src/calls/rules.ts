/** What the states of a call mean to people, and what is left of it in its conversation. Pure. */

/** Where a call stands. */
export type Step = "starting" | "ringing" | "incoming" | "connecting" | "connected" | "ended";

/** Why a call ended, where there is something to say. */
export type Ending = "noAnswer" | "declined" | "busy" | "elsewhere" | "devices" | "network" | "over";

const steps: Record<string, Step | undefined> = {
    fledgling: "starting",
    wait_local_media: "starting",
    create_offer: "starting",
    invite_sent: "ringing",
    ringing: "incoming",
    create_answer: "connecting",
    connecting: "connecting",
    connected: "connected",
    ended: "ended",
};

/** The step of a call in one of the SDK's states. */
export function stepOf(state: string): Step {
    return steps[state] ?? "connecting";
}

const reasons: Record<string, Ending | undefined> = {
    invite_timeout: "noAnswer",
    user_busy: "busy",
    answered_elsewhere: "elsewhere",
    no_user_media: "devices",
    user_media_failed: "devices",
    ice_failed: "network",
    ice_timeout: "network",
    send_invite: "network",
    send_answer: "network",
    signalling_timeout: "network",
    local_offer_failed: "network",
    create_offer: "network",
    create_answer: "network",
    set_remote_description: "network",
    set_local_description: "network",
};

interface Ended {
    /** This device had called. */
    outbound: boolean;
    byOther: boolean;
    /** The two have heard one another. */
    answered: boolean;
}

/** What to say of a call that ended; `undefined` when there is nothing to say, as when the other gave up before one answered. */
export function endingOf(
    reason: string | undefined,
    { outbound, byOther, answered }: Ended,
): Ending | undefined {
    const known = reason === undefined ? undefined : reasons[reason];
    // The line in the conversation says that a call was missed.
    if (known === "noAnswer" && !outbound) return undefined;
    if (known) return known;
    if (answered) return "over";
    if (outbound) return byOther ? "declined" : undefined;
    return undefined;
}

/** An event of a call, as far as its history needs it. */
export interface CallTrace {
    type: string;
    sender: string;
    at: number;
    content: Record<string, unknown>;
}

/** What became of a call. */
export type Outcome =
    | { what: "lasted"; milliseconds: number }
    /** Both called at once, and talk in the call of the other. */
    | { what: "replaced" }
    | { what: "missed" | "unanswered" | "declined" | "open" };

/** What is longer than this without an end was left by a device that died. */
const LONGEST_MS = 12 * 3_600_000;
/** Rings for so long where the invitation does not say. */
const LIFETIME_MS = 60_000;

/** Whether the call of an invitation has pictures. */
export function isVideo(content: Record<string, unknown>): boolean {
    const offer = content["offer"] as { sdp?: unknown } | undefined;
    return typeof offer?.sdp === "string" && offer.sdp.includes("m=video");
}

/** What became of the call that `invite` began; `later` are the events after it, in order; read no further than needed. */
export function outcome(invite: CallTrace, later: Iterable<CallTrace>, me: string, now: number): Outcome {
    const id = invite.content["call_id"];
    const lifetime = invite.content["lifetime"];
    const rings = typeof lifetime === "number" ? Math.min(lifetime, 10 * LIFETIME_MS) : LIFETIME_MS;
    const own = invite.sender === me;
    let answered: number | undefined;
    for (const one of later) {
        if (one.at > invite.at + (answered === undefined ? rings + LIFETIME_MS : LONGEST_MS)) break;
        if (!one.type.startsWith("m.call.")) continue;
        if (one.content["call_id"] !== id) {
            // While this one rang, another one was answered here.
            if (one.type === "m.call.answer" && answered === undefined && one.at <= invite.at + rings)
                return { what: "replaced" };
            continue;
        }
        if (one.type === "m.call.answer") answered ??= one.at;
        else if (one.type === "m.call.reject" && answered === undefined) {
            if (own) return { what: "declined" };
            return {
                what: one.sender === me && one.content["reason"] !== "user_busy" ? "declined" : "missed",
            };
        } else if (one.type === "m.call.hangup") {
            if (answered !== undefined)
                return { what: "lasted", milliseconds: Math.max(0, one.at - answered) };
            // Given up for the call of the other, which is answered a moment later.
            if (one.content["reason"] === "replaced") return { what: "replaced" };
            return { what: own ? "unanswered" : "missed" };
        }
    }
    if (answered !== undefined || now <= invite.at + rings) return { what: "open" };
    return { what: own ? "unanswered" : "missed" };
}
