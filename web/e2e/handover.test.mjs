// Two stories of the clinical core in real windows, on a clock that was set: what happens at eight in the evening, and how
// two records of one patient become one.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask } from "./requests.mjs";
import { Stage, openPatient } from "./stage.mjs";
import { desktop, phone, windows } from "./windows.mjs";

/** A winter evening: the clocks of the hospital are those of UTC. */
const evening = "2026-11-25T19:40:00.000Z";
const beforeEight = "2026-11-25T19:59:50.000Z";
const words = {
    before: "He is drowsier than at lunch",
    urgent: "Systolic 84 and falling",
    after: "Written after the day registrar went home",
    other: "Wound review is due tomorrow",
};
const stage = new Stage("handover");
const part = stage.feature.bind(stage);
const { server } = stage;
const at = (clock) => (user, device) => stage.person(user, { ...device, clock });
const open = at(evening);
/** A ward sister, the day's medical registrar, the night's, the site manager. */
let nurse;
let day;
let night;
let manager;

before(async () => {
    await stage.serve({ imports: ["core.json", "quiet.toml"], at: evening });
    nurse = await open("grace.adeyemi", desktop);
    day = await open("priya.raman", phone);
    manager = await open("dev.patel", desktop);
    await Promise.all([openPatient(nurse), openPatient(day)]);
});

after(() => stage.close());

function row(window, role) {
    return window.page.getByRole("listitem").filter({ hasText: role }).first();
}

part("in the evening an urgent request is open with the day's registrar", async () => {
    await nurse.write(words.before);
    await day.reads(words.before);
    await ask(nurse, "Urgent", words.urgent, 600);
    const urgent = day.page.getByRole("alertdialog", { name: "Urgent request" });
    await urgent.getByText(words.urgent).waitFor();
    await urgent.getByRole("button", { name: "Accept", exact: true }).click();
    await nurse.shows(/^Accepted by Dr Priya Raman/);
    await nurse.goTo("On call");
    await row(nurse, "Clinical pharmacist").getByText("Li Na Chen").waitFor();
    await nurse.look("80-before-eight-desktop");
});

part("at eight the night's registrar holds the role, is asked anew, and reads what was said", async () => {
    await server.stop();
    for (const { page } of windows) await page.clock.setSystemTime(new Date(beforeEight));
    await server.start({ at: beforeEight });
    night = await at(beforeEight)("daniel.osei", { ...phone, colorScheme: "dark" });
    const urgent = night.page.getByRole("alertdialog", { name: "Urgent request" });
    await urgent.getByText(words.urgent).waitFor();
    await night.look("81-night-urgent-phone-dark");
    await urgent.getByRole("button", { name: "Accept", exact: true }).click();
    await night.readsBack(words.before);
    await night.look("82-night-conversation-phone-dark");
    await row(nurse, "Medical registrar").getByText("Dr Daniel Osei").waitFor();
});

part("the day's registrar has left, and what comes after is not for them", async () => {
    await openPatient(nurse);
    await nurse.write(words.after);
    await night.reads(words.after);
    await day.page.getByText("This conversation is not available").waitFor();
    await day.look("83-day-has-left-phone");
    await day.goTo("Chats");
    assert.equal(await day.page.getByText(words.after).count(), 0);
    await day.goTo("Requests");
    await day.shows("Nothing is asked of you.");
});

part(
    "the pharmacist's role is vacant since eight: red to everybody, and the site manager is asked",
    async () => {
        const urgent = manager.page.getByRole("alertdialog", { name: "Urgent request" });
        await urgent
            .getByText(/Clinical pharmacist/)
            .first()
            .waitFor();
        await manager.look("84-vacancy-desktop");
        await urgent.getByRole("button", { name: "Accept", exact: true }).click();
        await nurse.goTo("On call");
        await row(nurse, "Clinical pharmacist").getByText("Nobody holds this role").waitFor();
        await nurse.look("85-vacancy-board-desktop");
        // Whoever takes the role ends the alarm.
        await manager.goTo("On call");
        await manager.page.getByRole("link", { name: /^Clinical pharmacist/ }).click();
        await manager.page.getByRole("button", { name: "Take this role" }).click();
        await manager.page.getByRole("button", { name: "Take this role" }).click();
        await manager.page
            .getByRole("region", { name: "Clinical pharmacist", exact: true })
            .getByText("Dev Patel (You)")
            .waitFor();
        await manager.goTo("Requests");
        await manager.shows("Cancelled");
    },
);

/** Goes up in the open conversation with the keys until `text` is drawn. */
async function upTo(window, text) {
    const log = window.page.getByRole("log");
    const wanted = log.getByText(text).first();
    await log.focus();
    for (let pages = 0; pages < 200 && !(await wanted.isVisible()); pages++) {
        await log.press("PageUp");
        await window.page.waitForTimeout(50);
    }
    assert.ok(await wanted.isVisible(), `${text} is found going up`);
}

part("two records of one patient are joined: one conversation goes on, nothing is lost", async () => {
    await openPatient(nurse, "Nowak");
    await nurse.write(words.other);
    await openPatient(night, "Nowak");
    await night.reads(words.other);
    await server.stop();
    server.import(new URL("merge.hl7", import.meta.url).pathname);
    await server.start({ at: "2026-11-25T20:10:00.000Z" });

    // In the ended conversation: that it has ended, where it goes on, and everything that was said.
    const { page } = nurse;
    await page.getByText(/^Two records of this patient were joined\. Nothing more/).waitFor();
    await nurse.reads(words.other);
    assert.equal(await page.getByLabel("Write a message").count(), 0);
    await nurse.look("86-ended-desktop");
    await page.getByRole("link", { name: "Go to the patient's conversation" }).first().click();

    // In the other: both histories in one place, one above the other, by keyboard alone.
    await nurse.shows(/OKONKWO/);
    await nurse.shows(/What was said of the other can still be read there/);
    await upTo(nurse, /^Above: the patient's other conversation, joined to this one at/);
    await nurse.look("87-joined-desktop");
    await upTo(nurse, words.other);
    const bubble = page.locator(".bubble", { hasText: words.other });
    assert.equal(await bubble.getByRole("button", { name: /^More about/ }).count(), 0, "it is only read");
    await nurse.look("88-both-histories-desktop");
    await page.getByRole("log").press("End");
    await page.getByLabel("Write a message").waitFor();
    await upTo(nurse, words.after);
    // The older one can be opened by itself, too.
    await page.getByRole("link", { name: "Read what was written there" }).click();
    await page.getByText(/^Two records of this patient were joined\. Nothing more/).waitFor();
    await nurse.reads(words.other);
    await openPatient(night);
    await night.readsBack(words.before);
    await upTo(night, words.other);
    await night.look("89-joined-phone-dark");
    await night.goTo("Patients");
    assert.equal(await night.page.getByText(/NOWAK/).count(), 0);
});

part("the audit is whole", async () => {
    await server.stop();
    server.verifyAudit();
});
