// A long conversation: where it opens, what is answered, named, pinned, passed on and found again.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage, bubble, choose, menu, openPatient } from "./stage.mjs";

const stage = new Stage("conversation");
const feature = stage.feature.bind(stage);
let nurse;
let doctor;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
});
after(() => stage.close());

/** How many messages are drawn. */
function drawn(window) {
    return window.page.locator(".bubble").count();
}

feature(
    "a conversation opens at the first message that was not seen, and draws only what is near",
    async () => {
        await nurse.write("Round begins");
        await doctor.reads("Round begins");
        await doctor.goTo("Chats");
        for (let n = 1; n <= 80; n++) await nurse.write(`Observation ${n}`);
        await nurse.reads("Observation 80");
        assert.ok((await drawn(nurse)) < 60, "what is far away is not drawn");
        assert.equal(await nurse.page.getByText("Round begins").count(), 0);

        await doctor.page.getByText("Observation 80").first().waitFor();
        await openPatient(doctor);
        await doctor.reads("Observation 1");
        await doctor.page.getByRole("log").getByText("New messages", { exact: true }).waitFor();
        assert.equal(await doctor.page.getByText("Observation 80", { exact: true }).count(), 0);
        await doctor.look("40-unread-phone-dark");
        // What has not been on the screen has not been seen.
        assert.equal(await nurse.page.getByRole("button", { name: /^Seen by/ }).count(), 0);
        await doctor.page.getByRole("button", { name: "New messages" }).click();
        await doctor.reads("Observation 80");
        await nurse.page
            .getByRole("button", { name: /^Seen by/ })
            .first()
            .waitFor();
        await doctor.page.getByRole("log").evaluate((log) => log.scrollTo(0, 0));
        await doctor.reads("Round begins");
    },
);

feature("what is new stays in view at the end, and the place is kept elsewhere", async () => {
    await nurse.page.getByRole("log").evaluate((log) => log.scrollTo(0, log.scrollHeight / 2));
    await nurse.page.getByRole("button", { name: "New messages" }).waitFor();
    // Something in the middle of the screen, once it is drawn.
    const found = await nurse.page.waitForFunction(() => {
        const inView = (element) => {
            const { top } = element.getBoundingClientRect();
            return top > 250 && top < 550;
        };
        const texts = [...document.querySelectorAll(".bubble p.bubble__text")];
        return texts.find(inView)?.textContent;
    });
    const words = await found.jsonValue();
    const before = (await nurse.page.getByText(words, { exact: true }).boundingBox()).y;
    await doctor.write("While you were reading");
    await nurse.page.getByRole("button", { name: "New messages" }).waitFor();
    const now = (await nurse.page.getByText(words, { exact: true }).boundingBox()).y;
    assert.ok(Math.abs(now - before) < 3, `what is read does not move (${before} to ${now})`);
    await nurse.page.getByRole("button", { name: "New messages" }).click();
    await nurse.reads("While you were reading");
});

/** Opens a thread; a press is lost when the list moves on under it, as under a finger. */
async function unfold(button) {
    do await button.click();
    while ((await button.getAttribute("aria-expanded")) !== "true");
}

feature("an answer in a thread is folded under its message and opens there", async () => {
    await nurse.write("Who takes the family meeting?");
    await doctor.reads("Who takes the family meeting?");
    await choose(doctor, "Who takes the family meeting?", "Answer in a thread");
    await doctor.page.getByText(/^Answer in a thread to/).waitFor();
    await doctor.write("I can at four");
    const fold = nurse.page.getByRole("button", { name: /^1 answer in a thread/ });
    await fold.waitFor();
    // It is announced, but not shown.
    assert.equal(await nurse.page.getByRole("log").getByText("I can at four").count(), 0);
    await unfold(fold);
    await nurse.reads("I can at four");
    await nurse.page.getByRole("button", { name: "Answer in this thread" }).click();
    await nurse.write("Thank you, room 3");
    await unfold(doctor.page.getByRole("button", { name: /^2 answers in a thread/ }));
    await doctor.reads("Thank you, room 3");
    await doctor.look("41-thread-phone-dark");
    await nurse.look("42-thread-desktop");
});

feature("people and roles are named, and the name is marked", async () => {
    const field = nurse.page.getByLabel("Write a message");
    await field.pressSequentially("Please see him, @med");
    const list = nurse.page.getByRole("listbox", { name: "People and roles" });
    await list.getByRole("option", { name: /^Medical registrar/ }).waitFor();
    await nurse.look("43-mention-desktop");
    await field.press("Enter");
    await nurse.page.waitForFunction(
        (area) => area.value.includes("@Medical registrar "),
        await field.elementHandle(),
    );
    await field.pressSequentially("today");
    await field.press("Enter");
    await bubble(doctor, "Please see him")
        .locator("strong.mention", { hasText: "@Medical registrar" })
        .waitFor();
});

feature("a link says where it leads before it opens", async () => {
    await nurse.write("See https://bnf.nice.org.uk@evil.example/x.");
    await bubble(doctor, "See https").getByRole("link").click();
    const dialog = doctor.page.getByRole("dialog", { name: "Open this link?" });
    await dialog.getByText("evil.example", { exact: true }).waitFor();
    await dialog.getByText(/made to look like another/).waitFor();
    await doctor.look("44-link-phone-dark");
    await dialog.getByRole("button", { name: "Cancel" }).click();
});

feature("a message is pinned for everybody, and found again from the top", async () => {
    await nurse.page.getByRole("log").evaluate((log) => log.scrollTo(0, 0));
    await nurse.reads("Round begins");
    await choose(nurse, "Round begins", "Pin to the top");
    const bar = doctor.page.getByRole("complementary", { name: "Pinned messages" });
    await bar.getByText("Round begins").waitFor();
    await doctor.page.getByRole("log").evaluate((log) => log.scrollTo(0, log.scrollHeight));
    await doctor.look("45-pinned-phone-dark");
    await bar.getByRole("button", { name: /^Go to the pinned message/ }).click();
    await doctor.page.locator(".bubble:focus", { hasText: "Round begins" }).waitFor();
    await bar.getByRole("button", { name: "Show the pinned message" }).click();
    await doctor.page.getByRole("dialog").getByRole("button", { name: "Unpin" }).click();
    await nurse.page.getByRole("complementary", { name: "Pinned messages" }).waitFor({ state: "detached" });
    // With the last pin the bar goes, and the list of pins with it.
    await doctor.page.getByRole("dialog").waitFor({ state: "detached" });
});

feature("a message is passed on after a look at where it goes", async () => {
    await nurse.write("Allergic to penicillin");
    await nurse.reads("Allergic to penicillin");
    await choose(nurse, "Allergic to penicillin", "Forward");
    const dialog = nurse.page.getByRole("dialog", { name: "Forward" });
    await dialog.getByLabel("Find a conversation").fill("Hughes");
    await dialog
        .getByRole("button", { name: /Hughes/i })
        .first()
        .click();
    await dialog.getByText(/^Send this to/).waitFor();
    await dialog.getByRole("button", { name: "Forward" }).click();
    await dialog.waitFor({ state: "detached" });
    await openPatient(nurse, "Hughes");
    await nurse.reads("Allergic to penicillin");
    await bubble(nurse, "Allergic to penicillin").getByText("Forwarded").waitFor();
    await openPatient(nurse);
});

feature("a day is gone to, and a quoted message", async () => {
    await nurse.page.getByRole("button", { name: "Find in this conversation" }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "Find in this conversation" });
    const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/London" }).format(new Date());
    await dialog.getByLabel("Go to a day").fill(today);
    await dialog.getByRole("button", { name: "Go to this day" }).click();
    await nurse.reads("Round begins");
    await (await menu(nurse, "Round begins")).getByRole("menuitem", { name: "Reply", exact: true }).click();
    await nurse.write("Noted");
    await nurse.reads("Noted");
    await bubble(nurse, "Noted")
        .getByRole("button", { name: /^In answer to/ })
        .click();
    await nurse.page.locator(".bubble:focus", { hasText: "Round begins" }).waitFor();
});

/** Opens a window's conversation anew; what opens messages does not arrive before `arrive` is called. */
async function openSlowly(window) {
    const address = window.page.url();
    await window.page.waitForFunction(async () => {
        const asked = (request) =>
            new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
        const vault = await asked(indexedDB.open("wardline-vault"));
        const kept = await asked(vault.transaction("records").objectStore("records").getKey("glance"));
        vault.close();
        return kept !== undefined;
    });
    await window.context.addInitScript(() => {
        const { instantiateStreaming } = WebAssembly;
        const arrived = new Promise((resolve) => (globalThis.arrive = resolve));
        WebAssembly.instantiateStreaming = async (...all) => {
            await arrived;
            return instantiateStreaming(...all);
        };
    });
    await window.page.close();
    await window.show(address);
    await window.page.getByLabel("Write a message").click();
}

const arrive = ({ page }) => page.evaluate(() => globalThis.arrive());

feature("one writes before the messages can be read, and goes on where one was", async () => {
    for (const window of [nurse, doctor]) {
        await window.goTo("Chats");
        await window.page.getByRole("link", { name: /Okonkwo.*Noted/i }).click();
        await window.reads("Noted");
    }
    await openSlowly(nurse);
    await nurse.page.keyboard.type("Said at once");
    await nurse.look("48-opening-desktop");
    await nurse.page.keyboard.press("Enter");
    await nurse.page.getByRole("status").getByText("Sent as soon as the conversation is open").waitFor();
    assert.equal(await nurse.page.locator(".bubble").count(), 0);
    await arrive(nurse);
    await nurse.reads("Said at once");
    await nurse.page.waitForFunction((field) => field.value === "", await nurse.page.$("textarea"));
    await doctor.reads("Said at once");

    await openSlowly(doctor);
    await doctor.page.keyboard.type("Begun early, ");
    await arrive(doctor);
    await doctor.reads("Said at once");
    await doctor.page.keyboard.type("ended late");
    await doctor.page.getByRole("button", { name: "Send", exact: true }).click();
    await nurse.reads("Begun early, ended late");
});
