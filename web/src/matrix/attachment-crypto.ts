/** Encrypted attachments (client-server API, "Sending encrypted attachments": AES-CTR, keys in the encrypted event). */

/** `EncryptedFile` without its address. */
export interface FileSecrets {
    v: "v2";
    key: { kty: "oct"; key_ops: string[]; alg: "A256CTR"; k: string; ext: true };
    iv: string;
    hashes: { sha256: string };
}

export type Bytes = Uint8Array<ArrayBuffer>;

function base64(bytes: Uint8Array): string {
    let text = "";
    for (const byte of bytes) text += String.fromCodePoint(byte);
    return btoa(text).replace(/=+$/, "");
}

/** Reads standard and URL-safe base64, with or without padding. */
function fromBase64(text: string): Bytes {
    const standard = text.replaceAll("-", "+").replaceAll("_", "/");
    return Uint8Array.from(atob(standard), (character) => character.codePointAt(0) ?? 0);
}

function urlSafe(text: string): string {
    return text.replaceAll("+", "-").replaceAll("/", "_");
}

/** Encrypts under a new key, which goes into the event and nowhere else. */
export async function encryptAttachment(plain: Bytes): Promise<{ data: Bytes; secrets: FileSecrets }> {
    const raw = crypto.getRandomValues(new Uint8Array(32));
    // The lower half counts blocks from zero, so that it can never run over into the random half.
    const counter = new Uint8Array(16);
    crypto.getRandomValues(counter.subarray(0, 8));
    const key = await crypto.subtle.importKey("raw", raw, "AES-CTR", false, ["encrypt"]);
    const data = new Uint8Array(
        await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, key, plain),
    );
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    const k = urlSafe(base64(raw));
    return {
        data,
        secrets: {
            v: "v2",
            key: { kty: "oct", key_ops: ["encrypt", "decrypt"], alg: "A256CTR", k, ext: true },
            iv: base64(counter),
            hashes: { sha256: base64(digest) },
        },
    };
}

/** What of an `EncryptedFile` is needed to open it. */
export interface FileKey {
    key: { k: string };
    iv: string;
    hashes: { sha256: string };
}

/** Decrypts; throws when the server's bytes are not those that were sent. */
export async function decryptAttachment(data: Bytes, secrets: FileKey): Promise<Bytes> {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
    if (base64(digest) !== base64(fromBase64(secrets.hashes.sha256)))
        throw new Error("the file was changed on its way");
    const key = await crypto.subtle.importKey("raw", fromBase64(secrets.key.k), "AES-CTR", false, [
        "decrypt",
    ]);
    const counter = fromBase64(secrets.iv);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, key, data));
}
