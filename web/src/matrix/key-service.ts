import type { TokenHolder } from "./tokens.ts";

/**
 * The hospital's key service: keeps a person's recovery key sealed, so that a new browser of the same person reads earlier
 * messages without asking anything. It gives the key only to a session whose person signed in a moment ago.
 */
const PATH = "/_wardline/gateway/v1/recovery-key";

function toBase64(bytes: Uint8Array): string {
    return btoa(String.fromCodePoint(...bytes));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(atob(text), (character) => character.codePointAt(0) ?? 0);
}

/** The person signed in too long ago for the key service; a new sign-in on this device helps. */
export class StepUpNeeded extends Error {}

async function failure(response: Response): Promise<Error> {
    const body = (await response.json().catch(() => ({}))) as { errcode?: string };
    const text = `The key service answered ${response.status}`;
    return body.errcode === "ORG.WARDLINE.STEP_UP" ? new StepUpNeeded(text) : new Error(text);
}

/** Who keeps recovery keys: this service, or each person their own. */
export async function keyPolicy(): Promise<"managed" | "personal"> {
    const response = await fetch("/_wardline/gateway/v1/policy");
    if (!response.ok) throw await failure(response);
    const { policy } = (await response.json()) as { policy?: string };
    return policy === "personal" ? "personal" : "managed";
}

/** Seals a 32-byte recovery key; throws when the service did not take it. */
export async function sealRecoveryKey(tokens: TokenHolder, key: Uint8Array): Promise<void> {
    const response = await tokens.authorised(PATH, {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ recovery_key: toBase64(key) }),
    });
    if (!response.ok) throw await failure(response);
}

/** Gets the sealed recovery key back; `null` when there is none. */
export async function unsealRecoveryKey(tokens: TokenHolder): Promise<Uint8Array<ArrayBuffer> | null> {
    const response = await tokens.authorised(`${PATH}/unseal`, { method: "POST" });
    if (response.status === 404) return null;
    if (!response.ok) throw await failure(response);
    const body = (await response.json()) as { recovery_key: string };
    return fromBase64(body.recovery_key);
}
