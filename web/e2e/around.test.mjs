// The app around the conversation: its language, its lists, finding things again, duty.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage, openPatient } from "./stage.mjs";

const stage = new Stage("around");
const feature = stage.feature.bind(stage);
let nurse;
let doctor;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
});
after(() => stage.close());

/** Opens the person's own screen. */
async function me(window, name = /^(Me|Fi):/) {
    await window.page.getByRole("button", { name }).click();
    return window.page.getByRole("dialog", { name: /^(Me|Fi)$/ });
}

feature("the app speaks Welsh at once, and again after a reload, without losing its place", async () => {
    await nurse.write("Bore da");
    const dialog = await me(nurse);
    await dialog.getByRole("radio", { name: "Cymraeg" }).click();
    await nurse.page.getByRole("heading", { level: 1, name: "Cleifion" }).waitFor();
    await nurse.page.getByRole("region", { name: "Sgwrs" }).getByText("Bore da").waitFor();
    assert.equal(await nurse.page.locator("html").getAttribute("lang"), "cy-GB");
    await nurse.look("70-welsh-desktop");
    await nurse.page.reload();
    for (const [place, picture] of [
        ["Sgyrsiau", "71-welsh-chats-desktop"],
        ["Ar alwad", "72-welsh-on-call-desktop"],
        ["Ceisiadau", "73-welsh-requests-desktop"],
    ]) {
        const places = nurse.page.getByRole("navigation", { name: "Lleoedd" });
        await places.getByRole("link", { name: place }).click();
        await nurse.page.getByRole("heading", { level: 1, name: place }).waitFor();
        await nurse.look(picture);
    }
    const fi = await me(nurse);
    await nurse.look("74-welsh-me-desktop");
    await fi.getByRole("radio", { name: "English" }).click();
    await nurse.page.getByRole("heading", { level: 1, name: "Requests" }).waitFor();
    await openPatient(nurse);
});

feature("right to left, the screens are mirrored and nothing is cut off", async () => {
    for (const [window, name] of [
        [nurse, "desktop"],
        [doctor, "phone-dark"],
    ]) {
        const { page } = window;
        await page.evaluate(() => (document.documentElement.dir = "rtl"));
        await window.look(`75-right-to-left-${name}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `nothing to scroll sideways (${overflow} px)`);
        const [own, other] = await page.evaluate(() => {
            const middle = (element) => {
                const { left, right } = element.getBoundingClientRect();
                return (left + right) / 2 / innerWidth;
            };
            const bubble = document.querySelector(".bubble--own, .bubble");
            return [bubble.classList.contains("bubble--own"), middle(bubble)];
        });
        const list = name === "desktop" ? 0.35 : 0.5;
        assert.ok(own ? other < list : other > list, "one's own words stand at the end of the line");
        await page.evaluate(() => document.documentElement.removeAttribute("dir"));
    }
});
