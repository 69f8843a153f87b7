import { RelationType, type Room } from "matrix-js-sdk";
import { useEffect, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import type { MessageStatus, ReaderStatus } from "../matrix/ticks.ts";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import type { Actionable } from "./actions.ts";

interface InfoProps {
    room: Room;
    item: Actionable;
    name: string;
    /** Only for messages of this person: others' browsers do not tell us who else has them. */
    status: MessageStatus | undefined;
    onClose: () => void;
}

/** The way of a message: written, sent, delivered to whom, seen by whom, changed; with the times that are known. */
export function MessageInfo({ room, item, name, status, onClose }: InfoProps): JSX.Element {
    return (
        <Dialog title={t.info.title} onClose={onClose}>
            <div className="info">
                <dl className="info__facts">
                    <dt>{t.info.from}</dt>
                    <dd>{item.own ? `${name} (${t.conversation.you})` : name}</dd>
                    <dt>{t.info.sentAt}</dt>
                    <dd>{clockWithDay(item.at, Date.now())}</dd>
                </dl>
                {status && <Chain status={status} />}
                {item.kind === "message" && item.edited && <History room={room} item={item} />}
            </div>
        </Dialog>
    );
}

function Chain({ status }: { status: MessageStatus }): JSX.Element {
    return (
        <>
            <h3>{t.ticks.who}</h3>
            <Readers readers={status.readers} />
        </>
    );
}

/** Everybody else in the conversation, with what is known of each. */
export function Readers({ readers }: { readers: readonly ReaderStatus[] }): JSX.Element {
    const when = (at: number | undefined): string =>
        at === undefined ? "" : ` ${clockWithDay(at, Date.now())}`;
    return (
        <ul className="readers">
            {readers.map((reader) => (
                <li key={reader.userId}>
                    <strong>{reader.name}</strong>
                    {reader.tick === "sent" && <span>{t.ticks.notYet}</span>}
                    {reader.tick === "delivered" && (
                        <span>
                            {t.ticks.delivered}
                            {when(reader.at)}
                        </span>
                    )}
                    {reader.tick === "seen" && (
                        <span>
                            {reader.deliveredAt !== undefined && (
                                <span className="muted">
                                    {t.ticks.delivered}
                                    {when(reader.deliveredAt)}
                                    {" · "}
                                </span>
                            )}
                            {t.ticks.seenBy(1, 1)}
                            {when(reader.at)}
                        </span>
                    )}
                </li>
            ))}
        </ul>
    );
}

interface Version {
    id: string;
    at: number;
    text: string;
}

/** Every version of an edited message, the newest first. */
function History({ room, item }: { room: Room; item: Actionable }): JSX.Element {
    const versions = useVersions(room, item.key);
    return (
        <>
            <h3>{t.info.history}</h3>
            <ol className="versions">
                {versions.map((version) => (
                    <li key={version.id}>
                        <time className="muted">{clockWithDay(version.at, Date.now())}</time>
                        <p className="bubble__text">{version.text}</p>
                    </li>
                ))}
            </ol>
        </>
    );
}

function bodyOf(content: Record<string, unknown>): string {
    const changed = content["m.new_content"] as { body?: unknown } | undefined;
    const body = changed?.body ?? content["body"];
    return typeof body === "string" ? body : "";
}

function useVersions(room: Room, eventId: string): Version[] {
    const client = useClient();
    const [edits, setEdits] = useState<Version[]>([]);
    useEffect(() => {
        let current = true;
        const fetchAll = async (): Promise<void> => {
            const found = await client.relations(
                room.roomId,
                eventId,
                RelationType.Replace,
                "m.room.message",
                { limit: 50 },
            );
            const versions = found.events
                .filter((event) => !event.isRedacted())
                .map((event) => ({
                    id: event.getId() ?? "",
                    at: event.getTs(),
                    text: bodyOf(event.getOriginalContent()),
                }));
            if (current) setEdits(versions);
        };
        fetchAll().catch(() => undefined);
        return () => {
            current = false;
        };
    }, [client, room, eventId]);
    const original = room.findEventById(eventId);
    const newest = original?.replacingEvent();
    // Without the server there are still the two versions that this browser has.
    const known: Version[] = newest
        ? [{ id: newest.getId() ?? "newest", at: newest.getTs(), text: bodyOf(newest.getOriginalContent()) }]
        : [];
    const first: Version[] = original
        ? [{ id: eventId, at: original.getTs(), text: bodyOf(original.getOriginalContent()) }]
        : [];
    const changed = edits.length > 0 ? edits.toSorted((a, b) => b.at - a.at) : known;
    return [...changed, ...first];
}
