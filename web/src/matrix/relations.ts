/** What others added to a message: reactions, as the SDK has gathered them, and what it answers. */
import { EventType, RelationType, type MatrixEvent, type Room } from "matrix-js-sdk";
import { nameOf } from "./rooms.ts";

/** One sign under a message, and who put it there. */
export interface Reaction {
    key: string;
    names: string[];
    /** The event with which this person put it there, if they did. */
    mine?: string | undefined;
}

/** Longer ones are no sign but a text, sent unencrypted; nobody is shown those. */
const LONGEST_KEY = 16;

/** The reactions to a message, the most frequent first. */
export function reactionsOf(room: Room, event: MatrixEvent): Reaction[] {
    const id = event.getId();
    if (!id || event.isRedacted()) return [];
    const gathered = room.relations.getChildEventsForEvent(id, RelationType.Annotation, EventType.Reaction);
    const byKey = gathered?.getSortedAnnotationsByKey() ?? [];
    return byKey.flatMap(([key, events]): Reaction[] => {
        const senders = new Map<string, string | undefined>();
        for (const one of events) {
            const sender = one.getSender();
            if (sender && !one.isRedacted()) senders.set(sender, one.getId());
        }
        if (senders.size === 0 || key.length > LONGEST_KEY) return [];
        const names = [...senders.keys()].map((sender) => nameOf(room, sender));
        return [{ key, names, mine: senders.get(room.myUserId) }];
    });
}

/** The message that this one answers. */
export function replyTarget(event: MatrixEvent): string | undefined {
    const relation: unknown = event.getWireContent()["m.relates_to"];
    const answer = relation as
        | { is_falling_back?: unknown; "m.in_reply_to"?: { event_id?: unknown } }
        | undefined;
    // In a thread every message names the one before it, for clients that know no threads.
    if (answer?.is_falling_back === true) return undefined;
    const reply = answer?.["m.in_reply_to"];
    return typeof reply?.event_id === "string" ? reply.event_id : undefined;
}

/** The message whose thread this one belongs to. */
export function threadRoot(event: MatrixEvent): string | undefined {
    const relation = event.getWireContent()["m.relates_to"] as
        | { rel_type?: unknown; event_id?: unknown }
        | undefined;
    return relation?.rel_type === "m.thread" && typeof relation.event_id === "string"
        ? relation.event_id
        : undefined;
}
