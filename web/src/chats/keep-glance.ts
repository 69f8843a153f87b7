import { useEffect, useMemo, useRef } from "react";
import { useSession } from "../session/store.ts";
import { GLANCE, type Glance } from "./glance.ts";
import { passes, type ChatSummary } from "./summary.ts";

/** A busy list changes many times a second. */
const KEEP_EVERY_MS = 3_000;

/** What is to be remembered of the conversations. */
export function glanceOf(chats: readonly ChatSummary[]): Glance {
    return chats.map((chat) => {
        const { marks: _marks, other: _other, ...seen } = chat;
        return { ...seen, listed: passes(chat, "all") };
    });
}

/** Keeps what the list shows: at once, and while it goes on changing now and then. */
export function useKeptGlance(chats: readonly ChatSummary[]): void {
    const vault = useSession((session) => session.vault);
    const loaded = useSession((session) => session.loaded);
    const glance = useMemo(() => glanceOf(chats), [chats]);
    const newest = useRef(glance);
    const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
    useEffect(() => {
        newest.current = glance;
        if (!loaded || timer.current !== undefined) return;
        const keep = (): void => {
            // On a full device the next visit begins with what was kept before.
            void vault?.put(GLANCE, newest.current).catch(() => undefined);
        };
        keep();
        const kept = newest.current;
        timer.current = setTimeout(() => {
            timer.current = undefined;
            if (newest.current !== kept) keep();
        }, KEEP_EVERY_MS);
    }, [vault, loaded, glance]);
}
