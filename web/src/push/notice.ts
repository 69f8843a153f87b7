/** What a push says, as the service worker shows it. Pure. Shape: `engine`, `push/web.rs`; every part is untrusted. */
import * as v from "valibot";

const classes = [
    "urgent",
    "call",
    "crash",
    "drill",
    "broadcast",
    "action",
    "information",
    "invite",
    "mention",
    "message",
] as const;

const PushSchema = v.object({
    room_id: v.optional(v.pipe(v.string(), v.maxLength(255))),
    call_id: v.optional(v.pipe(v.string(), v.maxLength(64))),
    event_id: v.optional(v.pipe(v.string(), v.maxLength(255))),
    class: v.fallback(v.picklist(classes), "message"),
    // An older server counts messages only.
    counts: v.optional(
        v.object({ conversations: v.optional(v.number()), unread: v.optional(v.number(), 0) }),
        { unread: 0 },
    ),
});

const AckSchema = v.object({ ack_token: v.string(), app_id: v.string() });

export type PushClass = (typeof classes)[number];

export interface Notice {
    /** Its conversation; empty for a broadcast, which has none. */
    roomId: string;
    /** The broadcast. */
    callId?: string | undefined;
    class: PushClass;
    /** Conversations with something unread. */
    unread: number;
    /** It stands for one that was shown before and still waits for its answer. */
    kept?: boolean;
}

/** The notice in a push; `undefined` when it is none. */
export function noticeOf(payload: unknown): Notice | undefined {
    const result = v.safeParse(PushSchema, payload);
    if (!result.success) return undefined;
    const { room_id: roomId, call_id: callId, class: kind, counts } = result.output;
    if (roomId === undefined && callId === undefined) return undefined;
    return {
        roomId: roomId ?? "",
        class: kind,
        unread: counts.conversations ?? counts.unread,
        ...(roomId === undefined && { callId }),
    };
}

/** The token by which a new subscription proves that pushes arrive. */
export function ackOf(payload: unknown): string | undefined {
    const result = v.safeParse(AckSchema, payload);
    return result.success ? result.output.ack_token : undefined;
}

/** Words by class, in both languages; the worker has no catalogue of its own. */
const titles: Record<string, Record<PushClass, string>> = {
    en: {
        urgent: "Urgent request",
        call: "Incoming call",
        crash: "Crash call",
        drill: "DRILL: not an emergency",
        broadcast: "Broadcast: please answer",
        action: "Request",
        information: "For your information",
        invite: "Invitation",
        mention: "You were mentioned",
        message: "New message",
    },
    cy: {
        urgent: "Cais brys",
        call: "Galwad i mewn",
        crash: "Galwad argyfwng",
        drill: "YMARFER: nid argyfwng",
        broadcast: "Neges i bawb: atebwch os gwelwch yn dda",
        action: "Cais",
        information: "Er gwybodaeth",
        invite: "Gwahoddiad",
        mention: "Cawsoch eich crybwyll",
        message: "Neges newydd",
    },
};
const answers: Record<string, { accept: string; decline: string }> = {
    en: { accept: "Accept", decline: "Decline" },
    cy: { accept: "Derbyn", decline: "Gwrthod" },
};

export interface Shown {
    title: string;
    options: NotificationOptions & { actions?: { action: string; title: string }[]; renotify?: boolean };
}

/** What is shown: how urgent it is and nothing else, one notification for each conversation. */
export function shown(notice: Notice, language: string): Shown {
    const words = titles[language] ?? titles["en"];
    const buttons = answers[language] ?? answers["en"];
    const request = notice.class === "urgent" || notice.class === "action";
    const loud = ["urgent", "call", "crash", "drill", "broadcast"].includes(notice.class);
    return {
        title: words?.[notice.class] ?? "Wardline",
        options: {
            tag: notice.callId ?? notice.roomId,
            renotify: notice.kept !== true && (request || loud),
            requireInteraction: loud,
            icon: "/icon.svg",
            data: { roomId: notice.roomId, class: notice.class },
            ...(request &&
                buttons && {
                    actions: [
                        { action: "accept", title: buttons.accept },
                        { action: "decline", title: buttons.decline },
                    ],
                }),
        },
    };
}

/** What is kept of a shown notification. */
const ShownSchema = v.object({ roomId: v.string(), class: v.fallback(v.picklist(classes), "message") });

/** Said once, and over when it was read. */
const quiet: readonly PushClass[] = ["message", "mention", "information", "invite"];
/** Over when it was answered. */
const requests: readonly PushClass[] = ["urgent", "action"];

/** Whether a notification (by its data) has nothing left to say once all of a conversation was read, or its request answered, here or elsewhere. */
export function isOver(data: unknown, roomId: string, after: "read" | "answered"): boolean {
    const result = v.safeParse(ShownSchema, data);
    if (!result.success || result.output.roomId !== roomId) return false;
    return (after === "read" ? quiet : requests).includes(result.output.class);
}

/**
 * What stands for a conversation that has one notification, of which `before` are the data of what is shown: a message takes the place of
 * a message, and never of a request that still waits for its answer.
 */
export function standing(notice: Notice, before: readonly unknown[]): Notice {
    if (!quiet.includes(notice.class)) return notice;
    const open = before
        .map((data) => v.safeParse(ShownSchema, data))
        .find(({ success, output }) => success && isOver(output, notice.roomId, "answered"));
    return open?.success === true ? { ...notice, class: open.output.class, kept: true } : notice;
}

/** Where a pressed notification leads. */
export function destination(roomId: string, action: string): string {
    // A broadcast covers whatever is opened.
    if (roomId === "") return "/on-call";
    const place = `/chats/${encodeURIComponent(roomId)}`;
    return action === "accept" || action === "decline" ? `${place}?answer=${action}` : place;
}
