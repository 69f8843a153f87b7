import { useEffect, useRef, useState } from "react";
import { useSession } from "../session/store.ts";
import type { Vault } from "./vault.ts";

const SAVE_AFTER_MS = 300;

/**
 * Something half-written that must not be lost: kept (encrypted, in the `Vault`) under `name` while it is being written, and
 * there again after a reload. `value` starts as `empty` and becomes the stored draft when that has been read, unless
 * something was typed before. Setting it back to `empty` removes the draft.
 */
export function useDraft<T>(name: string, empty: T): [T, (value: T) => void] {
    const vault = useSession((session) => session.vault);
    const [value, setValue] = useState(empty);
    const typed = useRef(false);
    const pending = useRef<{ timer: ReturnType<typeof setTimeout>; save: () => void }>(undefined);
    const key = `draft:${name}`;

    useEffect(() => {
        let current = true;
        void vault?.get<T>(key).then((stored) => {
            if (current && stored !== undefined && !typed.current) setValue(stored);
        });
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
    return [value, set];
}

function store<T>(vault: Vault, key: string, value: T, empty: T): Promise<void> {
    return value === empty ? vault.remove(key) : vault.put(key, value);
}
