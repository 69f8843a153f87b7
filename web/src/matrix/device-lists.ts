import { Method, type MatrixClient, type Room } from "matrix-js-sdk";
import { machineOf } from "./crypto-backend.ts";

/** Conversations whose members' devices are followed since this visit began. */
const followed = new WeakSet<Room>();

/** What the SDK would ask the server for: of which users the devices. */
interface KeysQuery {
    device_keys: Record<string, readonly string[]>;
}

/**
 * Resolves when the devices of everybody who is to read a conversation are known as the server last told of them; rejects when the server
 * cannot be asked. Call before anything is encrypted there. The SDK asks too, but goes on encrypting when nothing came back: whoever's
 * devices it does not know then gets no key, and can never read what was said, though the connection was back a moment later.
 */
export async function knowDevices(client: MatrixClient, room: Room): Promise<void> {
    const machine = machineOf(client);
    if (!machine) return;
    const { RequestType, UserId } = await import("@matrix-org/matrix-sdk-crypto-wasm");
    const members = await room.getEncryptionTargetMembers();
    if (!followed.has(room)) {
        await machine.updateTrackedUsers(members.map(({ userId }) => new UserId(userId)));
        followed.add(room);
    }
    const missing = (await machine.outgoingRequests()).filter(({ type }) => type === RequestType.KeysQuery);
    if (missing.length === 0) return;
    const readers = new Set(members.map(({ userId }) => userId));
    for (const { id, type, body } of missing) {
        const { device_keys } = JSON.parse(body) as KeysQuery;
        if (!Object.keys(device_keys).some((user) => readers.has(user))) continue;
        await machine.markRequestAsSent(id, type, await ask(client, body));
    }
}

/** Asks once: whoever sends tries again by itself, as soon as there is a connection. */
function ask(client: MatrixClient, body: string): Promise<string> {
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const options = { json: false, headers } as const;
    return client.http.authedRequest<string>(Method.Post, "/keys/query", undefined, body, options);
}
