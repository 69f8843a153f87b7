// Voice notes, the gallery, documents, and files over a bad network.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { pdf } from "./document.mjs";
import { gpsTagged } from "./photo.mjs";
import { Stage } from "./stage.mjs";

const stage = new Stage("media", { lined: true });
const feature = stage.feature.bind(stage);
let nurse;
let doctor;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
});
after(() => stage.close());

/** Sends a file by way of the attach button. */
async function sendFile(window, file, choice = "Choose a file", title = "Send file") {
    await window.page.getByRole("button", { name: "Attach a photo or file" }).click();
    const chooser = window.page.waitForEvent("filechooser");
    await window.page.getByRole("dialog", { name: "Attach" }).getByRole("button", { name: choice }).click();
    await (await chooser).setFiles(file);
    const dialog = window.page.getByRole("dialog", { name: title });
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
}

/** What the newest message of the conversation holds, as it was decrypted. */
function playing(window) {
    return window.page.getByRole("button", { name: "Pause Voice note" });
}

feature("a voice note is spoken with two taps, and heard at three speeds", async () => {
    const { page } = nurse;
    await page.getByRole("button", { name: "Record a voice note" }).click();
    await page.getByRole("timer").filter({ hasText: "0:02" }).waitFor();
    await nurse.look("110-recording");
    await page.getByRole("button", { name: "Send voice note" }).click();
    const play = doctor.page.getByRole("button", { name: "Play Voice note" });
    await play.waitFor();
    const bubble = doctor.page.locator(".voice").last();
    // Its shape came with it: the test tone beeps, so that there are loud and quiet stretches.
    const heights = await bubble
        .locator("rect")
        .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute("height"))));
    assert.equal(heights.length, 40);
    assert.ok(Math.max(...heights) > 2 * Math.min(...heights), `loud and quiet: ${heights.join()}`);
    await doctor.look("111-voice-note");
    await play.click();
    await playing(doctor).waitFor();
    await bubble.getByRole("button", { name: "Speed: 1 times" }).click();
    await bubble.getByRole("button", { name: "Speed: 1.5 times" }).waitFor();
    // To its end, and ready to be heard again.
    await play.waitFor();
    const position = bubble.getByRole("slider", { name: "Position" });
    assert.match(await position.getAttribute("aria-valuetext"), /^0:00 of 0:0\d$/);
});

feature("a voice note is deleted before it is sent, with the keyboard, and by sliding away", async () => {
    const { page } = nurse;
    await page.getByRole("button", { name: "Record a voice note" }).press("Enter");
    await page.getByRole("group", { name: "Recording a voice note" }).waitFor();
    await page.getByRole("timer").filter({ hasText: "0:01" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("group", { name: "Recording a voice note" }).waitFor({ state: "detached" });

    const button = page.getByRole("button", { name: "Record a voice note" });
    const box = await button.boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.getByRole("timer").filter({ hasText: "0:01" }).waitFor();
    await page.mouse.move(x - 120, y, { steps: 5 });
    await page.getByText("Let go to delete").waitFor();
    await page.mouse.up();
    await page.getByRole("group", { name: "Recording a voice note" }).waitFor({ state: "detached" });

    // Held, and let go where it was: sent.
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.getByText("Let go to send, slide away to delete").waitFor();
    await page.getByRole("timer").filter({ hasText: "0:01" }).waitFor();
    await page.mouse.up();
    await doctor.page.getByRole("button", { name: "Play Voice note" }).nth(1).waitFor();
    assert.equal(await doctor.page.getByRole("button", { name: "Play Voice note" }).count(), 2);
});

feature("a document is read in the app, page by page, and by those who hear it", async () => {
    const letter = pdf(["Discharge letter of Mr Okonkwo", "Second page: apixaban restarted"]);
    await sendFile(nurse, { name: "letter.pdf", mimeType: "application/pdf", buffer: letter });
    await doctor.page.getByRole("button", { name: "Open letter.pdf" }).click();
    const viewer = doctor.page.getByRole("dialog", { name: "letter.pdf" });
    const first = viewer.getByRole("group", { name: "Page 1 of 2" });
    await first.waitFor();
    await first.getByText("Discharge letter of Mr Okonkwo").waitFor({ state: "attached" });
    // Drawn: there is ink on the page.
    await doctor.page.waitForFunction(() => {
        const canvas = document.querySelector(".viewer__page canvas");
        if (!canvas || canvas.width < 100) return false;
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 200 && data[at] < 60) return true;
        return false;
    });
    await viewer.getByRole("button", { name: "Larger" }).click();
    await doctor.look("112-document");
    await viewer.getByRole("button", { name: "Close" }).click();

    await sendFile(nurse, {
        name: "broken.pdf",
        mimeType: "application/pdf",
        buffer: Buffer.from("%PDF-1.4 and nothing more"),
    });
    await doctor.page.getByRole("button", { name: "Open broken.pdf" }).click();
    await doctor.page.getByText(/^This document cannot be shown here/).waitFor();
    await doctor.page.keyboard.press("Escape");
});

feature("all photos and files of a conversation are found in one place", async () => {
    const tagged = await gpsTagged(nurse.page);
    for (const name of ["one.jpg", "two.jpg"]) {
        const photo = { name, mimeType: "image/jpeg", buffer: tagged };
        await sendFile(nurse, photo, /^Choose a photo/, "Photo");
    }
    await doctor.page.getByRole("button", { name: "Open Photo" }).nth(1).locator("img").waitFor();
    await doctor.page.getByRole("button", { name: "Find in this conversation" }).click();
    await doctor.page.getByRole("button", { name: "Photos and files" }).click();
    const gallery = doctor.page.getByRole("dialog", { name: "Photos and files" });
    const photos = gallery.getByRole("button", { name: /^Open Photo, / });
    await photos.nth(1).locator("img").waitFor();
    assert.equal(await photos.count(), 2);
    await doctor.look("113-gallery");
    await photos.first().click();
    const viewer = doctor.page.getByRole("dialog", { name: "Photo", exact: true });
    await viewer.getByText("1 of 2").waitFor();
    await doctor.page.keyboard.press("ArrowRight");
    await viewer.getByText("2 of 2").waitFor();
    await viewer.getByRole("img").waitFor();
    await doctor.look("114-gallery-viewer");
    await doctor.page.keyboard.press("Escape");
    await gallery.getByRole("button", { name: "Files", exact: true }).click();
    await gallery.getByRole("button", { name: "Open letter.pdf" }).waitFor();
    await doctor.look("115-gallery-files");
    await gallery.getByRole("button", { name: "Voice notes" }).click();
    const notes = gallery.getByRole("button", { name: "Play Voice note" });
    await notes.nth(1).waitFor();
    assert.equal(await notes.count(), 2);
    await gallery
        .getByRole("button", { name: /Show in the conversation$/ })
        .last()
        .click();
    await gallery.waitFor({ state: "detached" });
    await doctor.page.getByRole("button", { name: "Play Voice note" }).first().waitFor();
});

feature("a download goes on where it was stopped, and where the line was cut", async () => {
    const scan = randomBytes(3_000_000);
    await sendFile(nurse, { name: "scan.bin", mimeType: "application/octet-stream", buffer: scan });
    const button = doctor.page.getByRole("button", { name: "Download scan.bin" });
    await button.waitFor();
    // What the server answered with: 200 for the whole file, 206 for the rest of it.
    const answers = [];
    doctor.page.on("response", (response) => {
        if (response.url().includes("/media/download/"))
            answers.push([response.status(), Number(response.headers()["content-length"])]);
    });
    stage.server.line.slow(500_000);
    const progress = doctor.page.getByRole("progressbar", { name: "Downloading" });
    const arrived = (share) =>
        doctor.page.waitForFunction((least) => {
            const bar = document.querySelector('progress[aria-label="Downloading"]');
            return bar !== null && bar.value > least;
        }, share);
    await button.click();
    await arrived(0.1);
    // It goes on while something else is looked at.
    await doctor.page.getByRole("link", { name: "Back" }).click();
    await doctor.page.getByRole("link", { name: /Okonkwo/i }).click();
    await arrived(0.15);
    await doctor.screenshot("116-downloading-phone-dark");
    // Stopped: what has arrived is kept, and nothing is saved.
    await doctor.page
        .getByRole("listitem")
        .filter({ has: progress })
        .getByRole("button", { name: "Cancel" })
        .click();
    await progress.waitFor({ state: "detached" });
    const saved = doctor.page.waitForEvent("download");
    await button.click();
    await arrived(0.4);
    stage.server.line.cut();
    const file = await saved;
    assert.deepEqual(readFileSync(await file.path()), scan);
    assert.deepEqual(answers[0], [200, scan.length]);
    assert.ok(answers.length >= 3, JSON.stringify(answers));
    for (const [n, [status, length]] of answers.slice(1).entries()) {
        assert.equal(status, 206, `only the rest is asked for: ${JSON.stringify(answers)}`);
        assert.ok(length < answers[n][1], "and ever less of it");
    }
    stage.server.line.slow(Infinity);
});

feature(
    "an upload that breaks off goes on by itself, after a reload too, and the file comes once",
    async () => {
        const { line } = stage.server;
        const scan = randomBytes(2_000_000);
        line.slow(400_000);
        await sendFile(nurse, { name: "ct.bin", mimeType: "application/octet-stream", buffer: scan });
        const progress = nurse.page.getByRole("progressbar", { name: "Uploading" });
        const sent = (share) =>
            nurse.page.waitForFunction((least) => {
                const bar = document.querySelector('progress[aria-label="Uploading"]');
                return bar !== null && bar.value > least;
            }, share);
        await sent(0.1);
        await nurse.look("117-uploading");
        line.cut();
        await sent(0.15);
        await nurse.page.reload();
        await nurse.page.getByLabel("Write a message").waitFor();
        await progress.waitFor();
        await sent(0.05);
        line.down();
        // Nothing goes through, and it still says what waits.
        await nurse.shows(/^(Reconnecting|No connection)/);
        await progress.waitFor();
        line.slow(Infinity);
        line.mend();
        await progress.waitFor({ state: "detached" });
        const button = doctor.page.getByRole("button", { name: "Download ct.bin" });
        await button.waitFor();
        const saved = doctor.page.waitForEvent("download");
        await button.click();
        assert.deepEqual(readFileSync(await (await saved).path()), scan);
        assert.equal(await button.count(), 1);
    },
);

feature("an upload is stopped, and what was written after it goes all the same", async () => {
    const { line } = stage.server;
    line.slow(200_000);
    const scan = { name: "wrong.bin", mimeType: "application/octet-stream", buffer: randomBytes(2_000_000) };
    await sendFile(nurse, scan);
    await nurse.page.getByRole("progressbar", { name: "Uploading" }).waitFor();
    await nurse.write("That was the wrong file");
    await nurse.page.getByRole("button", { name: "Do not send it" }).click();
    await doctor.reads("That was the wrong file");
    line.slow(Infinity);
    for (const { page } of [nurse, doctor]) assert.equal(await page.getByText("wrong.bin").count(), 0);
});

feature("a photo has its colours before it is there", async () => {
    const { line } = stage.server;
    const photo = { name: "wound.jpg", mimeType: "image/jpeg", buffer: await gpsTagged(nurse.page) };
    await sendFile(nurse, photo, /^Choose a photo/, "Photo");
    await doctor.page.getByRole("button", { name: "Open Photo" }).last().locator("img").waitFor();
    // Anew, over a line on which pictures do not come.
    await doctor.page.route("**/media/download/**", (route) => route.abort());
    await doctor.page.reload();
    const picture = doctor.page.getByRole("button", { name: /^(Open Photo|Try again)$/ }).last();
    await picture.locator("canvas").waitFor();
    const drawn = await picture.locator("canvas").evaluate((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value, at) => at % 4 === 3 && value === 255);
    });
    assert.ok(drawn, "the colours are drawn");
    await doctor.screenshot("118-blurred-first");
    await doctor.page.unroute("**/media/download/**");
    line.cut();
    await doctor.page.reload();
    await doctor.page.getByRole("button", { name: "Open Photo" }).last().locator("img").waitFor();
});
