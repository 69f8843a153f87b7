import { act, createElement, useEffect } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useSession } from "../session/store.ts";
import { useDraft } from "./drafts.ts";
import type { Vault } from "./vault.ts";

/** A vault in memory whose writes wait until they are let go. */
class SlowVault {
    readonly kept = new Map<string, unknown>();
    readonly waiting: (() => void)[] = [];

    get(name: string): Promise<unknown> {
        return Promise.resolve(this.kept.get(name));
    }
    put(name: string, value: unknown): Promise<void> {
        return new Promise((resolve) => {
            this.waiting.push(() => {
                this.kept.set(name, value);
                resolve();
            });
        });
    }
    remove(name: string): Promise<void> {
        this.kept.delete(name);
        return Promise.resolve();
    }
}

type Draft = ReturnType<typeof useDraft<string>>;

let vault: SlowVault;
let root: Root;
let draft: Draft;

function Field({ name, told }: { name: string; told: (now: Draft) => void }): null {
    const now = useDraft(name, "");
    useEffect(() => {
        told(now);
    });
    return null;
}

async function show(name: string | undefined): Promise<void> {
    await act(async () => {
        root.render(
            name === undefined
                ? null
                : createElement(Field, { name, key: name, told: (now) => (draft = now) }),
        );
        await Promise.resolve();
    });
}

async function type(value: string): Promise<void> {
    await act(async () => {
        draft[1](value);
        await Promise.resolve();
    });
}

describe("a draft", () => {
    beforeEach(() => {
        vi.useFakeTimers();
        Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
        vault = new SlowVault();
        useSession.setState({ vault: vault as unknown as Vault });
        root = createRoot(document.createElement("div"));
    });
    afterEach(async () => {
        await show(undefined);
        vi.useRealTimers();
    });

    it("is what was kept, once that is read", async () => {
        vault.kept.set("draft:kept", "words");
        await show("kept");
        expect(draft).toEqual(["words", expect.any(Function), true]);
    });

    it("is there at once in the next field for the same thing", async () => {
        await show("next");
        await type("half a sen");
        await show(undefined);
        await show("next");
        expect(draft[0]).toBe("half a sen");
    });

    it("is read anew when the vault was opened anew: another tab may have sent it", async () => {
        await show("sent");
        await type("half a sen");
        await show(undefined);
        useSession.setState({ vault: new SlowVault() as unknown as Vault });
        await show("sent");
        expect(draft).toEqual(["", expect.any(Function), true]);
    });

    it("that was removed is not put back by a write that took longer", async () => {
        await show("gone");
        await type("half a sen");
        await act(() => vi.advanceTimersByTimeAsync(300));
        expect(vault.waiting).toHaveLength(1);
        await type("");
        await act(() => vi.advanceTimersByTimeAsync(0));
        vault.waiting.shift()?.();
        await act(() => vi.advanceTimersByTimeAsync(0));
        expect(vault.kept.has("draft:gone")).toBe(false);
    });
});
