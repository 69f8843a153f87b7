// The app lock: nothing is readable without the PIN, wrong ones back off and finally erase; a shared computer keeps nothing.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Server } from "./server.mjs";
import { Stage } from "./stage.mjs";
import { Window, desktop, openBrowser, phone } from "./windows.mjs";

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

feature("on a shared computer a closed tab leaves nothing that can be opened", async () => {
    const ward = await Window.open(browser, server.url, desktop);
    await ward.page.getByRole("checkbox", { name: /^This computer is shared/ }).check();
    await ward.page.getByRole("checkbox", { name: /^This computer is shared/, checked: true }).waitFor();
    await ward.look("63-shared-desktop");
    await ward.signIn("grace.adeyemi");
    assert.deepEqual(await keys(ward), [], "the key is not stored");
    await ward.page.reload();
    await ward.page.getByRole("navigation", { name: "Places" }).waitFor();
    await ward.page.close();
    await ward.show(server.url);
    await ward.page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    assert.deepEqual(await kept(ward), { stores: [], records: 0, local: ["wardline-shared"], files: [] });
});
