/** What one may do with a message, and the events that do it. Pure. */
import { FORWARDED } from "../matrix/events.ts";
import type { Spoken } from "../matrix/timeline.ts";

/** A message or a request: what can be answered, marked and looked into. */
export type Actionable = Spoken;

export type MessageAction =
    | "reply"
    | "thread"
    | "forward"
    | "pin"
    | "unpin"
    | "edit"
    | "copy"
    | "info"
    | "delete";

/** What the hospital's policy and the conversation's rules allow this person. */
export interface Allowed {
    forward: boolean;
    pin: boolean;
    /** It stands at the top already. */
    pinned?: boolean;
}

/** The signs offered first; others' signs can be joined whatever they are. */
export const quickReactions = ["👍", "✅", "👀", "🙏", "❤️", "❗"] as const;

/** What the menu of a message offers. A request is part of the record: its words are neither changed nor deleted here. */
export function actionsFor(item: Actionable, allowed: Allowed): MessageAction[] {
    const pin: MessageAction[] = allowed.pin ? [allowed.pinned === true ? "unpin" : "pin"] : [];
    if (item.kind === "request") return ["reply", ...pin, "info"];
    if (item.deleted) return ["info"];
    // What was sent with words of its own is copied and changed as words; a picture is neither.
    const words: MessageAction[] = item.text === "" ? [] : ["copy"];
    const forward: MessageAction[] = allowed.forward ? ["forward"] : [];
    const first: MessageAction[] = ["reply", "thread", ...forward, ...pin];
    if (!item.own) return [...first, ...words, "info"];
    const change: MessageAction[] = item.media ? [] : ["edit"];
    return [...first, ...change, ...words, "info", "delete"];
}

/** What the composer is doing besides writing a new message. */
export interface ComposeMode {
    kind: "reply" | "edit" | "thread";
    /** The message that is answered or changed; for a thread the one that began it. */
    eventId: string;
    /** The newest message of the thread. */
    lastId?: string | undefined;
    /** Whom one answers; not set for an edit. */
    name?: string | undefined;
    /** The words that are answered or changed. */
    text: string;
    /** What stood in the composer before an edit began. */
    before?: string | undefined;
}

export interface Outgoing {
    type: string;
    content: Record<string, unknown>;
}

/** The event that a composer in `mode` sends for `body`. */
export function composed(
    body: string,
    mode: ComposeMode | undefined,
    mentions: Record<string, unknown> = {},
): Outgoing {
    const text = { msgtype: "m.text", body, ...mentions };
    if (mode?.kind === "edit") {
        const relation = { rel_type: "m.replace", event_id: mode.eventId };
        const content = { ...text, body: `* ${body}`, "m.new_content": text, "m.relates_to": relation };
        return { type: "m.room.message", content };
    }
    if (mode?.kind === "reply") {
        const relation = { "m.in_reply_to": { event_id: mode.eventId } };
        return { type: "m.room.message", content: { ...text, "m.relates_to": relation } };
    }
    if (mode?.kind === "thread") {
        const relation = {
            rel_type: "m.thread",
            event_id: mode.eventId,
            is_falling_back: true,
            "m.in_reply_to": { event_id: mode.lastId ?? mode.eventId },
        };
        return { type: "m.room.message", content: { ...text, "m.relates_to": relation } };
    }
    return { type: "m.room.message", content: text };
}

/** The event that passes a message on: its words and file, without what it answered and whom it named. */
export function forwarded(content: Record<string, unknown>): Outgoing {
    const { "m.relates_to": _relation, "m.mentions": _named, "m.new_content": changed, ...rest } = content;
    const newest = typeof changed === "object" && changed !== null ? { ...rest, ...changed } : rest;
    return { type: "m.room.message", content: { ...newest, [FORWARDED]: true } };
}

/** The event that puts `key` under a message, or takes it back when this person had put it there. */
export function toggled(item: Actionable, key: string): Outgoing | undefined {
    const mine = item.reactions.find((one) => one.key === key)?.mine;
    if (mine === undefined) {
        const relation = { rel_type: "m.annotation", event_id: item.key, key };
        return { type: "m.reaction", content: { "m.relates_to": relation } };
    }
    // One that is still being sent has no event yet that could be taken back.
    return mine.startsWith("$") ? deletion(mine) : undefined;
}

export function deletion(eventId: string): Outgoing {
    return { type: "m.room.redaction", content: { redacts: eventId } };
}

/** What stands in the composer when `sent` is on its way: `next`, or what was written meanwhile. */
export function afterSending(sent: string, written: string, next: string): string {
    if (written === sent) return next;
    return written.startsWith(sent) ? written.slice(sent.length) : written;
}
