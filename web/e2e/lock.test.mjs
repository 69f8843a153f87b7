// The app lock: nothing is readable without the PIN, in the browser or on the disk; wrong ones back off and finally erase; a shared computer
// keeps nothing.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { Server } from "./server.mjs";
import { Stage } from "./stage.mjs";
import { Window, desktop, openBrowser, openProfile, phone } from "./windows.mjs";

const stage = new Stage("lock");
const feature = stage.feature.bind(stage);
// By a name: the device's own unlocking belongs to one.
const server = new Server("lock", { named: true });
let browser;
let nurse;

before(async () => {
    await server.start();
    browser = await openBrowser();
    nurse = await Window.open(browser, server.url, { ...phone, colorScheme: "dark" });
});
after(async () => {
    await browser?.close();
    await server.stop();
    server.remove();
});

/** The keys that the browser keeps, and whether any of them opens the vault without a PIN. */
function keys(window) {
    return window.page.evaluate(
        () =>
            new Promise((resolve) => {
                const request = indexedDB.open("wardline-vault");
                request.onsuccess = () => {
                    const names = request.result.transaction("keys").objectStore("keys").getAllKeys();
                    names.onsuccess = () => {
                        request.result.close();
                        resolve(names.result);
                    };
                };
            }),
    );
}

async function type(window, pin) {
    await window.page.getByLabel("PIN", { exact: true }).fill(pin);
    await window.page.getByRole("button", { name: "Unlock" }).click();
}

feature("a PIN is set, and what the browser keeps lies under it", async () => {
    await nurse.signIn("grace.adeyemi");
    assert.deepEqual(
        (await keys(nurse)).filter((name) => name !== "watch"),
        ["master"],
    );
    await nurse.page.getByRole("button", { name: /^Me:/ }).click();
    await nurse.page.getByRole("button", { name: "Set a PIN" }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "Set a PIN" });
    await dialog.getByLabel("New PIN").fill("123456");
    await dialog.getByLabel("The same again").fill("123456");
    await dialog.getByRole("button", { name: "Save PIN" }).click();
    await dialog.getByText(/too easy to guess/).waitFor();
    await dialog.getByLabel("New PIN").fill("271828");
    await dialog.getByLabel("The same again").fill("271828");
    await nurse.look("60-set-pin-phone-dark");
    await dialog.getByRole("button", { name: "Save PIN" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(
        (await keys(nurse)).filter((name) => name !== "watch"),
        ["lock"],
        "the key itself is kept no more",
    );
    await nurse.page.getByRole("button", { name: "Lock now" }).click();
    await nurse.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
    await nurse.look("61-locked-phone-dark");
    await type(nurse, "271828");
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
});

/** There when the session runs, and not before. */
const me = () => nurse.page.getByRole("button", { name: /^Me:/ });

feature("what is left alone locks itself after five minutes, in the background after one", async () => {
    await nurse.page.clock.install();
    await nurse.page.reload();
    await type(nurse, "271828");
    await me().waitFor();
    await nurse.page.clock.fastForward("05:05");
    await nurse.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
    await type(nurse, "271828");
    await me().waitFor();
    await nurse.page.clock.fastForward("01:05");
    assert.equal(await nurse.page.getByRole("heading", { name: "Wardline is locked" }).count(), 0);
    await nurse.page.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await nurse.page.clock.fastForward("01:05");
    await nurse.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
    await type(nurse, "271828");
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
});

feature("the device's own unlocking opens it too", async () => {
    const session = await nurse.context.newCDPSession(nurse.page);
    await session.send("WebAuthn.enable");
    const options = {
        protocol: "ctap2",
        ctap2Version: "ctap2_1",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        hasPrf: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
    };
    await session.send("WebAuthn.addVirtualAuthenticator", { options });
    await nurse.page.getByRole("button", { name: /^Me:/ }).click();
    await nurse.page.getByRole("button", { name: "Unlock with fingerprint or face" }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "Unlock with fingerprint or face" });
    await dialog.getByLabel("PIN", { exact: true }).fill("314159");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await dialog.getByText("That is not your PIN.").waitFor();
    await dialog.getByLabel("PIN", { exact: true }).fill("271828");
    await nurse.look("64-allow-device-phone-dark");
    await dialog.getByRole("button", { name: "Go on" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(
        (await keys(nurse)).filter((name) => name !== "watch"),
        ["lock", "platform"],
    );
    await nurse.page.getByRole("button", { name: "Lock now" }).click();
    const unlock = nurse.page.getByRole("button", { name: "Unlock with fingerprint or face" });
    await unlock.waitFor();
    await nurse.look("65-locked-device-phone-dark");
    await unlock.click();
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
    await nurse.page.getByRole("button", { name: /^Me:/ }).click();
    await nurse.page.getByRole("button", { name: "Unlock with the PIN only" }).click();
    await nurse.page.getByRole("button", { name: "Unlock with fingerprint or face" }).waitFor();
    await nurse.page.getByRole("button", { name: "Lock now" }).click();
    await nurse.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
    assert.equal(await unlock.count(), 0);
    await session.detach();
});

feature("wrong PINs wait ever longer, and the last one erases everything", async () => {
    for (let left = 9; left > 0; left--) {
        await type(nurse, "314159");
        await nurse.page.getByText(new RegExp(`${left} (try is|tries are) left`)).waitFor();
        await nurse.page.clock.fastForward("15:01");
        await nurse.page.getByRole("button", { name: "Unlock" }).waitFor();
    }
    await nurse.screenshot("62-last-try-phone-dark");
    await type(nurse, "314159");
    await nurse.page.getByText(/^Too many wrong PINs/).waitFor();
    const left = await nurse.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    assert.deepEqual(
        left.filter((name) => name.includes("::")),
        [],
        "no store of encryption keys is left",
    );
});

/** Everything that the browser keeps of anybody. */
function kept(window) {
    return window.page.evaluate(async () => {
        const names = (await indexedDB.databases()).map(({ name }) => name);
        const records = await new Promise((resolve) => {
            const request = indexedDB.open("wardline-vault");
            // None was there: this very question made it.
            request.onupgradeneeded = () => request.transaction.abort();
            request.onerror = () => resolve(0);
            request.onsuccess = () => {
                const counted = request.result.transaction("records").objectStore("records").count();
                counted.onsuccess = () => {
                    request.result.close();
                    resolve(counted.result);
                };
            };
        });
        const files = [];
        for (const name of await caches.keys())
            for (const { url } of await (await caches.open(name)).keys()) files.push(new URL(url).pathname);
        return {
            stores: names.filter((name) => name.includes("::")),
            records,
            local: Object.keys(localStorage),
            files: files.filter((path) => /^\/(_|fhir|oauth|account)/.test(path)),
        };
    });
}

feature("a locked device that is signed out from elsewhere erases itself", async () => {
    const [lost, here] = [
        await Window.open(browser, server.url, phone),
        await Window.open(browser, server.url, desktop),
    ];
    await lost.signIn("priya.raman");
    await lost.page.getByRole("button", { name: /^Me:/ }).click();
    await lost.page.getByRole("button", { name: "Set a PIN" }).click();
    const dialog = lost.page.getByRole("dialog", { name: "Set a PIN" });
    await dialog.getByLabel("New PIN").fill("271828");
    await dialog.getByLabel("The same again").fill("271828");
    await dialog.getByRole("button", { name: "Save PIN" }).click();
    await dialog.waitFor({ state: "detached" });
    await lost.page.getByRole("button", { name: "Lock now" }).click();
    await lost.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
    assert.ok((await kept(lost)).records > 0);
    await here.signIn("priya.raman");
    await here.page.getByRole("button", { name: /^Me:/ }).click();
    await here.page.getByRole("button", { name: "Your devices" }).click();
    await here.page
        .getByRole("button", { name: /^Sign out (?!all)/ })
        .first()
        .click();
    await here.page.getByText(/It erases what it holds as soon as it is reached/).waitFor();
    // It comes back to a network, or is looked at.
    await lost.page.evaluate(() => dispatchEvent(new Event("online")));
    await lost.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    assert.deepEqual(await kept(lost), { stores: [], records: 0, local: [], files: [] });
    await here.page
        .getByRole("dialog", { name: "Your devices" })
        .getByRole("button", { name: "Close" })
        .click();
    await here.page.getByRole("button", { name: "Your devices" }).click();
    await here.page.getByText(/^Has erased what it held/).waitFor();
    await Promise.all([lost.page.close(), here.page.close()]);
});

/** Words that nobody else writes, and what names the people and the conversation. */
const planted = { said: "Perihelion quatrain", drafted: "Ephemeris couplet", searched: "quatrain" };

/**
 * Somebody works here: reads, writes, begins to write, and is notified. Answers all that must not be found afterwards: the words, who worked, the
 * patient, the conversation, the device and its tokens.
 */
async function work(ward, notified = true) {
    const { page } = ward;
    const secrets = new Set(Object.values(planted));
    const listen = async (request) => {
        const { authorization } = await request.allHeaders();
        if (authorization) secrets.add(authorization.split(" ").at(-1));
        if (request.url().endsWith("/keys/upload"))
            secrets.add(request.postDataJSON()?.device_keys?.device_id ?? planted.said);
    };
    const heard = [];
    const follow = (request) => heard.push(listen(request).catch(() => undefined));
    page.on("request", follow);
    await ward.signIn("grace.adeyemi");
    await ward.goTo("Patients");
    await page.getByRole("link", { name: /Okonkwo/i }).click();
    await ward.write(planted.said);
    await ward.reads(planted.said);
    // It has gone out: the room is known, and its keys are kept.
    await page
        .getByRole("log")
        .getByLabel(/^(Sent|Delivered|Seen)/)
        .last()
        .waitFor();
    await page.getByRole("button", { name: "Find in this conversation" }).click();
    const found = page.getByRole("dialog");
    await found.getByRole("searchbox").fill(planted.searched);
    await found.getByText(planted.said).first().waitFor();
    await found.getByRole("button", { name: "Close" }).click();
    await found.waitFor({ state: "detached" });
    await page.getByLabel("Write a message").fill(planted.drafted);
    secrets.add(decodeURIComponent(page.url()).match(/![\w-]+/u)[0]);
    if (notified)
        await page.evaluate(async () => {
            const worker = await navigator.serviceWorker.ready;
            await worker.showNotification("Sister Grace Adeyemi", { body: "Mr Okonkwo is worse", tag: "x" });
        });
    page.off("request", follow);
    await Promise.all(heard);
    assert.ok(secrets.size >= 6, "a token, a device and a conversation are known");
    return [...secrets, "Okonkwo", "Adeyemi", "grace.adeyemi", "999 000 0069", "9990000069"];
}

/** All that the browser keeps for this server, read in full, as one text. Keys that cannot be read out are named. */
async function everything({ page, context }) {
    const text = await page.evaluate(async () => {
        const out = [];
        const latin = new TextDecoder("latin1");
        const tell = (value, depth = 0) => {
            if (value instanceof CryptoKey) return out.push(`CryptoKey ${value.algorithm.name}`);
            if (value instanceof ArrayBuffer || ArrayBuffer.isView(value))
                return out.push(latin.decode(value));
            if (typeof value !== "object" || value === null || depth > 20) return out.push(String(value));
            for (const [name, inner] of value instanceof Map ? value : Object.entries(value)) {
                out.push(String(name));
                tell(inner, depth + 1);
            }
            return 0;
        };
        const asked = (request) =>
            new Promise((resolve, reject) => {
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
            });
        for (const { name } of await indexedDB.databases()) {
            out.push(`database ${name}`);
            const database = await asked(indexedDB.open(name));
            for (const store of database.objectStoreNames) {
                const records = database.transaction(store).objectStore(store);
                const [keys, values] = [asked(records.getAllKeys()), asked(records.getAll())];
                tell(await keys);
                tell(await values);
            }
            database.close();
        }
        tell(Object.entries(localStorage));
        tell(Object.entries(sessionStorage));
        const folder = async (directory) => {
            for await (const [name, handle] of directory) {
                out.push(name);
                if (handle.kind === "directory") await folder(handle);
                else tell(await (await handle.getFile()).arrayBuffer());
            }
        };
        await folder(await navigator.storage.getDirectory());
        for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) {
                out.push(request.url);
                const answer = await cache.match(request);
                tell(Object.fromEntries(answer.headers));
                // The app itself is the same for everybody.
                if (!/\/(assets\/|$)/u.test(new URL(request.url).pathname)) tell(await answer.arrayBuffer());
            }
        }
        const worker = await navigator.serviceWorker.getRegistration();
        out.push(`push ${JSON.stringify((await worker?.pushManager.getSubscription()) ?? null)}`);
        for (const { title, body, tag } of (await worker?.getNotifications()) ?? [])
            out.push(title, body, tag);
        out.push(
            document.title,
            location.href,
            document.body.innerText,
            String(history.length),
            String(name),
        );
        tell(history.state);
        return out.join("\n");
    });
    const cookies = (await context.cookies()).map((cookie) => JSON.stringify(cookie));
    return [text, ...cookies].join("\n");
}

/** Nobody is signed in any more, to the app or to the server's own pages, and nothing of `secrets` is left. */
async function nobody(ward, secrets) {
    await ward.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    const left = await everything(ward);
    const found = secrets.filter((secret) => left.toLowerCase().includes(secret.toLowerCase()));
    assert.deepEqual(found, []);
    assert.ok(!left.includes("CryptoKey"), "no key is left, not even one that cannot be read out");
    const kinds = left.split("\n").filter((line) => line.startsWith("database") && line.includes("::"));
    assert.deepEqual(kinds, [], "no store of encryption keys is left");
    assert.match(left, /^push null$/mu);
    // Whoever has the cookie of the pages has to prove who they are all the same.
    const page = await ward.context.newPage();
    await page.goto(`${server.url}/account`);
    await page.getByLabel("Password", { exact: true }).waitFor();
    await page.close();
}

feature("on a shared computer a closed tab leaves nothing, and neither does whoever signs out", async () => {
    const ward = await Window.open(browser, server.url, desktop);
    await ward.context.grantPermissions(["notifications"]);
    await ward.page.getByRole("checkbox", { name: /^This computer is shared/ }).check();
    await ward.page.getByRole("checkbox", { name: /^This computer is shared/, checked: true }).waitFor();
    await ward.look("63-shared-desktop");
    const first = await work(ward);
    assert.deepEqual(await keys(ward), [], "the key is not stored");
    // What is read here is all that there is, and the search finds what lies in clear.
    assert.match(await everything(ward), /Mr Okonkwo is worse[^]*"wardline/u);
    await ward.page.reload();
    await ward.page.getByRole("navigation", { name: "Places" }).waitFor();
    await ward.page.close();
    await ward.show(server.url);
    await nobody(ward, first);

    // Somebody who signs out.
    const second = await work(ward);
    await ward.page.getByRole("button", { name: /^Me:/ }).click();
    await ward.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await ward.page.getByText(/^You are signed out\. Nothing is kept/).waitFor();
    await nobody(ward, [...first, ...second]);
    await ward.context.close();
});

/** The files under `folder` that hold one of `words`, in the encodings in which a browser writes text. */
function holding(folder, words) {
    const found = [];
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const bytes = readFileSync(join(entry.parentPath, entry.name));
        for (const word of words)
            for (const encoding of ["utf8", "utf16le", "base64"])
                if (
                    encoding === "base64"
                        ? bytes.includes(Buffer.from(word).toString("base64").slice(0, -4))
                        : bytes.includes(word, 0, encoding)
                )
                    found.push(
                        `${word} (${encoding}) in ${join(entry.parentPath, entry.name).slice(folder.length)}`,
                    );
    }
    return found;
}

feature("with the app locked nothing on the disk can be read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wardline-profile-"));
    try {
        const context = await openProfile(folder);
        const own = new Window();
        Object.assign(own, { context, colorScheme: "light" });
        await own.show(server.url);
        // Without a notification: the system shows those, lock or not, and they say what policy allows. The ids of the device and of
        // conversations stand in the addresses that the browser remembers, and the user name in its list of those that signed in: none of
        // them says anything, or opens anything.
        const secrets = (await work(own, false)).filter(
            (secret) => !/^!|^[A-Z]{10}$|^grace\.adeyemi$/u.test(secret),
        );
        await own.page.evaluate(() => {
            localStorage.setItem("control", "written in clear");
        });
        await own.page.getByRole("button", { name: /^Me:/ }).click();
        await own.page.getByRole("button", { name: "Set a PIN" }).click();
        const dialog = own.page.getByRole("dialog", { name: "Set a PIN" });
        await dialog.getByLabel("New PIN").fill("271828");
        await dialog.getByLabel("The same again").fill("271828");
        await dialog.getByRole("button", { name: "Save PIN" }).click();
        await dialog.waitFor({ state: "detached" });
        await own.page.getByRole("button", { name: "Lock now" }).click();
        await own.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
        await context.close();
        assert.notDeepEqual(holding(folder, ["written in clear"]), [], "what is in clear is found");
        assert.deepEqual(holding(folder, secrets), []);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
});
