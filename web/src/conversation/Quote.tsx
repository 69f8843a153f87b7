import type { MatrixEvent, Room } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { localpart, nameOf } from "../matrix/rooms.ts";
import { words } from "../matrix/timeline.ts";
import { useClient } from "../session/store.ts";

/** The message that another one answers, in two lines; pressing it goes there when it is loaded. */
export function Quote({ room, eventId }: { room: Room; eventId: string }): JSX.Element {
    const event = useEvent(room, eventId);
    const { data: staff } = useStaff();
    const sender = event?.getSender();
    const name = sender && (staff?.get(localpart(sender))?.name ?? nameOf(room, sender));
    return (
        <button type="button" className="quote" onClick={() => goTo(eventId)}>
            <span className="visually-hidden">{t.actions.answerTo} </span>
            <strong>{name}</strong>
            <span className="quote__text">{event ? words(event, room) : t.actions.quoteMissing}</span>
        </button>
    );
}

/** The event, from what is loaded or else from the server. */
function useEvent(room: Room, eventId: string): MatrixEvent | undefined {
    const client = useClient();
    const loaded = room.findEventById(eventId);
    const [fetched, setFetched] = useState<MatrixEvent>();
    useEffect(() => {
        if (loaded) return undefined;
        let current = true;
        const fetchIt = async (): Promise<void> => {
            const event = client.getEventMapper()(await client.fetchRoomEvent(room.roomId, eventId));
            await client.decryptEventIfNeeded(event);
            if (current) setFetched(event);
        };
        fetchIt().catch(() => undefined);
        return () => {
            current = false;
        };
    }, [client, room, eventId, loaded]);
    return loaded ?? fetched;
}

/** Brings a loaded message onto the screen and puts the focus on it. */
export function goTo(eventId: string): void {
    const row = document.querySelector<HTMLElement>(`[data-event="${CSS.escape(eventId)}"]`);
    if (!row) return;
    row.scrollIntoView({ block: "center" });
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
}
