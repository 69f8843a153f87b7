import type { TokenHolder } from "./tokens.ts";

/**
 * The hospital's key service: keeps a person's recovery key sealed, so that a new browser of the same person reads earlier
 * messages without asking anything but the password just typed.
 */
const PATH = "/_wardline/gateway/v1/recovery-key";

function toBase64(bytes: Uint8Array): string {
    return btoa(String.fromCodePoint(...bytes));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(atob(text), (character) => character.codePointAt(0) ?? 0);
}

/** Seals a 32-byte recovery key; throws when the service did not take it. */
export async function sealRecoveryKey(tokens: TokenHolder, key: Uint8Array, password: string): Promise<void> {
    const response = await tokens.authorised(PATH, {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ recovery_key: toBase64(key), password }),
    });
    if (!response.ok) throw new Error(`The key service answered ${response.status}`);
}

/** Gets the sealed recovery key back; `null` when there is none. */
export async function unsealRecoveryKey(
    tokens: TokenHolder,
    password: string,
): Promise<Uint8Array<ArrayBuffer> | null> {
    const response = await tokens.authorised(`${PATH}/unseal`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ password }),
    });
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`The key service answered ${response.status}`);
    const body = (await response.json()) as { recovery_key: string };
    return fromBase64(body.recovery_key);
}
