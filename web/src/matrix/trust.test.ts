import { afterEach, expect, it, vi } from "vitest";
import { organisation } from "./trust.ts";
import type { Vault } from "./vault.ts";

function vault(record?: unknown): { vault: Vault; kept: () => unknown } {
    let kept = record;
    const one = {
        get: async () => kept,
        put: async (_name: string, value: unknown) => {
            kept = value;
        },
    };
    return { vault: one as unknown as Vault, kept: () => kept };
}

const trust = { name: "Riverside NHS Trust", certificates: "PEM" };

afterEach(() => vi.unstubAllGlobals());

it("opens with what was known last, without waiting for the server", async () => {
    vi.stubGlobal("fetch", () => new Promise(() => undefined));
    expect(await organisation(vault(trust).vault)).toEqual(trust);
    expect(await organisation(vault({ none: true }).vault)).toBeUndefined();
});

it("asks the first time, and keeps the answer, also that nobody vouches", async () => {
    vi.stubGlobal("fetch", async () => Response.json(trust));
    const first = vault();
    expect(await organisation(first.vault)).toEqual(trust);
    expect(first.kept()).toEqual(trust);
    vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
    const none = vault();
    expect(await organisation(none.vault)).toBeUndefined();
    expect(none.kept()).toEqual({ none: true });
});

it("goes on without an answer", async () => {
    vi.stubGlobal("fetch", async () => {
        throw new TypeError("no network");
    });
    const first = vault();
    expect(await organisation(first.vault)).toBeUndefined();
    expect(first.kept()).toBeUndefined();
});
