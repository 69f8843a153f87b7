import { EventEmitter } from "node:events";
import type { MatrixClient } from "matrix-js-sdk";
import { beforeEach, expect, it } from "vitest";
import { Outbox, useOutbox } from "./outbox.ts";
import type { Vault } from "./vault.ts";

const ROOM = "!r:h";
let kept: Map<string, unknown>;
let full: boolean;
let outbox: Outbox;

function vault(): Vault {
    return {
        put: async (name: string, value: unknown) => {
            if (full) throw new DOMException("full", "QuotaExceededError");
            kept.set(name, value);
        },
        remove: async (name: string) => void kept.delete(name),
        list: async () => [],
    } as unknown as Vault;
}

/** As much of a client as is asked for: the server takes everything, and its echo never comes. */
function client(): MatrixClient {
    const room = {
        roomId: ROOM,
        hasEncryptionStateEvent: () => true,
        getPendingEvents: () => [],
        findEventById: () => undefined,
    };
    return Object.assign(new EventEmitter(), {
        http: {},
        getCrypto: () => undefined,
        getRoom: () => room,
        sendEvent: async () => ({ event_id: "$1" }),
    }) as unknown as MatrixClient;
}

const entry = {
    roomId: ROOM,
    type: "m.room.message",
    content: { msgtype: "m.text", body: "x" },
    request: undefined,
};
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

beforeEach(async () => {
    kept = new Map();
    full = false;
    useOutbox.setState({ items: [], full: false });
    outbox = new Outbox(client(), vault(), async () => undefined);
    await outbox.start();
});

it("lets go of a message that the server has and whose echo fell into a gap", async () => {
    await outbox.add(entry);
    await settled();
    expect(useOutbox.getState().items.map(({ state }) => state)).toEqual(["sent"]);
    // This answer may have been made before the message was there.
    outbox.synced();
    expect(useOutbox.getState().items).toHaveLength(1);
    outbox.synced();
    await settled();
    expect(useOutbox.getState().items).toEqual([]);
    expect(kept.size).toBe(0);
});

it("takes nothing on a full device, and says so until something was taken", async () => {
    full = true;
    await expect(outbox.add(entry)).rejects.toThrow("full");
    expect(useOutbox.getState()).toEqual({ items: [], full: true });
    full = false;
    await outbox.add(entry);
    expect(useOutbox.getState().full).toBe(false);
    expect(useOutbox.getState().items).toHaveLength(1);
});
