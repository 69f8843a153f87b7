import { initAsync, RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { MatrixClient, Room } from "matrix-js-sdk";
import { beforeAll, beforeEach, expect, it } from "vitest";
import { knowDevices } from "./device-lists.ts";

const ME = "@me:h";
const COLLEAGUE = "@colleague:h";
const STRANGER = "@stranger:h";

let missing: string[];
let tracked: string[][];
let asked: string[];
let isDown: boolean;

function client(): MatrixClient {
    const olmMachine = {
        updateTrackedUsers: async (users: object[]) => void tracked.push(users.map(String)),
        outgoingRequests: async () => [
            { id: "upload", type: RequestType.KeysUpload, body: "{}" },
            ...missing.map((user) => ({
                id: user,
                type: RequestType.KeysQuery,
                body: JSON.stringify({ device_keys: { [user]: [] } }),
            })),
        ],
        markRequestAsSent: async (id: string) => void (missing = missing.filter((user) => user !== id)),
    };
    const authedRequest = async (_method: string, path: string, _query: unknown, body: string) => {
        if (isDown) throw new Error("no connection");
        asked.push(`${path} ${body}`);
        return "{}";
    };
    return { getCrypto: () => ({ olmMachine }), http: { authedRequest } } as unknown as MatrixClient;
}

function room(): Room {
    const members = [ME, COLLEAGUE].map((userId) => ({ userId }));
    return { getEncryptionTargetMembers: async () => members } as unknown as Room;
}

beforeAll(() => initAsync());
beforeEach(() => {
    missing = [];
    tracked = [];
    asked = [];
    isDown = false;
});

it("follows the devices of the members, and asks nobody when they are known", async () => {
    const here = room();
    await knowDevices(client(), here);
    await knowDevices(client(), here);
    expect(tracked).toEqual([[ME, COLLEAGUE]]);
    expect(asked).toEqual([]);
});

it("asks for the devices of whoever is to read, and of nobody else", async () => {
    missing = [COLLEAGUE, STRANGER];
    await knowDevices(client(), room());
    expect(asked).toEqual([`/keys/query ${JSON.stringify({ device_keys: { [COLLEAGUE]: [] } })}`]);
    expect(missing).toEqual([STRANGER]);
});

it("fails while the server cannot be asked", async () => {
    missing = [COLLEAGUE];
    isDown = true;
    await expect(knowDevices(client(), room())).rejects.toThrow("no connection");
    expect(missing).toEqual([COLLEAGUE]);
});
