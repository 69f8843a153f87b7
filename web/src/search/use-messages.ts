import { useDeferredValue, useEffect, useState } from "react";
import { useAllRooms } from "../matrix/use-rooms.ts";
import { useSession } from "../session/store.ts";
import type { Hit } from "./message-search.ts";

/** So many are shown at once. */
const MOST = 50;

export interface Found {
    hits: readonly Hit[];
    /** Older messages are still being read. */
    reading: boolean;
}

/** The messages that hold what is looked for, in one conversation or in all; more come while older ones are read. */
export function useMessages(wanted: string, within?: string): Found {
    const search = useSession((session) => session.search);
    const version = useAllRooms();
    const [hits, setHits] = useState<readonly Hit[]>([]);
    const [reading, setReading] = useState(true);
    const [pages, setPages] = useState(0);
    const words = useDeferredValue(wanted.trim());
    const looking = words.length > 1;

    useEffect(() => {
        let current = true;
        const look = async (): Promise<void> => {
            const found = looking && search ? await search.find(words, MOST, within) : [];
            if (current) setHits(found);
        };
        look().catch(() => undefined);
        return () => {
            current = false;
        };
    }, [search, words, looking, within, pages, version]);

    useEffect(() => {
        if (!search || !looking) return undefined;
        const ended = new AbortController();
        const told = (): void => {
            setPages((before) => before + 1);
            setReading(search.unread(within));
        };
        void search
            .catchUp(within, ended.signal, () => !ended.signal.aborted && told())
            .then(() => {
                if (!ended.signal.aborted) setReading(false);
            });
        return () => ended.abort();
    }, [search, looking, within]);

    return { hits, reading: looking && reading };
}
