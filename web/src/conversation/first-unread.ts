import { RelationType, type MatrixEvent, type Room } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { hasEarlier, loadedEvents, loadEarlier } from "../matrix/loaded.ts";
import { useClient } from "../session/store.ts";

/** So many messages are fetched at most to find where somebody left off. */
const MOST = 1_000;
const PAGE = 100;
/** No event has this id. */
const EARLIER = "earlier";

function isMessage(event: MatrixEvent): boolean {
    return (
        !event.isState() &&
        !event.isRelation(RelationType.Replace) &&
        !event.isRelation(RelationType.Annotation) &&
        event.getType() !== "m.room.redaction"
    );
}

/** The first message that this person has not seen: its id, `EARLIER` when it is not loaded, or `undefined` for none. */
export function firstUnread(room: Room, me: string): string | undefined {
    const events = loadedEvents(room);
    const read = room.getEventReadUpTo(me);
    // Somebody new begins at the end, whatever was said before they came.
    if (read === null) return undefined;
    const at = events.findIndex((event) => event.getId() === read);
    if (at < 0) return room.getUnreadNotificationCount() > 0 ? EARLIER : undefined;
    const first = events.slice(at + 1).find((event) => event.getSender() !== me && isMessage(event));
    return first?.getId();
}

/** Where reading begins, found once when the conversation is opened; `pending` while it is looked for. */
export function useFirstUnread(room: Room): { eventId: string | undefined; pending: boolean } {
    const client = useClient();
    const [found, setFound] = useState(() => firstUnread(room, room.myUserId));
    useEffect(() => {
        if (found !== EARLIER) return undefined;
        let current = true;
        const look = async (): Promise<void> => {
            for (let fetched = 0; fetched < MOST; fetched += PAGE) {
                if (!hasEarlier(room)) break;
                await loadEarlier(client, room, PAGE);
                const next = firstUnread(room, room.myUserId);
                if (!current) return;
                if (next !== EARLIER) {
                    setFound(next);
                    return;
                }
            }
            setFound(loadedEvents(room).find(isMessage)?.getId());
        };
        look().catch(() => undefined);
        return () => {
            current = false;
        };
    }, [client, room, found]);
    return found === EARLIER ? { eventId: undefined, pending: true } : { eventId: found, pending: false };
}
