import { MatrixEventEvent, RoomEvent, type MatrixEvent, type Room } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { REQUEST } from "../matrix/events.ts";
import { nameOf } from "../matrix/rooms.ts";
import { useClient } from "../session/store.ts";

/** Only what is this fresh is read out: not what a reconnection brings in bulk. */
const FRESH_MS = 30_000;
/** So many stay for a screen reader that is still busy with the one before. */
const KEPT = 5;
/** And for so long: what is said must not stand there for ever, where a screen reader would find it again. */
const SAID_MS = 20_000;

/** What is read out of an event; `undefined` for nothing, or not yet: what cannot be read is told when it can. */
export function sentence(room: Room, event: MatrixEvent, now: number): string | undefined {
    if (event.getSender() === room.myUserId || event.isState() || now - event.getTs() > FRESH_MS)
        return undefined;
    if (event.isBeingDecrypted() || event.isDecryptionFailure() || event.isRelation("m.replace"))
        return undefined;
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
    const [lines, setLines] = useState<readonly { id: string; text: string }[]>([]);
    useEffect(() => {
        const told = new Set<string>();
        const timers = new Set<ReturnType<typeof setTimeout>>();
        const forget = (id: string): void =>
            setLines((before) =>
                before.some((line) => line.id === id) ? before.filter((line) => line.id !== id) : before,
            );
        const tell = (event: MatrixEvent, room: Room | null | undefined): void => {
            const id = event.getId();
            const text = room && id !== undefined ? sentence(room, event, Date.now()) : undefined;
            if (text === undefined || id === undefined) return;
            // Once: what is decrypted anew, or comes back as an echo, is no news.
            if (told.has(id)) return;
            told.add(id);
            setLines((before) => [...before, { id, text }].slice(-KEPT));
            const timer = setTimeout(() => {
                timers.delete(timer);
                forget(id);
            }, SAID_MS);
            timers.add(timer);
        };
        const came = (event: MatrixEvent, room?: Room, toStart?: boolean): void => {
            if (toStart !== true) tell(event, room);
        };
        // When it comes, an encrypted message may not even have begun to be opened.
        const opened = (event: MatrixEvent): void => tell(event, client.getRoom(event.getRoomId()));
        const deleted = (redaction: MatrixEvent): void => {
            const target: unknown = redaction.getAssociatedId() ?? redaction.getContent()["redacts"];
            if (typeof target === "string") forget(target);
        };
        client.on(RoomEvent.Timeline, came);
        client.on(RoomEvent.Redaction, deleted);
        client.on(MatrixEventEvent.Decrypted, opened);
        return () => {
            for (const timer of timers) clearTimeout(timer);
            client.off(RoomEvent.Timeline, came);
            client.off(RoomEvent.Redaction, deleted);
            client.off(MatrixEventEvent.Decrypted, opened);
        };
    }, [client]);
    return (
        <div className="visually-hidden announcer" aria-live="polite" aria-relevant="additions">
            {lines.map((line) => (
                <p key={line.id}>{line.text}</p>
            ))}
        </div>
    );
}
