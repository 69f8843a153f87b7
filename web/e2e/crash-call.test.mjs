// A crash call to a team of six, each at a screen of their own, and the same as a drill.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";
import { textOf } from "./paper.mjs";
import { artefacts } from "./places.mjs";
import { Stage } from "./stage.mjs";
import { desktop, medicalRegistrar, phone, windows } from "./windows.mjs";

const place = "Main entrance, by the lift";
const more = "Please bring the difficult airway trolley";

const stage = new Stage("crash-call");
const part = stage.feature.bind(stage);
const { server } = stage;
let nurse;
/** The team by role. */
const team = {};

before(() => stage.serve());
after(() => stage.close());

/** Someone's board: the dialog, and the line of a role in it. */
const board = (window) => window.page.getByRole("dialog", { name: /Crash call 2222/ });
const line = (window, role) => board(window).getByRole("listitem").filter({ hasText: role });

async function pdf(window, name) {
    const [download] = await Promise.all([
        window.page.waitForEvent("download"),
        board(window).getByRole("button", { name: "Report (PDF)" }).click(),
    ]);
    const file = join(artefacts, `${name}.pdf`);
    await download.saveAs(file);
    return textOf(file);
}

part("seven people are at their screens", async () => {
    nurse = await stage.person("grace.adeyemi", desktop);
    const registrar = await medicalRegistrar(nurse);
    const people = [
        ["Medical registrar", registrar.user, phone],
        ["Ward doctor, medicine", "yusuf.rahman", phone],
        ["Surgical registrar", "hannah.whitfield", { ...phone, colorScheme: "dark" }],
        ["Ward doctor, surgery", "chloe.bennett", phone],
        ["Consultant physician on call", "margaret.oconnor", desktop],
        ["Critical care outreach", "samuel.mbeki", { ...phone, viewport: { width: 360, height: 740 } }],
    ];
    for (const [role, user, device] of people) {
        team[role] = await stage.person(user, device);
    }
});

part("one action, from the keyboard alone, calls all six, over everything on their screens", async () => {
    const { page } = nurse;
    const button = page.getByRole("button", { name: "Crash call" });
    await nurse.look("calls-01-on-call-desktop");
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Crash call" });
    await dialog.getByText("Consultant physician on call:").waitFor();
    // Nothing is called without a place.
    await dialog.getByRole("button", { name: "Call the team now" }).focus();
    await page.waitForTimeout(600);
    await page.keyboard.press("Enter");
    await dialog.getByText("Say where the team is to come to").waitFor();
    await page.keyboard.type(place);
    await dialog.getByLabel("What else the team should know").fill(more);
    await nurse.look("calls-02-dialog-desktop");
    await dialog.getByRole("button", { name: "Call the team now" }).focus();
    await page.keyboard.press("Enter");
    await board(nurse).getByText("0 of 6 coming").waitFor();
    await Promise.all(
        Object.values(team).map(async (window) => {
            const card = window.page.getByRole("alertdialog", { name: "Crash call" });
            await card.getByText(place).waitFor();
            await card.getByText(more).waitFor();
        }),
    );
    await team["Critical care outreach"].look("calls-03-card-phone-360");
    await team["Surgical registrar"].look("calls-04-card-phone-dark");
    await team["Consultant physician on call"].look("calls-05-card-desktop");
});

part("who comes is seen by the caller and by everybody who was called", async () => {
    const answer = (role, name) =>
        team[role].page
            .getByRole("alertdialog", { name: "Crash call" })
            .getByRole("button", { name, exact: true })
            .click();
    const coming = Object.keys(team).filter((role) => role !== "Surgical registrar");
    for (const role of coming) await answer(role, "On my way");
    await answer("Surgical registrar", "Cannot come");
    // In her place the site manager is asked, who is at no screen.
    await board(nurse).getByText("5 of 7 coming").waitFor();
    await line(nurse, "Surgical registrar").getByText("Cannot come").waitFor();
    await line(nurse, "Site manager").getByText("Called").waitFor();
    const registrar = team["Medical registrar"];
    await board(registrar).getByRole("button", { name: "I have arrived" }).click();
    for (const window of [nurse, ...coming.map((role) => team[role])]) {
        await line(window, "Medical registrar").getByText("Is there").waitFor();
        await line(window, "Ward doctor, surgery").getByText("On the way").waitFor();
        await board(window).getByText("5 of 7 coming").waitFor();
    }
    await nurse.look("calls-06-board-desktop");
    await registrar.look("calls-07-board-phone");
    await team["Critical care outreach"].look("calls-08-board-phone-360");
});

part("the call is ended, for all at once, and reported", async () => {
    await board(nurse).getByRole("button", { name: "End the call" }).click();
    await board(nurse).getByRole("button", { name: "Yes, end it" }).click();
    await board(nurse)
        .getByText(/Ended by Sister Grace Adeyemi/)
        .waitFor();
    const registrar = team["Medical registrar"];
    await board(registrar)
        .getByText(/Ended by/)
        .waitFor();
    const text = await pdf(nurse, "calls-report");
    assert.match(text, /Crash call report: Crash call 2222/);
    assert.match(text, /Main entrance, by the lift/);
    assert.match(text, /Called by\s+Sister Grace Adeyemi/);
    assert.match(text, /Came or are coming\s+5/);
    assert.match(text, /Cannot come\s+1/);
    for (const role of Object.keys(team)) assert.ok(text.includes(role.slice(0, 12)), `${role}: ${text}`);
    assert.doesNotMatch(text, /DRILL|airway/, "and not what was said in confidence");
    for (const window of windows) await window.page.keyboard.press("Escape");
});

part("a drill, called in a patient's conversation, says so everywhere", async () => {
    const { page } = nurse;
    await nurse.goTo("Patients");
    await page.getByRole("link", { name: /Okonkwo/i }).click();
    await page
        .getByRole("region", { name: "Conversation" })
        .getByRole("button", { name: "Crash call" })
        .click();
    const dialog = page.getByRole("dialog", { name: /rash call/ });
    assert.match(await dialog.getByLabel("Where to come to").inputValue(), /ward/i, "the bed is known");
    await dialog.getByLabel(/This is a drill/).check();
    await nurse.look("calls-09-drill-dialog-desktop");
    await page.waitForTimeout(600);
    await dialog.getByRole("button", { name: "Call the team (drill)" }).click();
    await page.getByRole("dialog", { name: /^DRILL: Crash call/ }).waitFor();
    const phoneOf = team["Medical registrar"];
    const card = phoneOf.page.getByRole("alertdialog", { name: "DRILL: crash call" });
    await card.getByText("This is a drill. It is not an emergency.").waitFor();
    await phoneOf.look("calls-10-drill-card-phone");
    await card.getByRole("button", { name: "On my way" }).click();
    await page
        .getByRole("dialog", { name: /^DRILL/ })
        .getByText(/1 of \d coming/)
        .waitFor();
    await nurse.look("calls-11-drill-board-desktop");
    await page.keyboard.press("Escape");
    await page.getByRole("list", { name: "Calls that go on" }).getByText("DRILL").waitFor();
    await nurse.look("calls-12-drill-bar-desktop");
    await page.getByRole("button", { name: "Who comes" }).click();
    const text = await pdf(nurse, "calls-drill-report");
    assert.match(text, /DRILL/);
    assert.match(text, /preliminary/);
    await board(nurse).getByRole("button", { name: "End the call" }).click();
    await board(nurse).getByRole("button", { name: "Yes, end it" }).click();
    await board(nurse)
        .getByText(/Ended by/)
        .waitFor();
});

part("nothing of it stands in clear on the server, and nothing went wrong", () => {
    for (const window of windows) assert.deepEqual(window.problems, []);
    assert.deepEqual(server.findInClear(["airway trolley", place, "Okonkwo"]), []);
});
