// The app around the conversation: its language, its lists, finding things again, duty.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage, bubble, choose, openPatient } from "./stage.mjs";
import { Window, desktop, windows } from "./windows.mjs";

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

/** Chooses from the menu of a conversation in the list. */
async function mark(window, title, item) {
    const button = window.page.getByRole("button", {
        name: new RegExp(`^More about the conversation .*${title}`, "i"),
    });
    await button.press("Enter");
    await window.page.getByRole("menuitem", { name: item, exact: true }).click();
}

const chat = (window, title) =>
    window.page.getByRole("region", { name: "Chats" }).getByRole("link", { name: new RegExp(title, "i") });

feature(
    "a conversation is pinned, muted, marked as unread and archived, and comes back from there",
    async () => {
        await nurse.goTo("Chats");
        await mark(nurse, "Hughes", "Pin to the top");
        await chat(nurse, "Hughes").getByText("Pinned").waitFor();
        assert.match(await nurse.page.locator(".chat").first().textContent(), /HUGHES/);
        await mark(nurse, "Okonkwo", "Mute, except what is urgent or names me");
        await chat(nurse, "Okonkwo").getByText("Muted").waitFor();
        await mark(nurse, "Nowak", "Mark as unread");
        await chat(nurse, "Nowak").getByText("Unread").waitFor();
        await nurse.look("76-chats-desktop");
        await mark(nurse, "Davies", "Archive");
        await chat(nurse, "Davies").waitFor({ state: "detached" });
        await nurse.page.getByRole("button", { name: "Archived" }).click();
        await chat(nurse, "Davies").waitFor();
        await nurse.look("77-archive-desktop");
        await mark(nurse, "Davies", "Take out of the archive");
        // The archive is empty and gone.
        await nurse.page.getByRole("button", { name: "All", exact: true, pressed: true }).waitFor();
        await chat(nurse, "Davies").waitFor();
        await chat(nurse, "Nowak").click();
        await chat(nurse, "Nowak").getByText("Unread").waitFor({ state: "detached" });
        await mark(nurse, "Okonkwo", "Unmute");
        await chat(nurse, "Okonkwo").getByText("Muted").waitFor({ state: "detached" });
    },
);

feature("a finger that rests on a conversation opens its menu", async () => {
    await doctor.goTo("Chats");
    const client = await doctor.context.newCDPSession(doctor.page);
    const item = doctor.page.getByRole("menuitem", { name: "Pin to the top" });
    // The list may still be moving when a finger comes down: it rests again then.
    for (let tries = 1; ; tries++) {
        await chat(doctor, "Okonkwo").evaluate((row) => row.scrollIntoView({ block: "center" }));
        const box = await chat(doctor, "Okonkwo").boundingBox();
        const at = { x: box.x + 60, y: box.y + box.height / 2 };
        await client.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [at] });
        const opened = await item.waitFor({ timeout: 5_000 }).then(
            () => true,
            () => false,
        );
        await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
        if (opened) break;
        assert.ok(tries < 5, "the menu opens");
    }
    await doctor.look("78-chat-menu-phone-dark");
    await item.click();
    await chat(doctor, "Okonkwo").getByText("Pinned").waitFor();
});

feature("a group is started, renamed, given another administrator, and left", async () => {
    await nurse.page.getByRole("button", { name: "New conversation" }).click();
    await nurse.page.getByRole("button", { name: "New group" }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "New group" });
    await dialog.getByRole("button", { name: "Start the group" }).click();
    await dialog.getByRole("alert").getByText("Give the group a name").waitFor();
    await dialog.getByLabel("Name of the group").fill("Night team");
    for (const name of [stage.doctorName, "Megan Evans"]) {
        await dialog.getByLabel("Find a colleague").fill(name.split(" ").at(-1));
        await dialog.getByRole("button", { name: new RegExp(name) }).click();
    }
    await dialog.getByText("2 chosen").waitFor();
    await nurse.look("79-new-group-desktop");
    await dialog.getByRole("button", { name: "Start the group" }).click();
    await nurse.page.getByRole("heading", { name: "Night team" }).waitFor();
    await doctor.page.getByRole("button", { name: "Accept" }).click();
    await doctor.page.getByRole("heading", { name: "Night team" }).waitFor();

    await nurse.page.getByRole("button", { name: "People in this conversation" }).click();
    const people = nurse.page.getByRole("dialog", { name: "People in this conversation" });
    await people.getByLabel("Name of the group").fill("Night team, Nightingale");
    await people.getByRole("button", { name: "Save the name" }).click();
    await doctor.page.getByRole("heading", { name: "Night team, Nightingale" }).waitFor();
    await people.getByRole("button", { name: `More about ${stage.doctorName}` }).click();
    await nurse.page.getByRole("menuitem", { name: `Make ${stage.doctorName} an administrator` }).click();
    await people.getByText("Administrator").nth(1).waitFor();
    await people.getByRole("button", { name: /^More about .*Evans/ }).click();
    await nurse.page.getByRole("menuitem", { name: /^Remove/ }).click();
    await people.getByRole("button", { name: "Remove", exact: true }).click();
    await people.getByText(/Megan Evans/).waitFor({ state: "detached" });
    await people.getByRole("button", { name: "Leave this group" }).click();
    await nurse.look("80-group-desktop");
    await people.getByRole("alertdialog").getByRole("button", { name: "Leave" }).click();
    await nurse.page.getByRole("link", { name: /Night team/ }).waitFor({ state: "detached" });
    await doctor.page.getByRole("button", { name: "People in this conversation" }).click();
    await doctor.page.getByRole("button", { name: "Add people" }).waitFor();
    await doctor.look("81-group-phone-dark");
    await doctor.page.getByRole("button", { name: "Close" }).click();
});

/** Opens the search over everything and types. */
async function look(window, words) {
    await window.page.getByRole("button", { name: "Search", exact: true }).click();
    const dialog = window.page.getByRole("dialog", { name: "Search" });
    await dialog.getByRole("searchbox").fill(words);
    return dialog;
}

const messages = (dialog) => dialog.getByRole("region", { name: "Messages" });

feature(
    "people, roles, patients, conversations and encrypted messages are found from one place",
    async () => {
        await openPatient(nurse);
        await nurse.write("Lactate 4.1 and rising, Siân informed");
        await nurse.reads("Lactate 4.1 and rising, Siân informed");
        for (let n = 1; n <= 40; n++) await nurse.write(`Round ${n}`);
        await nurse.reads("Round 40");
        await nurse.goTo("Chats");

        const dialog = await look(nurse, "registrar");
        await dialog
            .getByRole("region", { name: "Roles" })
            .getByRole("button", { name: /Medical registrar/ })
            .waitFor();
        await nurse.look("82-search-desktop");
        await dialog.getByRole("searchbox").fill("999 000 0069");
        await dialog
            .getByRole("region", { name: "Patients" })
            .getByRole("button", { name: /OKONKWO/ })
            .waitFor();
        await dialog.getByRole("searchbox").fill("sian lactate");
        await messages(dialog).getByText("Lactate", { exact: true }).waitFor();
        await nurse.look("83-search-message-desktop");
        // By keyboard alone: down to the hit, and there.
        await dialog.getByRole("searchbox").press("ArrowDown");
        await nurse.page.keyboard.press("Enter");
        await nurse.page.locator(".bubble:focus", { hasText: "Siân informed" }).waitFor();

        await doctor.goTo("Chats");
        const his = await look(doctor, "evans");
        await his
            .getByRole("region", { name: "People" })
            .getByRole("button", { name: /Megan Evans/ })
            .waitFor();
        await doctor.look("84-search-phone-dark");
        await his.getByRole("searchbox").fill("lactate");
        await messages(his).getByRole("button").first().waitFor();
        await doctor.look("85-search-message-phone-dark");
        await his.getByRole("button", { name: "Close" }).click();
    },
);

feature(
    "what was changed is found as it reads now, and what was deleted never, after a reload too",
    async () => {
        await choose(nurse, "Lactate 4.1", "Edit");
        await nurse.page.getByLabel("Write a message").fill("Lactate 2.9 and falling");
        await nurse.page.keyboard.press("Enter");
        await nurse.reads("Lactate 2.9 and falling");
        await nurse.write("Wrong patient entirely");
        await nurse.reads("Wrong patient entirely");
        const found = async (window, words) => {
            const dialog = await look(window, words);
            await dialog
                .getByRole("status")
                .getByText("Nothing was found.")
                .or(messages(dialog))
                .first()
                .waitFor();
            const count = await messages(dialog).getByRole("button").count();
            await dialog.getByRole("button", { name: "Close" }).click();
            return count;
        };
        await nurse.goTo("Chats");
        await nurse.page.getByRole("link", { name: /Okonkwo/i }).click();
        assert.equal(await found(nurse, "entirely"), 1);
        await choose(nurse, "Wrong patient entirely", "Delete");
        await nurse.page.getByRole("button", { name: "Delete for everybody" }).click();
        await bubble(nurse, "Wrong patient entirely").waitFor({ state: "detached" });
        assert.equal(await found(nurse, "entirely"), 0, "deleted here");
        // The other device hears of it with its next answer from the server.
        await doctor.page
            .getByRole("link", { name: /Okonkwo/i })
            .getByText("This message was deleted")
            .waitFor();
        assert.equal(await found(doctor, "entirely"), 0, "deleted there");
        assert.equal(await found(doctor, "rising"), 0, "what it said before");
        assert.equal(await found(doctor, "falling"), 1, "what it says now");
        await nurse.page.reload();
        await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
        assert.equal(await found(nurse, "entirely"), 0, "deleted, after a reload");
        assert.equal(await found(nurse, "falling"), 1, "there, after a reload");
    },
);

/** The greeting was gone to: it has the focus, and is in view. */
async function arrives(window) {
    const there = window.page.locator(".bubble:focus", { hasText: "Bore da" });
    await there.waitFor();
    const [top, bottom] = await there.evaluate((bubble) => {
        const list = bubble.closest("[role=log]").getBoundingClientRect();
        const box = bubble.getBoundingClientRect();
        return [box.top - list.top, list.bottom - box.bottom];
    });
    assert.ok(top >= 0 && bottom >= 0, `it is in view (${top} below the top, ${bottom} above the end)`);
}

feature("words are found in the open conversation, and gone to", async () => {
    await openPatient(nurse);
    await nurse.page.getByRole("button", { name: "Find in this conversation" }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "Find in this conversation" });
    await dialog.getByLabel("Find words").fill("bore");
    const found = dialog.getByRole("button", { name: /Bore da/ });
    await found.waitFor();
    await nurse.look("86-find-words-desktop");
    await found.click();
    await arrives(nurse);
});

feature("somebody new finds what was said before they came, by reading back", async () => {
    const second = await Window.open(stage.browser, stage.server.url, desktop);
    await second.signIn("grace.adeyemi");
    await me(second).then((dialog) => dialog.getByText(/Earlier messages can be read/).waitFor());
    await second.page.getByRole("button", { name: "Close" }).click();
    const dialog = await look(second, "bore da");
    await messages(dialog).getByRole("button").first().click();
    await arrives(second);
    await second.context.close();
    windows.splice(windows.indexOf(second), 1);
});
