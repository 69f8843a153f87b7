// What the app can do beyond the story, feature by feature: on a phone and on a ward PC, light and dark.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Server } from "./server.mjs";
import { Window, desktop, openBrowser, phone, windows } from "./windows.mjs";

const server = new Server();
let browser;
let nurse;
let doctor;

before(async () => {
    await server.start();
    browser = await openBrowser();
    nurse = await Window.open(browser, server.url, desktop);
    doctor = await Window.open(browser, server.url, { ...phone, colorScheme: "dark" });
    await Promise.all([nurse.signIn("grace.adeyemi"), doctor.signIn("priya.raman")]);
    await Promise.all([openPatient(nurse), openPatient(doctor)]);
});

after(async () => {
    await browser?.close();
    await server.stop();
    server.remove();
});

async function openPatient(window) {
    await window.goTo("Patients");
    await window.page.getByRole("link", { name: /Okonkwo/i }).click();
    await window.page.getByLabel("Write a message").waitFor();
}

/** A feature: what fails leaves a picture of every window. */
function feature(name, play) {
    test(name, async () => {
        let done = false;
        try {
            await play();
            for (const window of windows) assert.deepEqual(window.problems, []);
            done = true;
        } finally {
            if (!done)
                for (const [n, window] of windows.entries()) await window.screenshot(`feature-failed-${n}`);
        }
    });
}

/** The bubble with `text`. */
function bubble(window, text) {
    const words = window.page.locator("p.bubble__text", { hasText: text });
    return window.page.getByRole("log").getByRole("listitem").filter({ has: words }).last();
}

async function menu(window, text) {
    await bubble(window, text)
        .getByRole("button", { name: /^More about/ })
        .focus();
    await window.page.keyboard.press("Enter");
    return window.page.getByRole("menu", { name: "What to do with this message" });
}

/** Rests a finger on the bubble. */
async function longPress(window, text) {
    const target = bubble(window, text).locator("p.bubble__text");
    const box = await target.boundingBox();
    const at = { x: box.x + 10, y: box.y + box.height / 2 };
    const client = await window.context.newCDPSession(window.page);
    await client.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [at] });
    const list = window.page.getByRole("menu", { name: "What to do with this message" });
    await list.waitFor();
    await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    return list;
}

feature("a message is answered, marked, changed, looked into and deleted", async () => {
    await nurse.write("Potassium is 6.4");
    await doctor.reads("Potassium is 6.4");

    // By touch: reply and a sign.
    const touched = await longPress(doctor, "Potassium is 6.4");
    await doctor.look("20-menu-phone-dark");
    await touched.getByRole("menuitem", { name: "Reply" }).click();
    await doctor.page.getByText("Reply to Sister Grace Adeyemi").waitFor();
    await doctor.write("Repeat it on a gas please");
    const answer = bubble(nurse, "Repeat it on a gas please");
    await answer
        .getByRole("button", { name: /^In answer to/ })
        .getByText("Potassium is 6.4")
        .waitFor();
    await (
        await longPress(doctor, "Potassium is 6.4")
    )
        .getByRole("menuitemcheckbox", { name: "Looking at it" })
        .click();
    const sign = bubble(nurse, "Potassium is 6.4").getByRole("button", {
        name: /^Looking at it, 1: Dr Priya/,
    });
    await sign.waitFor();

    // By keyboard: join the sign, change the words.
    await sign.focus();
    await nurse.page.keyboard.press("Enter");
    await bubble(doctor, "Potassium is 6.4")
        .getByRole("button", { name: /^Looking at it, 2/ })
        .waitFor();
    await nurse.page.getByLabel("Write a message").fill("half-written");
    await menu(nurse, "Potassium is 6.4");
    await nurse.look("21-menu-desktop");
    await nurse.page.keyboard.press("Escape");
    const list = await menu(nurse, "Potassium is 6.4");
    await list.getByRole("menuitem", { name: "Edit" }).press("Enter");
    const field = nurse.page.getByLabel("Write a message");
    assert.equal(await field.inputValue(), "Potassium is 6.4");
    await field.fill("Potassium is 6.9");
    await field.press("Enter");
    assert.equal(await field.inputValue(), "half-written");
    await field.fill("");
    await doctor.reads("Potassium is 6.9");
    await bubble(doctor, "Potassium is 6.9").getByText("edited").waitFor();

    // Every version, and who has it when.
    await (await menu(nurse, "Potassium is 6.9")).getByRole("menuitem", { name: "Info" }).click();
    const info = nurse.page.getByRole("dialog", { name: "Message info" });
    await info.getByText("Potassium is 6.4").first().waitFor();
    await info
        .getByText(/^Delivered.*Seen/)
        .first()
        .waitFor();
    await nurse.look("22-info-desktop");
    await info.getByRole("button", { name: "Close" }).click();

    // Deleted for everybody, after one question.
    await doctor.write("Wrong patient, sorry");
    await nurse.reads("Wrong patient, sorry");
    await (await longPress(doctor, "Wrong patient, sorry")).getByRole("menuitem", { name: "Delete" }).click();
    await doctor.look("23-delete-phone-dark");
    await doctor.page.getByRole("button", { name: "Delete for everybody" }).click();
    await nurse.page.getByText("This message was deleted").last().waitFor();
    await nurse.page.getByText("Wrong patient, sorry").waitFor({ state: "detached" });
    await nurse.look("24-actions-desktop");
    await doctor.look("25-actions-phone-dark");
});

feature("what is done without a connection shows at once and happens when it is back", async () => {
    await nurse.write("Gas at half past");
    await doctor.reads("Gas at half past");
    await nurse.context.setOffline(true);
    await nurse.shows(/^Reconnecting/);
    await (await menu(nurse, "Gas at half past")).getByRole("menuitem", { name: "Edit" }).click();
    await nurse.page.getByLabel("Write a message").fill("Gas at quarter to");
    await nurse.page.keyboard.press("Enter");
    await nurse.reads("Gas at quarter to");
    await (await menu(nurse, "Repeat it on a gas")).getByRole("menuitemcheckbox", { name: "Done" }).click();
    await bubble(nurse, "Repeat it on a gas")
        .getByRole("button", { name: /^Done, 1/ })
        .waitFor();
    await nurse.context.setOffline(false);
    await doctor.reads("Gas at quarter to");
    await bubble(doctor, "Repeat it on a gas")
        .getByRole("button", { name: /^Done, 1/ })
        .waitFor();
});
