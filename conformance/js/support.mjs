// A `wardline` process on a free port with open registration, and matrix-js-sdk clients that keep everything in memory.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createClient, MatrixScheduler, Preset, SyncState } from "matrix-js-sdk";
import { SlidingSync } from "matrix-js-sdk/lib/sliding-sync.js";

/** The SDK tells its whole life; set VERBOSE to hear it. */
const verbose = process.env["VERBOSE"] !== undefined;
const nothing = () => undefined;
if (!verbose) {
    // Loggers that the SDK makes for itself, before anybody could give it another.
    for (const level of ["debug", "info", "log", "warn"]) console[level] = nothing;
}
const quiet = {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: nothing,
    getChild: () => quiet,
};
const logging = verbose ? {} : { logger: quiet };

const here = dirname(fileURLToPath(import.meta.url));
const binary = process.env["WARDLINE_BIN"] ?? join(here, "../../target/debug/wardline");
export const PASSWORD = "a long enough passphrase";
/** How long a client may take for what the other side knows already, in milliseconds: machines are slow at times. */
const PATIENCE = 120_000;

/** Whether clients learn of news by sliding sync instead of `/sync`: the same tests are played in both ways. */
export const slides = process.env["SLIDING"] !== undefined;

/** All rooms with what apps need of them, as the SDK's own sliding sync. */
function sliding(client, url) {
    const info = {
        timeline_limit: 30,
        required_state: [["*", "*"]],
    };
    const lists = new Map([["all", { ranges: [[0, 99]], ...info }]]);
    return new SlidingSync(url, lists, info, client, 30_000);
}

export class Server {
    #process;
    #clients = [];
    data = mkdtempSync(join(tmpdir(), "wardline-js-"));
    url = "";

    /** Starts a server; `more` is TOML to add to its configuration. */
    static async start(more = "") {
        const server = new Server();
        await server.#run("127.0.0.1:0", more);
        return server;
    }

    /** Starts it again at the same place, with other words in its configuration. */
    async restart(more = "") {
        await this.#end();
        await this.#run(new URL(this.url).host, more);
    }

    async #run(listen, more) {
        const config = join(this.data, "wardline.toml");
        const lines = [
            'server_name = "conformance.example"',
            'data = "data"',
            `listen = "${listen}"`,
            "[registration]",
            "open = true",
            "[limits]",
            "rates = false",
            "[log]",
            'level = "warn"',
            more,
        ];
        writeFileSync(config, lines.join("\n"));
        this.#process = spawn(binary, ["serve", "--config", config], {
            stdio: ["ignore", "pipe", "inherit"],
        });
        for await (const line of createInterface({ input: this.#process.stdout })) {
            const url = /ready at (http:\S+)/.exec(line)?.[1];
            if (url === undefined) continue;
            this.#process.stdout.resume();
            this.url = url;
            return;
        }
        assert.fail("wardline ended before it was ready");
    }

    async #end() {
        const ended = new Promise((resolve) => this.#process.once("exit", resolve));
        this.#process.kill("SIGTERM");
        await ended;
    }

    /** Stops the clients, the process, and removes the data. */
    async stop() {
        for (const client of this.#clients) client.stopClient();
        await this.#end();
        rmSync(this.data, { recursive: true, force: true });
    }

    async call(method, path, body, token) {
        const response = await fetch(`${this.url}${path}`, {
            method,
            headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        return { status: response.status, body: await response.json() };
    }

    async register(name) {
        const body = {
            username: name,
            password: PASSWORD,
            inhibit_login: true,
            auth: { type: "m.login.dummy" },
        };
        const { status, body: answer } = await this.call("POST", "/_matrix/client/v3/register", body);
        assert.equal(status, 200, JSON.stringify(answer));
    }

    /** Signs in: a new device with an empty store, syncing. `secrets` is the key of the secret storage, if known. */
    async signIn(name, { secrets = {}, crypto = {} } = {}) {
        const session = await createClient({ baseUrl: this.url, ...logging }).loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: name },
            password: PASSWORD,
        });
        const client = createClient({
            baseUrl: this.url,
            ...logging,
            // A send that fails is a failure of the test, not something to try again for half a minute.
            scheduler: new MatrixScheduler(() => -1),
            accessToken: session.access_token,
            userId: session.user_id,
            deviceId: session.device_id,
            timelineSupport: true,
            verificationMethods: ["m.sas.v1", "m.qr_code.show.v1", "m.qr_code.scan.v1", "m.reciprocate.v1"],
            cryptoCallbacks: {
                getSecretStorageKey: async ({ keys }) => {
                    const id = Object.keys(keys).find((id) => secrets[id] !== undefined);
                    return id === undefined ? null : [id, secrets[id]];
                },
                cacheSecretStorageKey: (id, _info, key) => {
                    secrets[id] = key;
                },
            },
        });
        client.secrets = secrets;
        tell(client);
        await client.initRustCrypto({ useIndexedDB: false, ...crypto });
        const slidingSync = slides ? sliding(client, this.url) : undefined;
        await client.startClient({ initialSyncLimit: 30, threadSupport: true, slidingSync });
        this.#clients.push(client);
        await eventually(() => client.getSyncState() === SyncState.Syncing, "the first sync", client);
        return client;
    }

    /** Registers and signs in. */
    async person(name, options) {
        await this.register(name);
        return this.signIn(name, options);
    }
}

const listeners = new WeakMap();

/** Lets `eventually` look again whenever the emitter emits anything. */
export function tell(emitter) {
    if (listeners.has(emitter)) return;
    const set = new Set();
    listeners.set(emitter, set);
    const emit = emitter.emit.bind(emitter);
    emitter.emit = (...args) => {
        const result = emit(...args);
        for (const look of set) look();
        return result;
    };
}

/** Waits until `check` gives something true, looking again at everything that one of `emitters` emits. */
export function eventually(check, what, ...emitters) {
    return within(PATIENCE, check, what, emitters);
}

function within(patience, check, what, emitters) {
    for (const emitter of emitters) tell(emitter);
    return new Promise((resolve, reject) => {
        const end = (then, value) => {
            clearTimeout(timer);
            for (const emitter of emitters) listeners.get(emitter).delete(look);
            then(value);
        };
        const timer = setTimeout(() => end(reject, new Error(`waited in vain for ${what}`)), patience);
        const look = () => {
            try {
                const value = check();
                if (value) end(resolve, value);
            } catch (error) {
                end(reject, error);
            }
        };
        for (const emitter of emitters) listeners.get(emitter).add(look);
        look();
    });
}

/** As `eventually`, for a question that takes time to answer. */
export async function inTheEnd(check, what, ...emitters) {
    const until = Date.now() + PATIENCE;
    let asked = Promise.resolve(false);
    let answer;
    const look = () => {
        asked = asked.then(async () => (answer ??= (await check()) || undefined));
    };
    look();
    for (;;) {
        await asked;
        if (answer !== undefined) return answer;
        let heard = false;
        const anything = () => {
            if (heard) return true;
            heard = true;
            return false;
        };
        await within(Math.max(0, until - Date.now()), anything, what, emitters);
        look();
    }
}

/** The next event of this name, as its first argument. */
export function next(emitter, event) {
    return new Promise((resolve) => emitter.once(event, resolve));
}

/** As a password stage that answers a challenge: the first try shows the flows, the second authenticates. */
export const uia = (client) => async (makeRequest) => {
    try {
        return await makeRequest(null);
    } catch (error) {
        if (error.httpStatus !== 401) throw error;
        return makeRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: client.getUserId() },
            password: PASSWORD,
            session: error.data.session,
        });
    }
};

/** Makes an identity: cross-signing keys, secret storage and a key backup. */
export async function identity(client) {
    const crypto = client.getCrypto();
    await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: uia(client) });
    await crypto.bootstrapSecretStorage({
        createSecretStorageKey: () => crypto.createRecoveryKeyFromPassphrase(),
        setupNewSecretStorage: true,
        setupNewKeyBackup: true,
    });
    await crypto.checkKeyBackupAndEnable();
    assert.ok(await crypto.isCrossSigningReady());
}

/** Takes the identity of a person who has one out of their secret storage, onto a new device. */
export async function identityAgain(client) {
    const crypto = client.getCrypto();
    // Its public half must be known first; the sync may not have asked for it yet.
    assert.ok(await crypto.userHasCrossSigningKeys(client.getUserId(), true));
    await crypto.bootstrapCrossSigning({});
}

/** A room of these people, encrypted unless `encrypted` is false; everybody has joined and knows of the others. */
export async function roomOf(owner, guests = [], { encrypted = true, ...more } = {}) {
    const { room_id } = await owner.createRoom({
        preset: Preset.PrivateChat,
        invite: guests.map((guest) => guest.getUserId()),
        initial_state: encrypted
            ? [
                  {
                      type: "m.room.encryption",
                      state_key: "",
                      content: { algorithm: "m.megolm.v1.aes-sha2" },
                  },
              ]
            : [],
        ...more,
    });
    for (const guest of guests) await guest.joinRoom(room_id);
    for (const client of [owner, ...guests]) {
        await eventually(
            () => client.getRoom(room_id)?.getJoinedMemberCount() === guests.length + 1,
            "all members",
            client,
        );
        if (!encrypted) continue;
        const knows = () => client.getCrypto().isEncryptionEnabledInRoom(room_id);
        await inTheEnd(knows, "its encryption", client);
    }
    return room_id;
}

/** Sends an event into a thread. The SDK does not find its own event there when `/sync` is quicker than the answer to the
 * send, and says that the send failed; it did not. */
export async function reply(client, roomId, threadId, content) {
    try {
        await client.sendMessage(roomId, threadId, content);
    } catch (error) {
        if (!/not a local echo/.test(error.message)) throw error;
    }
}

/** The event of the room that `check` finds, once it is there and decrypted. */
export function found(client, roomId, check, what) {
    const look = () => {
        const room = client.getRoom(roomId);
        const events = room === null ? [] : everyEvent(room);
        for (const event of events) {
            tell(event);
            // With sliding sync the SDK decrypts only the newest by itself, and the others when they are shown.
            if (event.shouldAttemptDecryption()) void client.decryptEventIfNeeded(event);
        }
        return events.find((event) => !event.isBeingDecrypted() && check(event));
    };
    const emitters = [client];
    return eventually(look, what, ...emitters);
}

/** The events of a room's live timeline and of its threads. */
function everyEvent(room) {
    return [...room.getLiveTimeline().getEvents(), ...room.getThreads().flatMap((thread) => thread.events)];
}

/** The message with these words. */
export const message = (client, roomId, words) =>
    found(client, roomId, (event) => event.getContent().body === words, `"${words}"`);
