import { useEffect, useRef, useState } from "react";
import { useSession } from "../session/store.ts";
import type { Vault } from "./vault.ts";

const SAVE_AFTER_MS = 300;

/**
 * What is known of drafts, by the name of their record: another field for the same one begins with it. Only while the vault is open:
 * another tab may write to it before it is opened again.
 */
const opened = new WeakMap<Vault, Map<string, unknown>>();

function knownOf(vault: Vault | undefined): Map<string, unknown> {
    const known = (vault && opened.get(vault)) ?? new Map<string, unknown>();
    if (vault) opened.set(vault, known);
    return known;
}

/**
 * Something half-written that must not be lost: kept (encrypted, in the `Vault`) under `name` while it is being written, and
 * there again after a reload. `value` starts as `empty` and becomes the stored draft when that has been read (then the third is
 * `true`), unless something was typed before. Setting it back to `empty` removes the draft.
 */
export function useDraft<T>(name: string, empty: T): [T, (value: T) => void, boolean] {
    const vault = useSession((session) => session.vault);
    const key = `draft:${name}`;
    const known = knownOf(vault);
    const [value, setValue] = useState(() => (known.has(key) ? (known.get(key) as T) : empty));
    const [read, setRead] = useState(() => known.has(key));
    const typed = useRef(read);
    const pending = useRef<{ timer: ReturnType<typeof setTimeout>; save: () => void }>(undefined);

    useEffect(() => {
        let current = true;
        const look = async (): Promise<void> => {
            const stored = await vault?.get<T>(key);
            if (!current) return;
            if (stored !== undefined && !typed.current) {
                knownOf(vault).set(key, stored);
                setValue(stored);
            }
            setRead(true);
        };
        // What cannot be read is not there.
        void look().catch(() => setRead(true));
        const saveNow = (): void => {
            if (!pending.current) return;
            clearTimeout(pending.current.timer);
            pending.current.save();
        };
        window.addEventListener("pagehide", saveNow);
        return () => {
            current = false;
            window.removeEventListener("pagehide", saveNow);
            saveNow();
        };
    }, [vault, key]);

    const set = (next: T): void => {
        typed.current = true;
        known.set(key, next);
        setValue(next);
        if (!vault) return;
        if (pending.current) clearTimeout(pending.current.timer);
        const save = (): void => {
            pending.current = undefined;
            // On a full device the draft is only on the screen.
            void store(vault, key, next, empty).catch(() => undefined);
        };
        pending.current = { save, timer: setTimeout(save, next === empty ? 0 : SAVE_AFTER_MS) };
    };
    return [value, set, read];
}

/** The writes of a draft come one after another: what was removed must not be put back by a write that took longer. */
const writes = new Map<string, Promise<void>>();

function store<T>(vault: Vault, key: string, value: T, empty: T): Promise<void> {
    const write = (): Promise<void> => (value === empty ? vault.remove(key) : vault.put(key, value));
    const written = (writes.get(key) ?? Promise.resolve()).then(write, write);
    writes.set(key, written);
    return written;
}
