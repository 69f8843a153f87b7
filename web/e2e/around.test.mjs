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
    const box = await chat(doctor, "Okonkwo").boundingBox();
    const at = { x: box.x + 60, y: box.y + box.height / 2 };
    const client = await doctor.context.newCDPSession(doctor.page);
    await client.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [at] });
    await doctor.page.getByRole("menuitem", { name: "Pin to the top" }).waitFor();
    await client.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await doctor.look("78-chat-menu-phone-dark");
    await doctor.page.getByRole("menuitem", { name: "Pin to the top" }).click();
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
