// The app lock: nothing is readable without the PIN, wrong ones back off and finally erase; a shared computer keeps nothing.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Server } from "./server.mjs";
import { Stage } from "./stage.mjs";
import { Window, desktop, openBrowser, phone } from "./windows.mjs";

const stage = new Stage("lock");
const feature = stage.feature.bind(stage);
const server = new Server("lock");
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

/** The keys that the browser keeps (the hash of a token is none), and whether any of them opens the vault without a PIN. */
function keys(window) {
    return window.page.evaluate(
        () =>
            new Promise((resolve) => {
                const request = indexedDB.open("wardline-vault");
                request.onsuccess = () => {
                    const names = request.result.transaction("keys").objectStore("keys").getAllKeys();
                    names.onsuccess = () => {
                        request.result.close();
                        resolve(names.result.filter((name) => name !== "watch"));
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
    assert.deepEqual(await keys(nurse), ["master"]);
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
    assert.deepEqual(await keys(nurse), ["lock"], "the key itself is kept no more");
    await nurse.page.getByRole("button", { name: "Lock now" }).click();
    await nurse.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
    await nurse.look("61-locked-phone-dark");
    await type(nurse, "271828");
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
});

feature("what is in the background for long locks itself", async () => {
    await nurse.page.clock.install();
    await nurse.page.reload();
    await type(nurse, "271828");
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
    await nurse.page.clock.fastForward("05:05");
    await nurse.page.getByRole("heading", { name: "Wardline is locked" }).waitFor();
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
    const left = await ward.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    assert.deepEqual(
        left.filter((name) => name.includes("::")),
        [],
    );
});
