// Somebody signs in for the first time after messages were written to them, and reads them all.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Server } from "./server.mjs";
import { Window, desktop, medicalRegistrar, openBrowser, phone, windows } from "./windows.mjs";

const said = ["Her breathing is worse since the nebuliser", "Saturations 86 on four litres"];
const sbar = {
    Situation: "Type 2 respiratory failure, drowsy",
    Background: "COPD, two admissions this winter",
    Assessment: "Tiring, pH 7.24 on the gas",
    Recommendation: "Please come and decide about NIV",
};

let browser;
let server;
let nurse;

before(async () => {
    browser = await openBrowser();
});

beforeEach(async () => {
    server = new Server("wardline-first-sign-in");
    await server.start();
    nurse = await Window.open(browser, server.url, desktop);
});

afterEach(async () => {
    for (const window of windows.splice(0)) await window.context.close();
    await server.stop();
    server.remove();
});

after(async () => {
    await browser?.close();
});

function play(name, part) {
    test(name, async () => {
        let done = false;
        try {
            await part();
            for (const window of windows) assert.deepEqual(window.problems, []);
            done = true;
        } finally {
            if (!done)
                for (const [n, { page }] of windows.entries())
                    if (!page.isClosed()) await windows[n].screenshot(`first-failed-${n}`);
        }
    });
}

async function openPatient(window) {
    await window.goTo("Patients");
    await window.page.getByRole("link", { name: /Okonkwo/i }).click();
    await window.page.getByLabel("Write a message").waitFor();
}

/** The nurse writes two messages and asks the medical registrar; gives his user name. He has never signed in. */
async function nurseWrites() {
    const { page } = nurse;
    await nurse.signIn("grace.adeyemi");
    const { user } = await medicalRegistrar(nurse);
    await openPatient(nurse);
    for (const text of said) {
        await nurse.write(text);
        await nurse.reads(text);
    }
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Ask" });
    const to = dialog.getByLabel("To", { exact: true });
    await to.selectOption({
        label: await to.getByRole("option", { name: /^Medical registrar/ }).textContent(),
    });
    await dialog.getByRole("radio", { name: "Urgent" }).check();
    for (const [label, text] of Object.entries(sbar))
        await dialog.getByLabel(label, { exact: true }).fill(text);
    await dialog.getByRole("button", { name: "Send request" }).click();
    // Raised with the service, and not only on her screen.
    const card = page.getByRole("article", { name: /^Urgent request/ });
    await card
        .getByRole("status")
        .getByText(/ at \d\d:\d\d$/)
        .waitFor();
    return user;
}

/** The urgent card with its words, and after accepting all that was said. */
async function readsEverything(registrar, name) {
    const urgent = registrar.page.getByRole("alertdialog", { name: "Urgent request" });
    for (const text of Object.values(sbar)) await urgent.getByText(text, { exact: true }).waitFor();
    await registrar.look(`30-${name}-urgent-phone`);
    await urgent.getByRole("button", { name: "Accept" }).click();
    for (const text of said) await registrar.reads(text);
    assert.equal(await registrar.page.getByText("Waiting for this message").count(), 0);
    await registrar.look(`31-${name}-conversation-phone`);
}

play("a registrar who signs in for the first time reads what was written to him before", async () => {
    const holder = await nurseWrites();
    const registrar = await Window.open(browser, server.url, phone);
    await registrar.signIn(holder);
    await readsEverything(registrar, "first");
    await nurse.shows(/^Accepted by/);
    await nurse.goTo("Patients");
    const patient = nurse.page.getByRole("link", { name: /Okonkwo/i });
    await patient.getByText("1 in hand").waitFor();
    assert.equal(await patient.getByText(/urgent request/).count(), 0);
    await nurse.look("32-in-hand-desktop");
});

play("with the nurse's window closed he waits calmly, and reads as soon as she opens it", async () => {
    const holder = await nurseWrites();
    await nurse.page.close();
    const registrar = await Window.open(browser, server.url, phone);
    await registrar.signIn(holder);
    const urgent = registrar.page.getByRole("alertdialog", { name: "Urgent request" });
    await urgent.getByText(/cannot be read on this device yet/).waitFor();
    await registrar.look("33-waiting-urgent-phone");
    await urgent.getByRole("button", { name: "Accept" }).click();
    await registrar.shows("Waiting for this message");
    await registrar.look("34-waiting-conversation-phone");

    await nurse.show(server.url);
    for (const text of [...said, ...Object.values(sbar)]) await registrar.reads(text);
    await registrar.page.getByText("Waiting for this message").first().waitFor({ state: "detached" });
    await registrar.look("35-after-waiting-phone");
});

play("the nurse had signed out: he reads as soon as she signs in anew, on another device", async () => {
    const holder = await nurseWrites();
    await nurse.page.getByRole("button", { name: /^Me:/ }).click();
    await nurse.page.getByRole("button", { name: "Sign out" }).click();
    await nurse.shows("You are signed out.");
    const registrar = await Window.open(browser, server.url, phone);
    await registrar.signIn(holder);
    const urgent = registrar.page.getByRole("alertdialog", { name: "Urgent request" });
    await urgent.getByText(/cannot be read on this device yet/).waitFor();

    await nurse.signIn("grace.adeyemi");
    await readsEverything(registrar, "anew");
});

play("nothing is said to somebody whose devices could not be asked for, until they could", async () => {
    await nurse.signIn("grace.adeyemi");
    const { user } = await medicalRegistrar(nurse);
    await openPatient(nurse);
    await nurse.write(said[0]);
    await nurse.reads(said[0]);
    const asks = "**/_matrix/client/v3/keys/query";
    // Counted from when something is to be said.
    let failures = -Infinity;
    let enough;
    const often = new Promise((resolve) => (enough = resolve));
    await nurse.context.route(asks, (route) => {
        if (!route.request().postData().includes(`@${user}:`)) return route.continue();
        if (++failures === 5) enough();
        return route.abort();
    });
    const registrar = await Window.open(browser, server.url, phone);
    await registrar.signIn(user);
    await openPatient(registrar);
    failures = 0;
    await nurse.write(said[1]);
    // Everything else has a connection, and the SDK's own patience is over.
    await often;
    const waiting = nurse.page.locator(".bubble", { hasText: said[1] });
    assert.equal(await waiting.getAttribute("data-event"), null, "it still waits");
    await nurse.context.unroute(asks);
    await registrar.reads(said[1]);
});

play("a set-up of keys that is cut short at every step ends well, and a second browser reads", async () => {
    const steps = [
        "/recovery-key",
        "/keys/device_signing/upload",
        "/keys/signatures/upload",
        "/account_data/m.secret_storage.default_key",
        "/account_data/m.cross_signing.user_signing",
        "/room_keys/version",
        "/account_data/m.megolm_backup.v1",
    ];
    // The page is closed while what it says to the server is still under way, and never arrives.
    const reached = (step) =>
        new Promise((resolve) => {
            void nurse.page.route(
                (url) => url.pathname.endsWith(step),
                (route) => (route.request().method() === "GET" ? route.continue() : resolve()),
            );
        });
    const first = reached(steps[0]);
    await nurse.signIn("grace.adeyemi");
    await first;
    await nurse.page.close();
    for (const step of steps.slice(1)) {
        await nurse.show("about:blank");
        const next = reached(step);
        await nurse.page.goto(server.url);
        await next;
        await nurse.page.close();
    }
    await nurse.show(server.url);
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
    await openPatient(nurse);
    for (const text of said) {
        await nurse.write(text);
        await nurse.reads(text);
    }
    await nurse.page.getByRole("button", { name: /^Me:/ }).click();
    await nurse.shows("End-to-end encrypted. Earlier messages can be read on this device.");

    const second = await Window.open(browser, server.url, phone);
    await second.signIn("grace.adeyemi");
    await openPatient(second);
    for (const text of said) await second.reads(text);
});
