/**
 * The device's own unlocking (fingerprint, face, its PIN) before what is kept here: WebAuthn with the `prf` extension. The authenticator
 * makes the same 32 secret bytes each time it has seen the person, and the key lies under those; no server is asked.
 */

/** A key under which another one lies, with what the authenticator needs to make it again. */
export interface PlatformLock {
    credential: Uint8Array<ArrayBuffer>;
    salt: Uint8Array<ArrayBuffer>;
    iv: Uint8Array<ArrayBuffer>;
    wrapped: ArrayBuffer;
}

/** ES256 and RS256, which all platform authenticators have between them. */
const ALGORITHMS = [-7, -257] as const;
const INFO = "wardline app lock";

function random(length: number): Uint8Array<ArrayBuffer> {
    return crypto.getRandomValues(new Uint8Array(length));
}

function urlSafe(bytes: Uint8Array): string {
    return btoa(String.fromCodePoint(...bytes))
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replace(/=+$/, "");
}

/** Whether this device can unlock by itself. */
export async function platformOffered(): Promise<boolean> {
    if (!("PublicKeyCredential" in globalThis)) return false;
    try {
        return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable();
    } catch {
        return false;
    }
}

/** The secret that an authenticator gave with its answer. */
function secretOf(answer: Credential | null): BufferSource | undefined {
    if (!(answer instanceof PublicKeyCredential)) return undefined;
    return answer.getClientExtensionResults().prf?.results?.first;
}

async function wrappingKey(secret: BufferSource, salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
    const made = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
    const info = new TextEncoder().encode(INFO);
    return crypto.subtle.deriveKey(
        { name: "HKDF", hash: "SHA-256", salt, info },
        made,
        { name: "AES-GCM", length: 256 },
        false,
        ["encrypt", "decrypt"],
    );
}

/** Asks the person to show themselves to the device; `undefined` when they did not, or it makes no secrets. */
async function asked(
    credential: Uint8Array<ArrayBuffer>,
    salt: Uint8Array<ArrayBuffer>,
): Promise<BufferSource | undefined> {
    const answer = await navigator.credentials.get({
        publicKey: {
            challenge: random(32),
            allowCredentials: [{ type: "public-key", id: credential, transports: ["internal"] }],
            userVerification: "required",
            extensions: { prf: { evalByCredential: { [urlSafe(credential)]: { first: salt } } } },
        },
    });
    return secretOf(answer);
}

/** Lays 32 bytes under the device's own unlocking. Rejects when the person refuses, or the device makes no secrets. */
export async function platformLockUnder(key: Uint8Array<ArrayBuffer>, name: string): Promise<PlatformLock> {
    const salt = random(32);
    const made = await navigator.credentials.create({
        publicKey: {
            challenge: random(32),
            rp: { name: "Wardline" },
            user: { id: random(16), name, displayName: name },
            pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
            authenticatorSelection: {
                authenticatorAttachment: "platform",
                residentKey: "discouraged",
                userVerification: "required",
            },
            extensions: { prf: { eval: { first: salt } } },
        },
    });
    if (!(made instanceof PublicKeyCredential)) throw new Error("this device cannot do it");
    const credential = new Uint8Array(made.rawId);
    // Some give the secret only when they are asked again.
    const secret = secretOf(made) ?? (await asked(credential, salt));
    if (!secret) throw new Error("this device makes no secrets");
    const iv = random(12);
    const wrapped = await crypto.subtle.encrypt(
        { name: "AES-GCM", iv },
        await wrappingKey(secret, salt),
        key,
    );
    return { credential, salt, iv, wrapped };
}

/** The 32 bytes again; `undefined` when the person did not show themselves. */
export async function openWithPlatform(lock: PlatformLock): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
        const secret = await asked(lock.credential, lock.salt);
        if (!secret) return undefined;
        const key = await wrappingKey(secret, lock.salt);
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: lock.iv }, key, lock.wrapped);
        return new Uint8Array(plain);
    } catch {
        return undefined;
    }
}
