import { useEffect, useMemo } from "react";
import { useSession } from "../session/store.ts";
import { GLANCE, type Glance } from "./glance.ts";
import { passes, type ChatSummary } from "./summary.ts";

const KEEP_AFTER_MS = 1_000;

/** What is to be remembered of the conversations. */
export function glanceOf(chats: readonly ChatSummary[]): Glance {
    return chats.map((chat) => {
        const { marks: _marks, other: _other, ...seen } = chat;
        return { ...seen, listed: passes(chat, "all") };
    });
}

/** Keeps what the list shows, a moment after each change. */
export function useKeptGlance(chats: readonly ChatSummary[]): void {
    const vault = useSession((session) => session.vault);
    const loaded = useSession((session) => session.loaded);
    const glance = useMemo(() => glanceOf(chats), [chats]);
    useEffect(() => {
        if (!loaded) return undefined;
        const timer = setTimeout(() => {
            // On a full device the next visit begins with what was kept before.
            void vault?.put(GLANCE, glance).catch(() => undefined);
        }, KEEP_AFTER_MS);
        return () => clearTimeout(timer);
    }, [vault, loaded, glance]);
}
