import { EventTimeline, type Room } from "matrix-js-sdk";
import { useState, type JSX } from "react";
import * as v from "valibot";
import { t } from "../i18n/index.ts";
import { words } from "../matrix/timeline.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { useJump } from "./jump.ts";
import { useEvent } from "./use-event.ts";

const TYPE = "m.room.pinned_events";
const PinnedSchema = v.object({ pinned: v.array(v.string()) });

/** The messages that stand at the top of a conversation, the newest pin last. */
export function pinnedOf(room: Room): string[] {
    const state = room.getLiveTimeline().getState(EventTimeline.FORWARDS);
    const result = v.safeParse(PinnedSchema, state?.getStateEvents(TYPE, "")?.getContent());
    return result.success ? result.output.pinned : [];
}

/** Whether this person may say what stands at the top. */
export function mayPin(room: Room): boolean {
    return room.currentState.maySendStateEvent(TYPE, room.myUserId);
}

export interface Pins {
    pinned: readonly string[];
    allowed: boolean;
    failed: boolean;
    pin: (eventId: string) => void;
    unpin: (eventId: string) => void;
}

/** What stands at the top, and changing it. */
export function usePins(room: Room): Pins {
    const client = useClient();
    useRoomChanges(room.roomId);
    const [failed, setFailed] = useState(false);
    const pinned = pinnedOf(room);
    const put = async (next: string[]): Promise<void> => {
        setFailed(false);
        const send = client.sendStateEvent.bind(client) as unknown as (
            roomId: string,
            type: string,
            content: object,
        ) => Promise<unknown>;
        try {
            await send(room.roomId, TYPE, { pinned: next });
        } catch {
            setFailed(true);
        }
    };
    return {
        pinned,
        allowed: mayPin(room),
        failed,
        pin: (eventId) => void put([...pinned.filter((one) => one !== eventId), eventId]),
        unpin: (eventId) => void put(pinned.filter((one) => one !== eventId)),
    };
}

/** The newest pinned message under the head of the conversation; pressing it goes there, the button beside shows all. */
export function PinnedBar({ room, pins }: { room: Room; pins: Pins }): JSX.Element | null {
    const [open, setOpen] = useState(false);
    const newest = pins.pinned.at(-1);
    if (newest === undefined && !pins.failed) return null;
    return (
        <aside className="pinned" aria-label={t.pins.title}>
            {pins.failed && (
                <p className="field-error" role="alert">
                    {t.pins.failed}
                </p>
            )}
            {newest !== undefined && <PinnedLine room={room} eventId={newest} />}
            {newest !== undefined && (
                <button
                    type="button"
                    className="button button--quiet"
                    aria-label={t.pins.all(pins.pinned.length)}
                    onClick={() => setOpen(true)}
                >
                    {pins.pinned.length}
                </button>
            )}
            {open && (
                <Dialog title={t.pins.title} onClose={() => setOpen(false)}>
                    <ul className="pinned__list">
                        {pins.pinned.toReversed().map((eventId) => (
                            <li key={eventId}>
                                <PinnedLine room={room} eventId={eventId} onGone={() => setOpen(false)} />
                                {pins.allowed && (
                                    <button
                                        type="button"
                                        className="icon-button"
                                        aria-label={t.pins.unpin}
                                        onClick={() => pins.unpin(eventId)}
                                    >
                                        <Icon name="close" />
                                    </button>
                                )}
                            </li>
                        ))}
                    </ul>
                </Dialog>
            )}
        </aside>
    );
}

function PinnedLine({
    room,
    eventId,
    onGone,
}: {
    room: Room;
    eventId: string;
    onGone?: () => void;
}): JSX.Element {
    const jump = useJump();
    const event = useEvent(room, eventId);
    return (
        <button
            type="button"
            className="pinned__line"
            onClick={() => {
                onGone?.();
                jump({ eventId });
            }}
        >
            <Icon name="pin" size={18} />
            <span className="visually-hidden">{t.pins.goTo} </span>
            <span className="pinned__words">{event ? words(event, room) : t.actions.quoteMissing}</span>
        </button>
    );
}
