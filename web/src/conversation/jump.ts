import type { Room } from "matrix-js-sdk";
import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import { hasEarlier, loadEarlier } from "../matrix/loaded.ts";
import { positionsOf } from "../matrix/positions.ts";
import { useClient } from "../session/store.ts";

const PAGE = 250;

/** Somewhere in a conversation: a message, or the first thing said from an instant on. */
export interface Destination {
    eventId: string;
    /** Set when the day is meant and not this very message. */
    from?: number | undefined;
}

export type JumpTo = (to: Destination) => void;

export const JumpContext = createContext<JumpTo>(() => undefined);

/** Goes to a message of the open conversation. */
export function useJump(): JumpTo {
    return useContext(JumpContext);
}

export interface Jump {
    /** Where to go, once it is loaded. */
    target: Destination | undefined;
    /** Older messages are being fetched on the way there. */
    fetching: boolean;
    jump: JumpTo;
    arrived: () => void;
}

/** Loads what lies between the reader and where they want to go, in the conversation or in the `earlier` ones above it. */
export function useJumping(room: Room, earlier: readonly Room[]): Jump {
    const client = useClient();
    const [target, setTarget] = useState<Destination>();
    const [fetching, setFetching] = useState(false);
    const latest = useRef(0);
    const above = useRef(earlier);
    useEffect(() => {
        above.current = earlier;
    }, [earlier]);
    useEffect(
        () => () => {
            latest.current++;
        },
        [room],
    );
    const load = useCallback(
        async (to: Destination): Promise<void> => {
            const mine = ++latest.current;
            setTarget(undefined);
            setFetching(true);
            try {
                for (const one of [room, ...above.current]) {
                    while (positionsOf(one)(to.eventId) === undefined && hasEarlier(one)) {
                        await loadEarlier(client, one, PAGE);
                        if (latest.current !== mine) return;
                    }
                    if (positionsOf(one)(to.eventId) !== undefined) break;
                }
                setTarget(to);
            } finally {
                if (latest.current === mine) setFetching(false);
            }
        },
        [client, room],
    );
    const jump = useCallback((to: Destination) => void load(to).catch(() => undefined), [load]);
    const arrived = useCallback(() => setTarget(undefined), []);
    return { target, fetching, jump, arrived };
}

/** A message of a conversation that is drawn. */
export function messageIn(list: HTMLElement, eventId: string): HTMLElement | null {
    return list.querySelector<HTMLElement>(`[data-event="${CSS.escape(eventId)}"]`);
}

/** Puts the focus on a message, where it is drawn. */
export function focusMessage(list: HTMLElement, eventId: string): void {
    const message = messageIn(list, eventId);
    if (!message) return;
    message.tabIndex = -1;
    message.focus({ preventScroll: true });
}
