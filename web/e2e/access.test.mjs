// The main story without a mouse, and as a screen reader hears it.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { Stage } from "./stage.mjs";

const stage = new Stage("access");
const feature = stage.feature.bind(stage);
let nurse;
let doctor;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
});
after(() => stage.close());

/** What a screen reader calls the thing that has the focus. */
function focused(page) {
    return page.evaluate(() => {
        const element = document.activeElement;
        const labelled = element?.getAttribute("aria-labelledby");
        const words = [
            element?.getAttribute("aria-label"),
            labelled && document.getElementById(labelled)?.textContent,
            element?.labels?.[0]?.textContent,
            element?.textContent,
        ];
        return (words.find((text) => text?.trim()) ?? "").trim();
    });
}

/** Waits until a screen reader is told; what was told goes away after a while. */
async function announced(window, text) {
    await window.page.locator(".announcer").getByText(text).waitFor({ state: "attached" });
}

/** Presses Tab until that has the focus. */
async function tabTo(page, name) {
    const heard = [];
    for (let n = 0; n < 80; n++) {
        await page.keyboard.press("Tab");
        const now = await focused(page);
        if (name.test(now)) return;
        heard.push(now);
    }
    assert.fail(`${name} is not reached by Tab: ${heard.join(" | ")}`);
}

/**
 * Compares what a screen reader finds with what is written down in `screen-reader.txt`: these lines, in this order, whatever else
 * there is. `WARDLINE_UPDATE=1` writes it anew.
 */
const file = new URL("screen-reader.txt", import.meta.url);
const parts = new Map();
async function hears(name, locator) {
    if (process.env["WARDLINE_UPDATE"]) {
        parts.set(name, await heard(locator));
        const all = [...parts].map(([title, lines]) => `# ${title}\n${lines}\n`).join("\n");
        writeFileSync(file, all);
        return;
    }
    const written = readFileSync(file, "utf8")
        .split(/^# /m)
        .find((part) => part.startsWith(`${name}\n`));
    assert.ok(written, `${name} is written down`);
    const wanted = written
        .split("\n")
        .slice(1)
        .map((line) => line.trim())
        .filter(Boolean);
    // What is far from the screen is drawn a moment after a list comes to rest.
    for (let tries = 1; ; tries++) {
        const tree = await heard(locator);
        const missing = firstMissing(wanted, tree);
        if (missing === undefined) return;
        assert.ok(tries < 50, `${name}: "${missing}" is heard, in its place, in\n${tree}`);
        await locator.page().waitForTimeout(100);
    }
}

/** What a screen reader finds, without what differs from run to run. */
async function heard(locator) {
    return (
        (await locator.ariaSnapshot())
            .replaceAll(/\d\d:\d\d/g, "00:00")
            .replaceAll(/\d\d-[A-Z][a-z]{2}-\d{4}/g, "01-Jan-2000")
            .replaceAll(/\d+ (?:min )?\d* ?s left|\d+ min left/g, "time left")
            .replaceAll("01-Jan-2000 00:00", "00:00")
            .replaceAll(/\(\d+y\)/g, "(age)")
            .replaceAll(/just now|\d+ min ago/g, "just now")
            // Who is registrar changes with the hour, and with that who is in the conversation, and in which order.
            .replaceAll(/text: .* joined$/gm, "text: The team joined")
            .replaceAll(stage.doctorName, "The registrar")
            .replaceAll(/task%3A[\w-]+/g, "task")
    );
}

/** The first of the wanted lines that is not there, in its place. */
function firstMissing(wanted, tree) {
    const lines = tree.split("\n").map((line) => line.trim());
    let at = 0;
    for (const line of wanted) {
        const found = lines.indexOf(line, at);
        if (found < 0) return line;
        at = found + 1;
    }
    return undefined;
}

feature("a nurse finds her patient, writes and asks with the keyboard alone", async () => {
    const { page } = nurse;
    await hears("places", page.getByRole("navigation", { name: "Places" }));
    await hears("patient", page.getByRole("region", { name: "Patient", exact: true }));
    await page.keyboard.press("Control+KeyK");
    await page.getByRole("dialog", { name: "Search" }).getByRole("searchbox").waitFor();
    await page.keyboard.type("okonkwo");
    await page
        .getByRole("dialog")
        .getByRole("button", { name: /OKONKWO/ })
        .waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Search" }).waitFor({ state: "detached" });
    await page.keyboard.press("Alt+KeyW");
    await page.keyboard.type("Blood pressure 82 systolic");
    await page.keyboard.press("Enter");
    await nurse.reads("Blood pressure 82 systolic");
    await announced(doctor, /^New message from Sister Grace Adeyemi: Blood pressure/);

    await page.keyboard.press("Alt+KeyA");
    const dialog = page.getByRole("dialog", { name: "Ask" });
    await dialog.waitFor();
    await tabTo(page, /^To/);
    await page.keyboard.type("Medical reg");
    await tabTo(page, /^(Action|Urgent)/);
    await page.keyboard.press("ArrowUp");
    await dialog.getByRole("radio", { name: "Urgent", checked: true }).waitFor();
    await tabTo(page, /^Situation/);
    await page.keyboard.type("Pressure falling after the line");
    await tabTo(page, /^Send request/);
    await nurse.look("99-ask-by-keyboard-desktop");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
});

feature("the registrar hears of it and answers without touching the screen", async () => {
    const { page } = doctor;
    const urgent = page.getByRole("alertdialog", { name: "Urgent request" });
    await announced(doctor, "New request from Sister Grace Adeyemi");
    await urgent.getByText("Pressure falling after the line").waitFor();
    await hears("urgent", urgent);
    await tabTo(page, /^Accept/);
    await page.keyboard.press("Enter");
    await urgent.waitFor({ state: "detached" });
    await nurse.shows(/^Accepted by/);
    await hears("message", page.getByRole("log", { name: "Messages" }));
    await hears("request", nurse.page.getByRole("article", { name: /^Urgent request/ }));
});

feature("what is said of others is read out once, and one's own words are not", async () => {
    await doctor.write("On my way up");
    await nurse.reads("On my way up");
    const said = nurse.page.locator(".announcer p", { hasText: "On my way up" });
    await said.waitFor({ state: "attached" });
    assert.equal(await said.count(), 1);
    assert.equal(await doctor.page.locator(".announcer p", { hasText: "On my way up" }).count(), 0);
});
