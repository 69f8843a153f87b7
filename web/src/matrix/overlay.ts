/** Shows what waits in the outbox as if it had happened: edits, deletions and reactions. Pure. */
import type { OutboxItem } from "./outbox-logic.ts";
import type { TimelineItem } from "./timeline.ts";

interface Relation {
    rel_type?: string;
    event_id?: string;
    key?: string;
}

function relation(item: OutboxItem): Relation {
    return (item.content["m.relates_to"] as Relation | undefined) ?? {};
}

/** The message that an item of the outbox changes; `undefined` for what is a message of its own. */
export function changes(item: OutboxItem): string | undefined {
    if (item.type === "m.room.redaction") return String(item.content["redacts"]);
    const { rel_type: kind, event_id: target } = relation(item);
    return kind === "m.replace" || kind === "m.annotation" ? target : undefined;
}

type Drawn = Extract<TimelineItem, { kind: "message" | "request" }>;

function applied(item: Drawn, queued: OutboxItem, me: string, deletedText: string): Drawn {
    if (queued.type === "m.room.redaction") {
        const target = changes(queued);
        if (item.key === target && item.kind === "message") {
            const { key, at, sender, own, first, kind } = item;
            const base = { key, at, sender, own, first, kind };
            return {
                ...base,
                text: deletedText,
                edited: false,
                deleted: true,
                reactions: [],
                mentions: [],
                forwarded: false,
                media: undefined,
            };
        }
        const reactions = item.reactions
            .map((one) =>
                one.mine === target
                    ? { key: one.key, names: one.names.filter((name) => name !== me), mine: undefined }
                    : one,
            )
            .filter((one) => one.names.length > 0);
        return { ...item, reactions };
    }
    const { rel_type: kind, event_id: target, key } = relation(queued);
    if (item.key !== target) return item;
    if (kind === "m.annotation" && key !== undefined) {
        const known = item.reactions.find((one) => one.key === key);
        if (known?.mine !== undefined) return item;
        const mine = { key, names: [...(known?.names ?? []), me], mine: queued.txnId };
        const others = item.reactions.filter((one) => one !== known);
        return { ...item, reactions: known ? [mine, ...others] : [...others, mine] };
    }
    const content = queued.content["m.new_content"] as { body?: unknown } | undefined;
    if (kind === "m.replace" && item.kind === "message" && typeof content?.body === "string")
        return { ...item, text: content.body, edited: true };
    return item;
}

/** `items` with what is `queued` applied, in order; what has failed for good is not. `me` is this person's name. */
export function withQueued(
    items: readonly TimelineItem[],
    queued: readonly OutboxItem[],
    me: string,
    deletedText: string,
): TimelineItem[] {
    const waiting = queued.filter((item) => item.state !== "failed" && changes(item) !== undefined);
    if (waiting.length === 0) return [...items];
    return items.map((item) => {
        const after = (before: Drawn): Drawn =>
            waiting.reduce<Drawn>((now, one) => applied(now, one, me, deletedText), before);
        if (item.kind === "thread") return { ...item, replies: item.replies.map(after) };
        return item.kind === "message" || item.kind === "request" ? after(item) : item;
    });
}
