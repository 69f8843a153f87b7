import { object, parse, string, type InferOutput } from "valibot";
import type { Vault } from "./vault.ts";

const Trust = object({ name: string(), certificates: string() });

/** The organisation that vouches for its staff: its name, as the screen says it, and the certificates that prove its word. */
export type Trust = InferOutput<typeof Trust>;

const STORED = "trust";
/** How long opening the app waits for an answer; then what was known before is used. */
const PATIENCE_MS = 5_000;

/**
 * Whose word on identities this browser takes (`docs/protocol/trust-identity.md`): what the server says now, or, when it
 * cannot be reached, what it said last. `undefined` where nobody vouches for anybody.
 */
export async function organisation(vault: Vault): Promise<Trust | undefined> {
    try {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const response = await fetch("/_wardline/gateway/v1/trust-identity", { signal });
        if (response.status === 404) {
            await vault.remove(STORED);
            return undefined;
        }
        if (response.ok) {
            const trust = parse(Trust, await response.json());
            await vault.put(STORED, trust);
            return trust;
        }
    } catch {
        // Not reached, or no answer that can be read: as last time.
    }
    return vault.get<Trust>(STORED);
}
