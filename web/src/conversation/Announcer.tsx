import { RoomEvent, type MatrixEvent, type Room } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { REQUEST } from "../matrix/events.ts";
import { nameOf } from "../matrix/rooms.ts";
import { useClient } from "../session/store.ts";

/** Only what is this fresh is read out: not what a reconnection brings in bulk. */
const FRESH_MS = 30_000;

async function sentence(room: Room, event: MatrixEvent): Promise<string | undefined> {
    if (event.getSender() === room.myUserId || event.isState() || Date.now() - event.getTs() > FRESH_MS)
        return undefined;
    await event.getDecryptionPromise();
    const name = nameOf(room, event.getSender() ?? "");
    if (event.getType() === REQUEST) return t.conversation.newRequest(name);
    const body: unknown = event.getContent()["body"];
    if (event.getType() !== "m.room.message" || typeof body !== "string") return undefined;
    return t.conversation.newMessage(name, body);
}

/**
 * Reads messages that arrive to screen readers. The conversation itself says nothing: what is drawn of it changes with
 * every scrolling.
 */
export function Announcer(): JSX.Element {
    const client = useClient();
    const [words, setWords] = useState("");
    useEffect(() => {
        const listener = (event: MatrixEvent, room?: Room, toStart?: boolean): void => {
            if (!room || toStart) return;
            void sentence(room, event).then((line) => line !== undefined && setWords(line));
        };
        client.on(RoomEvent.Timeline, listener);
        return () => {
            client.off(RoomEvent.Timeline, listener);
        };
    }, [client]);
    return (
        <p className="visually-hidden announcer" aria-live="polite">
            {words}
        </p>
    );
}
