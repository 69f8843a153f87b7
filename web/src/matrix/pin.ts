/** Keys made of a PIN, and how wrong PINs are answered. */

/** A key under which another one lies, with what is needed to make it again from the PIN. */
export interface PinLock {
    salt: Uint8Array<ArrayBuffer>;
    iterations: number;
    /** Never leaves this browser: without it a copied store cannot be tried PIN by PIN elsewhere. */
    pepper: CryptoKey;
    iv: Uint8Array<ArrayBuffer>;
    wrapped: ArrayBuffer;
    /** Wrong PINs in a row. */
    wrong: number;
    /** No PIN is tried before, milliseconds since the epoch. */
    notBefore: number;
    /** After so many wrong PINs everything is erased. */
    most: number;
}

const ITERATIONS = 600_000;
const SHORTEST = 6;

export type PinProblem = "short" | "letters" | "simple";

/** What is wrong with a PIN that somebody wants to use. */
export function pinProblem(pin: string): PinProblem | undefined {
    if (!/^\d*$/.test(pin)) return "letters";
    if (pin.length < SHORTEST) return "short";
    const steps = new Set(Array.from(pin.slice(1), (digit, index) => Number(digit) - Number(pin[index])));
    const step = [...steps][0] ?? 0;
    return steps.size === 1 && Math.abs(step) <= 1 ? "simple" : undefined;
}

/** How long to wait after so many wrong PINs in a row, in milliseconds: nothing at first, then twice as long each time. */
export function pause(wrong: number): number {
    return wrong < 3 ? 0 : Math.min(15 * 60_000, 5_000 * 2 ** (wrong - 3));
}

async function wrappingKey(
    pin: string,
    lock: Pick<PinLock, "salt" | "iterations" | "pepper">,
): Promise<CryptoKey> {
    const typed = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, [
        "deriveBits",
    ]);
    const { salt, iterations } = lock;
    const bits = await crypto.subtle.deriveBits(
        { name: "PBKDF2", hash: "SHA-256", salt, iterations },
        typed,
        256,
    );
    const mixed = await crypto.subtle.sign("HMAC", lock.pepper, bits);
    return crypto.subtle.importKey("raw", mixed, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Lays 32 bytes under a PIN. */
export async function lockUnder(pin: string, key: Uint8Array<ArrayBuffer>, most: number): Promise<PinLock> {
    const pepper = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const made = { salt: crypto.getRandomValues(new Uint8Array(16)), iterations: ITERATIONS, pepper };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await wrappingKey(pin, made), key);
    return { ...made, iv, wrapped, wrong: 0, notBefore: 0, most };
}

/** The 32 bytes again; `undefined` for a wrong PIN. */
export async function openWith(pin: string, lock: PinLock): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const key = await wrappingKey(pin, lock);
    try {
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: lock.iv }, key, lock.wrapped);
        return new Uint8Array(plain);
    } catch {
        return undefined;
    }
}
