/** Whether somebody has signed this device out from elsewhere while it is locked: it cannot use its token, but knows its hash. */
import * as v from "valibot";

const PATH = "/_wardline/client/v1/erasure";
const AnswerSchema = v.object({ erase: v.boolean() });

/** SHA-256 of a token, in hexadecimal: what the server keeps of it too. It opens nothing. */
export async function hashOf(token: string): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function post(hash: string, done: boolean): Promise<boolean> {
    const response = await fetch(PATH, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token_sha256: hash, done }),
    });
    const answer = response.ok ? v.safeParse(AnswerSchema, await response.json()) : undefined;
    return answer?.success === true && answer.output.erase;
}

/** Whether this device is to erase what it holds. Without a connection nobody has said so. */
export function isToErase(hash: string): Promise<boolean> {
    return post(hash, false).catch(() => false);
}

/** Tells the server that it has. */
export async function confirmErased(hash: string): Promise<void> {
    await post(hash, true).catch(() => undefined);
}
