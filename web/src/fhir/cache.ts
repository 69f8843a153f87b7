/** What the clinical service last said, kept in the vault: lists and boards open without a connection. */
import { dehydrate, hydrate, QueryClient, type DehydratedState } from "@tanstack/react-query";
import type { Vault } from "../matrix/vault.ts";
import { keys } from "./queries.ts";

const RECORD = "answers";
const SAVE_AFTER_MS = 2_000;
/** The next visit begins with these, and with the policy. */
const kept = new Set<unknown>([...Object.values(keys).map(([name]) => name), "policy"]);

export const queries = new QueryClient({
    defaultOptions: {
        queries: {
            // The app knows better than the browser whether the hospital's server answers.
            networkMode: "always",
            retry: 2,
            refetchOnWindowFocus: true,
            gcTime: Infinity,
        },
    },
});

/** Words of requests that were read longer ago are not kept any more: a shift and its handover are over by then. */
const KEEP_WORDS_MS = 48 * 3_600_000;

/** Whether an answer is worth keeping for the next visit. */
export function isKept(key: unknown, answeredAt: number, now: number): boolean {
    return kept.has(key) && (key !== keys.words[0] || now - answeredAt < KEEP_WORDS_MS);
}

/** JSON with maps in it. */
export function write(value: unknown): string {
    return JSON.stringify(value, (_key, one: unknown) =>
        one instanceof Map ? { $map: [...one.entries()] } : one,
    );
}

export function read(text: string): unknown {
    return JSON.parse(text, (_key, one: unknown) => {
        const entries = (one as { $map?: unknown } | null)?.$map;
        return Array.isArray(entries) ? new Map(entries as [unknown, unknown][]) : one;
    });
}

let end: (() => void) | undefined;

/** Puts what the last visit kept on the screens, and keeps what comes from now on. */
export async function keepAnswers(vault: Vault): Promise<void> {
    end?.();
    const text = await vault.get<string>(RECORD);
    if (text !== undefined) hydrate(queries, read(text) as DehydratedState);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const save = (): void => {
        timer = undefined;
        const state = dehydrate(queries, {
            shouldDehydrateQuery: ({ state, queryKey }) =>
                state.status === "success" && isKept(queryKey[0], state.dataUpdatedAt, Date.now()),
        });
        void vault.put(RECORD, write(state)).catch(() => undefined);
    };
    const unsubscribe = queries.getQueryCache().subscribe((event) => {
        if (event.type === "updated" && event.action.type === "success")
            timer ??= setTimeout(save, SAVE_AFTER_MS);
    });
    end = () => {
        unsubscribe();
        clearTimeout(timer);
    };
}

/** Keeps nothing more, and forgets what is in memory. */
export function dropAnswers(): void {
    end?.();
    end = undefined;
    queries.clear();
}
