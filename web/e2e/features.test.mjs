// What the app can do beyond the story, feature by feature: on a phone and on a ward PC, light and dark.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { gpsTagged, place } from "./photo.mjs";
import { Server } from "./server.mjs";
import { Window, desktop, medicalRegistrar, openBrowser, phone, windows } from "./windows.mjs";

const server = new Server();
let browser;
let nurse;
let doctor;
let doctorName;

before(async () => {
    await server.start();
    browser = await openBrowser();
    nurse = await Window.open(browser, server.url, desktop);
    doctor = await Window.open(browser, server.url, { ...phone, colorScheme: "dark" });
    // What this window makes of the attachments it gets, for a look at their bytes.
    await doctor.page.addInitScript(() => {
        const make = URL.createObjectURL.bind(URL);
        globalThis.opened = [];
        URL.createObjectURL = (blob) => {
            globalThis.opened.push(blob);
            return make(blob);
        };
    });
    await doctor.page.reload();
    await nurse.signIn("grace.adeyemi");
    const registrar = await medicalRegistrar(nurse);
    doctorName = registrar.name;
    await doctor.signIn(registrar.user);
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
        .press("Enter");
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
        name: new RegExp(`^Looking at it, 1: ${doctorName}`),
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
    // What was being written before the change is back.
    await nurse.page.waitForFunction((area) => area.value === "half-written", await field.elementHandle());
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

async function attach(window, choice) {
    await window.page.getByRole("button", { name: "Attach a photo or file" }).click();
    const dialog = window.page.getByRole("dialog", { name: "Attach" });
    const chooser = window.page.waitForEvent("filechooser");
    await dialog.getByRole("button", { name: choice }).click();
    return chooser;
}

/** What is in the newest picture this window opened: its text, and how rough its left and right thirds are. */
function newestPicture(window) {
    return window.page.evaluate(async () => {
        const blob = globalThis.opened.findLast(({ type }) => type.startsWith("image/"));
        const text = new TextDecoder("latin1").decode(await blob.arrayBuffer());
        const bitmap = await createImageBitmap(blob);
        const { width, height } = bitmap;
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext("2d");
        context.drawImage(bitmap, 0, 0);
        const roughness = (from) => {
            const { data } = context.getImageData(from, height / 2, width / 4, 1);
            let sum = 0;
            for (let at = 4; at < data.length; at += 4) sum += Math.abs(data[at] - data[at - 4]);
            return sum / (data.length / 4);
        };
        return { text, width, height, left: roughness(width * 0.1), right: roughness(width * 0.65) };
    });
}

feature("a photo is sent without its place, with what is hidden gone for good", async () => {
    const tagged = await gpsTagged(nurse.page);
    assert.ok(tagged.includes(place), "the photo to be sent knows where it was taken");
    const chooser = await attach(nurse, /^Choose a photo/);
    await chooser.setFiles({ name: "IMG_2041.jpg", mimeType: "image/jpeg", buffer: tagged });
    const dialog = nurse.page.getByRole("dialog", { name: "Photo" });
    const picture = dialog.getByRole("img", { name: /^Photo to be sent/ });
    const box = await picture.boundingBox();
    const drag = async (tool, from, to) => {
        await dialog.getByRole("button", { name: tool, exact: true }).click();
        await nurse.page.mouse.move(box.x + box.width * from[0], box.y + box.height * from[1]);
        await nurse.page.mouse.down();
        await nurse.page.mouse.move(box.x + box.width * to[0], box.y + box.height * to[1], { steps: 4 });
        await nurse.page.mouse.up();
    };
    await drag("Hide", [0.02, 0.02], [0.45, 0.98]);
    // By two taps.
    await dialog.getByRole("button", { name: "Arrow", exact: true }).click();
    for (const [x, y] of [
        [0.9, 0.1],
        [0.7, 0.3],
    ])
        await nurse.page.mouse.click(box.x + box.width * x, box.y + box.height * y);
    await dialog.getByRole("img", { name: "Photo to be sent, 2 marks on it" }).waitFor();
    // By the keyboard.
    await dialog.getByRole("button", { name: "Circle", exact: true }).press("Enter");
    await picture.focus();
    for (const key of ["ArrowRight", "ArrowDown", "Enter", "ArrowRight", "ArrowRight", "ArrowDown", "Enter"])
        await nurse.page.keyboard.press(key);
    await dialog.getByRole("img", { name: "Photo to be sent, 3 marks on it" }).waitFor();
    await dialog.getByLabel("Caption").fill("Left shin, day 2");
    await nurse.look("26-photo-desktop");
    await dialog.getByRole("button", { name: "Send", exact: true }).click();

    const shown = doctor.page.getByRole("button", { name: "Open Left shin, day 2" });
    await shown.locator("img").waitFor();
    await doctor.look("27-photo-phone-dark");
    await shown.click();
    const viewer = doctor.page.getByRole("dialog", { name: "Left shin, day 2" });
    await viewer.getByRole("button", { name: "Larger" }).click();
    await doctor.page.waitForFunction(() => globalThis.opened.length >= 2);
    await viewer.getByRole("img").waitFor();
    await doctor.look("28-viewer-phone-dark");
    const got = await newestPicture(doctor);
    assert.deepEqual([got.width, got.height], [800, 600]);
    assert.ok(!got.text.includes(place) && !got.text.includes("Exif"), "no place and no Exif is left");
    assert.ok(got.right > 20, `what is not hidden is as it was (${got.right})`);
    assert.ok(got.left < 8, `what is hidden cannot be made out (${got.left})`);
    await viewer.getByRole("button", { name: "Close" }).click();
});

feature("the camera in the app sends what it sees", async () => {
    await doctor.page.getByRole("button", { name: "Attach a photo or file" }).click();
    await doctor.page.getByRole("button", { name: /^Take a photo/ }).click();
    await doctor.page.getByRole("button", { name: "Take photo" }).click();
    await doctor.page.getByLabel("Caption").fill("From the camera");
    await doctor.page
        .getByRole("dialog", { name: "Photo" })
        .getByRole("button", { name: "Send", exact: true })
        .click();
    await nurse.page.getByRole("button", { name: "Open From the camera" }).locator("img").waitFor();
    await nurse.look("30-photos-desktop");
});

feature("a document waits for the connection, can be given up, and arrives as it was", async () => {
    const words = "Discharge letter: apixaban restarted";
    await nurse.context.setOffline(true);
    for (const name of ["given-up.txt", "discharge-letter.txt"]) {
        const chooser = await attach(nurse, "Choose a file");
        await chooser.setFiles({ name, mimeType: "text/plain", buffer: Buffer.from(words) });
        await nurse.page
            .getByRole("dialog", { name: "Send file" })
            .getByRole("button", { name: "Send", exact: true })
            .click();
        await nurse.page.getByRole("listitem").filter({ hasText: name }).waitFor();
    }
    await nurse.look("31-waiting-desktop");
    await nurse.page
        .getByRole("listitem")
        .filter({ hasText: "given-up.txt" })
        .getByRole("button", { name: "Do not send it" })
        .click();
    await nurse.page.getByText("given-up.txt").waitFor({ state: "detached" });
    await nurse.context.setOffline(false);

    const button = doctor.page.getByRole("button", { name: "Download discharge-letter.txt" });
    const download = doctor.page.waitForEvent("download");
    await button.click();
    const file = await download;
    assert.equal(file.suggestedFilename(), "discharge-letter.txt");
    assert.equal(readFileSync(await file.path(), "utf8"), words);
    assert.equal(await doctor.page.getByText("given-up.txt").count(), 0);
    assert.deepEqual(server.findInClear(["apixaban", "discharge-letter", "Left shin", place]), []);
});
