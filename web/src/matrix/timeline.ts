import { EventType, MsgType, RelationType, type MatrixEvent, type Room } from "matrix-js-sdk";
import { callLine } from "../calls/line.ts";
import { t } from "../i18n/index.ts";
import {
    FORWARDED,
    parse,
    PATIENT_MERGED,
    PATIENT_ROOM,
    PATIENT_UPDATE,
    PatientMergedSchema,
    PatientUpdateSchema,
    REQUEST,
    REQUEST_UPDATE,
    RequestContentSchema,
    RequestUpdateSchema,
    ROLE_ROOM,
    type RequestContent,
} from "./events.ts";
import { isErased } from "./erased.ts";
import { loadedEvents } from "./loaded.ts";
import { mediaOf, type Media } from "./media.ts";
import { mentioned } from "./mentions.ts";
import { reactionsOf, replyTarget, threadRoot, type Reaction } from "./relations.ts";
import { isClerk, nameOf } from "./rooms.ts";

/** One thing to draw in a conversation. */
export type TimelineItem =
    | { kind: "day"; key: string; at: number }
    /** Where the reader left off. */
    | { kind: "unread"; key: string; at: number }
    /** The answers in a thread, folded under the message that began it. */
    | { kind: "thread"; key: string; at: number; root: string; replies: Spoken[] }
    | {
          kind: "system";
          key: string;
          at: number;
          text: string;
          joined?: string[];
          leads?: Leads;
          /** It stands for all that was erased here. */
          erased?: boolean;
      }
    | { kind: "unreadable"; key: string; at: number; sender: string; pending: boolean; first: boolean }
    | {
          kind: "message";
          key: string;
          at: number;
          sender: string;
          own: boolean;
          first: boolean;
          text: string;
          edited: boolean;
          deleted: boolean;
          reactions: Reaction[];
          media?: Media | undefined;
          /** The message it answers. */
          replyTo?: string | undefined;
          /** The message whose thread it belongs to. */
          thread?: string | undefined;
          /** Whom it names: user ids (they begin with an `@`) and ids of roles. */
          mentions: string[];
          /** It was written somewhere else and passed on. */
          forwarded: boolean;
      }
    | {
          kind: "request";
          key: string;
          at: number;
          sender: string;
          own: boolean;
          first: boolean;
          content: RequestContent;
          reactions: Reaction[];
      };

/** Where a quiet line leads: to another conversation of the same patient, or to a request. */
export type Leads = { room: string; ended: boolean } | { request: string };

/** What somebody said: a message or a request. */
export type Spoken = Extract<TimelineItem, { kind: "message" | "request" }>;

/** Messages of one person closer together than this share one name line. */
const GROUP_MS = 5 * 60_000;

function dayOf(at: number): string {
    return new Date(at).toDateString();
}

function plainText(event: MatrixEvent): string {
    const content = event.getContent();
    const body: unknown = content["body"];
    const type: unknown = content["msgtype"];
    if (type === MsgType.Text || type === MsgType.Notice || type === MsgType.Emote) {
        return typeof body === "string" ? body : "";
    }
    return t.conversation.unsupported(typeof body === "string" ? body : "");
}

type SystemLine = { text: string; joined?: string[] };

function memberLine(event: MatrixEvent, room: Room): SystemLine | undefined {
    const target = event.getStateKey() ?? "";
    if (isClerk(target)) return undefined;
    const now: unknown = event.getContent()["membership"];
    const before: unknown = event.getPrevContent()["membership"];
    if (now === before) return undefined;
    const name = nameOf(room, target);
    const bySelf = event.getSender() === target;
    if (now === "join") return { text: t.conversation.joined([name]), joined: [name] };
    // Whom a request brings to a patient is told by the announcement of the step, and by their joining.
    if (now === "invite" && room.getType() === PATIENT_ROOM) return undefined;
    if (now === "invite") return { text: t.conversation.invited(name) };
    if (now === "leave") return { text: bySelf ? t.conversation.left(name) : t.conversation.removed(name) };
    return undefined;
}

type Drawn = Exclude<TimelineItem, { kind: "day" | "unread" | "thread" }>;

/** What has been drawn of each event; `forget` names those that have changed. */
const known = new WeakMap<MatrixEvent, { of: number; words: typeof t; item: Drawn | undefined }>();
const generations = new WeakMap<Room, number>();

/** Draws one event anew the next time. */
export function forget(event: MatrixEvent): void {
    known.delete(event);
}

/** Draws a whole conversation anew the next time: a name has changed, something was deleted. */
export function forgetAll(room: Room): void {
    generations.set(room, (generations.get(room) ?? 0) + 1);
}

/** What to draw of an event. A long conversation is not read anew for each message that comes. */
function drawn(event: MatrixEvent, room: Room): Drawn | undefined {
    const of = generations.get(room) ?? 0;
    const before = known.get(event);
    if (before?.of === of && before.words === t) return before.item;
    const item = draw(event, room);
    // What is being opened, or on its way, changes without further notice.
    const settled = event.status === null && !event.isBeingDecrypted();
    if (settled) known.set(event, { of, words: t, item });
    return item;
}

/** The line of a call, which changes with what comes after it and so is not kept. */
function drawnCall(events: readonly MatrixEvent[], index: number, room: Room): Drawn | undefined {
    const event = events[index];
    if (event?.getType() !== EventType.CallInvite || event.isRedacted()) return undefined;
    const text = callLine(events, index, room.myUserId ?? "");
    return text === undefined
        ? undefined
        : { kind: "system", key: event.getId() ?? "", at: event.getTs(), text };
}

function draw(event: MatrixEvent, room: Room): Drawn | undefined {
    const key = event.getId() ?? `local-${event.getTxnId() ?? event.getTs()}`;
    const at = event.getTs();
    const sender = event.getSender() ?? "";
    const own = sender === room.myUserId;
    const base = { key, at, sender, own, first: true };
    if (event.isRelation(RelationType.Replace) || event.isRelation(RelationType.Annotation)) return undefined;
    if (event.isRedacted() && !event.isState()) {
        return {
            ...base,
            kind: "message",
            text: t.conversation.deleted,
            edited: false,
            deleted: true,
            reactions: [],
            mentions: [],
            forwarded: false,
        };
    }
    if (isErased(event)) return { kind: "system", key, at, text: t.conversation.erased, erased: true };
    if (event.isBeingDecrypted() || event.isDecryptionFailure() || event.getType() === "m.room.encrypted") {
        return { kind: "unreadable", key, at, sender, pending: !event.isDecryptionFailure(), first: true };
    }
    switch (event.getType()) {
        case "m.room.message": {
            const media = mediaOf(event.getContent());
            return {
                ...base,
                kind: "message",
                media,
                text: media ? media.caption : plainText(event),
                edited: event.replacingEvent() !== null,
                deleted: false,
                reactions: reactionsOf(room, event),
                replyTo: replyTarget(event),
                thread: threadRoot(event),
                mentions: mentioned(event.getContent()),
                forwarded: FORWARDED in event.getContent(),
            };
        }
        case REQUEST: {
            const content = parse(RequestContentSchema, event.getContent());
            return content && { ...base, kind: "request", content, reactions: reactionsOf(room, event) };
        }
        case REQUEST_UPDATE: {
            const update = isClerk(sender) ? parse(RequestUpdateSchema, event.getContent()) : undefined;
            // In a role's own conversation there is no card: what is raised there was raised by the service.
            if (update?.body && update.state === "raised" && room.getType() === ROLE_ROOM) {
                const leads = { request: update.request_id };
                return { kind: "system", key, at, text: t.clerk(update.body), leads };
            }
            // The request's own card shows that it was raised, delivered and seen; a line would only be noise.
            const quiet = update?.state === "delivered" || update?.state === "seen";
            if (!update || quiet || (update.state === "raised" && update.step === 0)) return undefined;
            return update.body ? { kind: "system", key, at, text: t.clerk(update.body) } : undefined;
        }
        case PATIENT_UPDATE: {
            const update = isClerk(sender) ? parse(PatientUpdateSchema, event.getContent()) : undefined;
            return update && { kind: "system", key, at, text: t.clerk(update.body) };
        }
        case PATIENT_MERGED: {
            const merged = isClerk(sender) ? parse(PatientMergedSchema, event.getContent()) : undefined;
            const other = merged?.replacement_room ?? merged?.merged_room;
            if (!merged || typeof other !== "string") return undefined;
            const leads = { room: other, ended: typeof merged.merged_room === "string" };
            return { kind: "system", key, at, text: t.clerk(merged.body), leads };
        }
        case "m.room.member": {
            const line = memberLine(event, room);
            return line && { kind: "system", key, at, ...line };
        }
        case "m.room.encryption":
            return { kind: "system", key, at, text: t.conversation.encrypted };
        default:
            return undefined;
    }
}

/**
 * What a conversation shows, oldest first, with day separators and messages grouped by sender. Answers in a thread are folded
 * under the message that began it, where that is loaded. `unreadFrom` is the first event that the reader had not seen.
 */
export function buildTimeline(
    room: Room,
    events: readonly MatrixEvent[],
    unreadFrom?: string,
): TimelineItem[] {
    const items: TimelineItem[] = [];
    const threads = new Map<string, Extract<TimelineItem, { kind: "thread" }>>();
    const said = new Set<string>();
    let last: TimelineItem | undefined;
    let unread = false;
    for (const [index, event] of events.entries()) {
        unread ||= unreadFrom !== undefined && event.getId() === unreadFrom;
        const found = drawn(event, room) ?? drawnCall(events, index, room);
        if (!found) continue;
        if (found.kind === "message" && found.thread !== undefined && said.has(found.thread)) {
            const open = threads.get(found.thread);
            if (open) {
                open.replies.push({ ...found, first: true });
                open.at = found.at;
                continue;
            }
            const thread = {
                kind: "thread" as const,
                key: `thread-${found.thread}`,
                at: found.at,
                root: found.thread,
                replies: [{ ...found, first: true }],
            };
            threads.set(found.thread, thread);
            const root = items.findIndex((one) => one.key === found.thread);
            items.splice(root + 1, 0, thread);
            continue;
        }
        const before = items.at(-1);
        if (found.kind === "system" && found.erased && before?.kind === "system" && before.erased) continue;
        let item = found;
        if (!last || dayOf(last.at) !== dayOf(item.at)) {
            items.push({ kind: "day", key: `day-${item.key}`, at: item.at });
            last = undefined;
        }
        if (unread) {
            items.push({ kind: "unread", key: "unread", at: item.at });
            last = undefined;
            unread = false;
            unreadFrom = undefined;
        }
        if (item.kind !== "system" && last && "sender" in last) {
            const first = last.sender !== item.sender || item.at - last.at > GROUP_MS;
            if (first !== item.first) item = { ...item, first };
        }
        if (item.kind === "message" || item.kind === "request") said.add(item.key);
        items.push(item);
        last = item;
    }
    return mergeSystemLines(items);
}

/** Joins of many people at once become one line, the rest stays. */
function mergeSystemLines(items: readonly TimelineItem[]): TimelineItem[] {
    const merged: TimelineItem[] = [];
    for (const item of items) {
        const previous = merged.at(-1);
        const earlier = previous?.kind === "system" ? previous : undefined;
        if (item.kind === "system" && item.joined && earlier?.joined) {
            const joined = [...new Set([...earlier.joined, ...item.joined])];
            merged[merged.length - 1] = { ...earlier, joined, text: t.conversation.joined(joined) };
        } else {
            merged.push(item);
        }
    }
    return merged;
}

/** One line for the list of conversations: the newest thing worth telling. */
export function preview(room: Room): { text: string; at: number; own: boolean } | undefined {
    const events = loadedEvents(room);
    for (let index = events.length - 1; index >= 0; index--) {
        const event = events[index];
        // Who joined is no news in a list of conversations.
        const item =
            event && !event.isState() ? (drawn(event, room) ?? drawnCall(events, index, room)) : undefined;
        if (!item) continue;
        const own = "own" in item && item.own;
        return { text: previewText(item), at: item.at, own };
    }
    return undefined;
}

/** The words of one event, in a line. */
export function words(event: MatrixEvent, room: Room): string {
    const item = drawn(event, room);
    return item ? previewText(item) : "";
}

function previewText(item: Drawn): string {
    switch (item.kind) {
        case "message":
            return item.media ? t.attachments.line(item.media) : item.text;
        case "system":
            return item.text;
        case "unreadable":
            return item.pending ? t.conversation.opening : t.conversation.unreadable;
        case "request":
            return t.requests.preview(item.content.class, item.content.to.display);
    }
}
