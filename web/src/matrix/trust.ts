import { object, parse, string, type InferOutput } from "valibot";
import type { Vault } from "./vault.ts";

const Trust = object({ name: string(), certificates: string() });

/** The organisation that vouches for its staff: its name, as the screen says it, and the certificates that prove its word. */
export type Trust = InferOutput<typeof Trust>;

const STORED = "trust";
/** How long the very first start waits for an answer. */
const PATIENCE_MS = 5_000;

/** What was known last; `none` where nobody vouched for anybody. */
type Known = Trust | { none: true };

async function ask(vault: Vault): Promise<Known | undefined> {
    try {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const response = await fetch("/_wardline/gateway/v1/trust-identity", { signal });
        if (!response.ok && response.status !== 404) return undefined;
        const known: Known = response.ok ? parse(Trust, await response.json()) : { none: true };
        await vault.put(STORED, known);
        return known;
    } catch {
        // Not reached, or no answer that can be read: as last time.
        return undefined;
    }
}

/**
 * Whose word on identities this browser takes (`docs/protocol/trust-identity.md`), `undefined` where nobody vouches for anybody.
 * What was known last opens the app at once, with a connection or without; what the server says now counts from the next start.
 */
export async function organisation(vault: Vault): Promise<Trust | undefined> {
    const stored = await vault.get<Known>(STORED);
    const asked = ask(vault);
    const known = stored ?? (await asked);
    return known === undefined || "none" in known ? undefined : known;
}
