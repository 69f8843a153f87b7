// Keys that look after themselves: the organisation's word on identities, messages that came while somebody was signed out,
// what the server is told of messages that could not be read, and people who keep their own recovery key.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient } from "matrix-js-sdk";
import { Server } from "./server.mjs";
import { Window, desktop, openBrowser, phone } from "./windows.mjs";

// The SDK uses it; the Node of long-term support that runs these tests has not got it yet.
Promise.withResolvers ??= () => {
    let resolve, reject;
    const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
    return { promise, resolve, reject };
};

const PASSWORD = "a long enough passphrase";
const silent = { getChild: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
for (const level of ["debug", "info", "log", "warn"]) console[level] = () => undefined;

/** A server of its own whose configuration can be changed. */
class House extends Server {
    #address = "127.0.0.1:0";
    #others = [];

    async open(more) {
        writeFileSync(join(this.data, "token"), "watchful\n");
        const file = join(this.data, "wardline.toml");
        const lines = [
            'server_name = "riverside.example"',
            'data = "house"',
            "[registration]",
            "open = true",
            "[limits]",
            "rates = false",
            "[metrics]",
            'token_file = "token"',
            more,
        ];
        writeFileSync(file, lines.join("\n"));
        await this.serve(file, this.#address);
        this.#address = new URL(this.url).host;
    }

    /** Ends it for good. */
    async close() {
        for (const client of this.#others) client.stopClient();
        await this.stop();
        this.remove();
    }

    async register(name) {
        const auth = { type: "m.login.dummy" };
        const answer = await fetch(`${this.url}/_matrix/client/v3/register`, {
            method: "POST",
            body: JSON.stringify({ username: name, password: PASSWORD, inhibit_login: true, auth }),
        });
        assert.equal(answer.status, 200);
    }

    /** Somebody with another application. */
    async other(name) {
        await this.register(name);
        const baseUrl = this.url;
        const session = await createClient({ baseUrl, logger: silent }).loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user: name },
            password: PASSWORD,
        });
        const client = createClient({
            baseUrl,
            logger: silent,
            accessToken: session.access_token,
            userId: session.user_id,
            deviceId: session.device_id,
        });
        await client.initRustCrypto({ useIndexedDB: false });
        const synced = new Promise((resolve) => client.once("sync", resolve));
        await client.startClient({ initialSyncLimit: 10 });
        await synced;
        const crypto = client.getCrypto();
        await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: proof(client) });
        this.#others.push(client);
        return client;
    }
}

const proof = (client) => async (makeRequest) => {
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

/** A conversation of two that `client` opens, and which `userId` is asked to join. */
async function conversation(client, userId) {
    const { room_id: room } = await client.createRoom({
        preset: "trusted_private_chat",
        invite: [userId],
        is_direct: true,
        initial_state: [
            { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
        ],
    });
    const known = () => client.getRoom(room)?.hasEncryptionStateEvent();
    while (!known()) await new Promise((resolve) => client.once("sync", resolve));
    return room;
}

/** Sends once `userId` is there to read it. */
async function say(client, room, userId, text) {
    const there = () => client.getRoom(room)?.getMember(userId)?.membership === "join";
    while (!there()) await new Promise((resolve) => client.once("sync", resolve));
    await client.sendTextMessage(room, text);
}

let browser;
const house = new House("wardline-keys");
const trust = '[trust_identity]\nname = "Riverside NHS Trust"';

before(async () => {
    browser = await openBrowser();
    await house.open(trust);
});

after(async () => {
    await browser?.close();
    await house.close();
    // The SDK leaves timers behind that would keep this process alive for ever.
    setTimeout(() => process.exit(), 1_000).unref();
});

/** What the screen looks like by day and by night. */
async function look(window, name) {
    await window.look(name);
    await window.page.emulateMedia({ colorScheme: "dark" });
    await window.look(`${name}-dark`);
    await window.page.emulateMedia({ colorScheme: "light" });
}

/** Takes an invitation and waits in the conversation. */
async function accept({ page }) {
    await page.getByRole("button", { name: "Accept" }).click();
    await page.getByLabel("Write a message").waitFor();
}

const encrypted = "End-to-end encrypted. Earlier messages can be read on this device.";

/** Waits until everything about keys is set up. */
async function settled({ page }) {
    await page.getByRole("button", { name: /^Me: / }).click();
    await page.getByText(encrypted).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
}

test("the Trust vouches for a colleague, and a changed identity is warned of", async () => {
    const amara = await house.other("amara");
    await house.register("ben");
    const ben = await Window.open(browser, house.url, desktop);
    await ben.signIn("ben", PASSWORD);
    await settled(ben);
    const room = await conversation(amara, "@ben:riverside.example");
    await accept(ben);
    await say(amara, room, "@ben:riverside.example", "Potassium is 6.8");
    await ben.reads("Potassium is 6.8");
    const head = ben.page.locator(".conversation__head");
    await head.getByText("Verified by Riverside NHS Trust").waitFor();
    await look(ben, "keys-verified-desktop");
    await ben.page.getByRole("button", { name: "People in this conversation" }).click();
    const readers = ben.page.getByRole("dialog", { name: "People in this conversation" });
    await readers.getByText("Verified by Riverside NHS Trust").first().waitFor();
    await look(ben, "keys-readers-desktop");
    await readers.getByRole("button", { name: "Close" }).click();

    await house.stop();
    await house.open("[trust_identity]\nenabled = false");
    await amara.getCrypto().bootstrapCrossSigning({
        setupNewCrossSigning: true,
        authUploadDeviceSigningKeys: proof(amara),
    });
    await amara.sendTextMessage(room, "I have a new telephone");
    await ben.reads("I have a new telephone");
    const warning = ben.page.getByRole("alert").filter({ hasText: "The identity of amara has changed." });
    await warning.waitFor();
    await look(ben, "keys-changed-desktop");
    await ben.page.setViewportSize(phone.viewport);
    await look(ben, "keys-changed-phone");
    await warning.getByRole("button", { name: "I have checked that it is amara" }).click();
    await warning.waitFor({ state: "detached" });
    assert.deepEqual(ben.problems, []);
    amara.stopClient();
    await ben.context.close();
    await house.stop();
    await house.open(trust);
});

test("what was said while somebody was signed out can be read at the next sign-in", async () => {
    const cara = await house.other("cara");
    await house.register("dai");
    const dai = await Window.open(browser, house.url, desktop);
    await dai.signIn("dai", PASSWORD);
    await settled(dai);
    const room = await conversation(cara, "@dai:riverside.example");
    await accept(dai);
    await say(cara, room, "@dai:riverside.example", "Good night");
    await dai.reads("Good night");
    await dai.page.getByRole("button", { name: /^Me: / }).click();
    await dai.page.getByRole("button", { name: "Sign out" }).click();
    await dai.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await dai.context.close();
    // A key that no device of dai's that is awake has ever had, and nobody is there to ask.
    await cara.getCrypto().forceDiscardSession(room);
    await cara.sendTextMessage(room, "She went to theatre at four");
    cara.stopClient();

    const again = await Window.open(browser, house.url, phone);
    await again.signIn("dai", PASSWORD);
    await again.page.getByRole("link", { name: /cara/ }).first().click();
    await again.reads("She went to theatre at four");
    await again.reads("Good night");
    await look(again, "keys-asleep-phone");
    // What was read is counted, and nothing else is told.
    const told = again.page.waitForResponse(/undecryptable/u);
    await again.page.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { value: "hidden" });
        document.dispatchEvent(new Event("visibilitychange"));
    });
    assert.equal((await told).status(), 200);
    const headers = { authorization: "Bearer watchful" };
    const metrics = await (await fetch(`${house.url}/metrics`, { headers })).text();
    assert.match(metrics, /^wardline_decrypted_total [1-9]/mu);
    assert.deepEqual(again.problems, []);
    await again.context.close();
});

test("where people keep their own keys, the key is shown once and asked for at a new device", async () => {
    const own = new House("wardline-own-keys");
    await own.open('[gateway]\npolicy = "personal"');
    try {
        const eve = await own.other("eve");
        await own.register("fay");
        const fay = await Window.open(browser, own.url, phone);
        await fay.signIn("fay", PASSWORD);
        const shown = fay.page.getByRole("dialog", { name: "Your recovery key" });
        const key = (await shown.locator(".recovery-key").textContent()).trim();
        assert.match(key, /^(\w{4} ){11}\w{4}$/u);
        await look(fay, "keys-own-shown-phone");
        assert.ok(await shown.getByRole("button", { name: "Continue" }).isDisabled());
        await shown.getByRole("checkbox").check();
        await shown.getByRole("button", { name: "Continue" }).click();
        await settled(fay);
        const room = await conversation(eve, "@fay:riverside.example");
        await accept(fay);
        await say(eve, room, "@fay:riverside.example", "Only for you");
        await fay.reads("Only for you");
        await fay.page.getByRole("link", { name: "Back" }).click();
        await fay.page.getByRole("button", { name: /^Me: / }).click();
        await fay.page.getByRole("button", { name: "Sign out" }).click();
        await fay.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
        await fay.context.close();

        const next = await Window.open(browser, own.url, desktop);
        await next.signIn("fay", PASSWORD);
        const asked = next.page.getByRole("dialog", { name: "Read earlier messages" });
        await asked.getByLabel("Recovery key").fill(key.replace(/\w{4}$/u, "aaaa"));
        await asked.getByRole("button", { name: "Use this key" }).click();
        await asked.getByText("This is not your recovery key.").waitFor();
        await look(next, "keys-own-wrong-desktop");
        // Not now: it can be given later.
        await asked.getByRole("button", { name: "Not now" }).click();
        await next.page.getByRole("button", { name: /^Me: / }).click();
        await next.page.getByRole("button", { name: "Enter recovery key" }).click();
        await asked.getByLabel("Recovery key").fill(key);
        await asked.getByRole("button", { name: "Use this key" }).click();
        await next.page.getByText(encrypted).waitFor();
        await next.page.getByRole("button", { name: "Close" }).click();
        await next.page.getByRole("link", { name: /eve/ }).first().click();
        await next.reads("Only for you");
        await next.look("keys-own-read-desktop");
        assert.deepEqual(next.problems, []);
        await next.context.close();
        eve.stopClient();
    } finally {
        await own.close();
    }
});
