import type { MatrixEvent, Room } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { useClient } from "../session/store.ts";

/** One event of a conversation, from what is loaded or else from the server. */
export function useEvent(room: Room, eventId: string): MatrixEvent | undefined {
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
