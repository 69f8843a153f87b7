// A person's own screen and what stands around the work: duty, the test of the device, help, the first minute.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage } from "./stage.mjs";
import { Window, phone, windows } from "./windows.mjs";

const stage = new Stage("me");
const feature = stage.feature.bind(stage);
let nurse;
let doctor;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
    await doctor.goTo("Chats");
});
after(() => stage.close());

/** Opens the person's own screen. */
async function me(window) {
    await window.page.getByRole("button", { name: /^Me:/ }).click();
    return window.page.getByRole("dialog", { name: "Me", exact: true });
}

feature("whoever writes to somebody off duty is told so, and who covers, before they send", async () => {
    const dialog = await me(doctor);
    // Whoever holds a role cannot just go: the refusal is told in words.
    await dialog.getByRole("radio", { name: /^Off duty/ }).click();
    await dialog.getByRole("button", { name: "Save duty" }).click();
    await dialog
        .getByRole("alert")
        .getByText(/you hold a role/)
        .waitFor();
    await dialog.getByRole("radio", { name: /^Busy/ }).click();
    await dialog.getByRole("button", { name: "Save duty" }).click();
    await dialog
        .getByText("Saved.")
        .or(dialog.getByRole("radio", { name: /^Busy/, checked: true }))
        .first()
        .waitFor();
    await doctor.look("87-me-duty-phone-dark");
    const wider = await dialog.evaluate((element) => element.scrollWidth - element.clientWidth);
    assert.ok(wider <= 0, `nothing to scroll sideways in it (${wider} px)`);
    await dialog.getByRole("button", { name: "Close" }).click();

    const megan = await Window.open(stage.browser, stage.server.url, {
        ...phone,
        viewport: { width: 320, height: 640 },
    });
    await megan.signIn("megan.evans");
    const hers = await me(megan);
    await hers.getByRole("radio", { name: /^Off duty/ }).click();
    await hers.getByLabel("Who covers for you").selectOption({ label: "Sister Grace Adeyemi" });
    await hers.getByLabel("From", { exact: true }).fill("22:00");
    await hers.getByRole("button", { name: "Save duty" }).click();
    await hers
        .getByRole("alert")
        .getByText(/both times/)
        .waitFor();
    await hers.getByLabel("Until", { exact: true }).fill("07:00");
    await hers.getByRole("button", { name: "Save duty" }).click();
    await hers.getByRole("radio", { name: /^Off duty/, checked: true }).waitFor();
    await megan.look("88-off-duty-320");

    await doctor.goTo("Chats");
    await doctor.page.getByRole("button", { name: "New conversation" }).click();
    await doctor.page.getByLabel("Find a colleague").fill("evans");
    await doctor.page.getByRole("button", { name: /Megan Evans/ }).click();
    const notice = doctor.page.getByRole("status").filter({ hasText: "Megan Evans is off duty" });
    await notice.getByText(/Sister Grace Adeyemi covers/).waitFor();
    await doctor.look("89-off-duty-notice-phone-dark");
    await notice.getByRole("button", { name: "Write to Sister Grace Adeyemi" }).click();
    await doctor.page.getByRole("heading", { name: /Grace Adeyemi/ }).waitFor();
    await doctor.goTo("Chats");
    await megan.context.close();
    windows.splice(windows.indexOf(megan), 1);
});

feature("a device is tested at the start of a shift, and the team sees the result", async () => {
    const shift = doctor.page.getByRole("complementary", { name: "Your shift." });
    // Notifications are off: they are turned on here, or it is said why not.
    const turnOn = shift.getByRole("button", { name: "Turn on notifications" });
    await turnOn.click();
    await shift
        .getByRole("alert")
        .getByText(/does not allow notifications/)
        .waitFor();
    await doctor.look("90-shift-refused-phone-dark");
    await shift.getByRole("button", { name: "Test this device" }).click();
    await shift.getByText(/^Connection: works/).waitFor();
    await shift.getByText("Your team sees this result on the on-call board.").waitFor();
    await doctor.look("90-shift-phone-dark");
    await nurse.goTo("On call");
    await nurse.page
        .getByRole("listitem")
        .filter({ hasText: "Medical registrar" })
        .getByText(/Device tested at .*: does not work: Notifications/)
        .waitFor();
    await nurse.look("91-device-line-desktop");
    // Chromium of tests has no push service behind it; the rest is as it will be.
    await doctor.context.grantPermissions(["notifications"]);
    await doctor.page.evaluate(() => {
        const keys = {
            p256dh: "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
            auth: "tBHItJI5svbpez7KI4CCXg",
        };
        const subscription = { toJSON: () => ({ endpoint: "https://push.invalid/phone", keys }) };
        PushManager.prototype.subscribe = () => Promise.resolve(subscription);
        PushManager.prototype.getSubscription = () => Promise.resolve(subscription);
    });
    await turnOn.click();
    await turnOn.waitFor({ state: "detached" });
    await shift.getByRole("button", { name: "Test this device" }).click();
    // All works: the card has done its duty.
    await shift.waitFor({ state: "detached" });
});

feature("help opens with ?, and every key that it names does what it says", async () => {
    const { page } = nurse;
    const { keyboard } = page;
    await nurse.goTo("Chats");
    await page.getByRole("heading", { level: 1, name: "Chats" }).click();
    await keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Help" });
    await help.getByText("What happens if nobody answers?").click();
    await keyboard.press("Escape");
    await help.waitFor({ state: "detached" });

    for (const [key, place] of [
        ["Digit2", "Patients"],
        ["Digit3", "On call"],
        ["Digit4", "Requests"],
        ["Digit1", "Chats"],
        ["Digit2", "Patients"],
    ]) {
        await keyboard.press(`Alt+${key}`);
        await page.getByRole("heading", { level: 1, name: place }).waitFor();
    }
    await page.getByRole("region", { name: "Patients" }).getByRole("link").nth(1).waitFor();
    const open = async (key, nth) => {
        await keyboard.press(key);
        const row = page.locator(".pane--list a.row").nth(nth);
        await row.and(page.locator("[aria-current=page]")).waitFor();
    };
    await open("Alt+KeyN", 0);
    await open("Alt+KeyN", 1);
    await open("Alt+KeyP", 0);
    await page.getByLabel("Write a message").waitFor();
    await page.getByRole("button", { name: /^Me:/ }).focus();
    await keyboard.press("Alt+KeyW");
    const field = page.locator("textarea:focus");
    await field.waitFor();
    // In the field ? is a letter.
    await keyboard.type("Is he well?");
    await keyboard.press("Shift+Enter");
    await keyboard.type("And fed");
    assert.equal(await field.inputValue(), "Is he well?\nAnd fed");
    await keyboard.press("Enter");
    const said = page.locator(".bubble--own", { hasText: "And fed" });
    await said
        .locator(".ticks--sent, .ticks--delivered, .ticks--seen")
        .or(said.getByRole("img", { name: "Sent" }))
        .first()
        .waitFor();
    await keyboard.press("ArrowUp");
    await page.locator(".composer__mode").waitFor();
    assert.equal(await field.inputValue(), "Is he well?\nAnd fed");
    await keyboard.press("Escape");
    await page.locator(".composer__mode").waitFor({ state: "detached" });
    await keyboard.press("Alt+KeyA");
    const asking = page.getByRole("dialog", { name: "Ask" });
    await asking.waitFor();
    await keyboard.press("Escape");
    await asking.waitFor({ state: "detached" });
    await keyboard.press("Control+KeyK");
    const search = page.getByRole("dialog", { name: "Search" });
    await search.waitFor();
    await keyboard.press("Escape");
    await search.waitFor({ state: "detached" });

    // Without ?, as somebody chooses whose computer listens to what they say, help is where all else is that is theirs.
    await page.getByRole("button", { name: /^Me:/ }).press("Enter");
    await page
        .getByRole("dialog", { name: "Me", exact: true })
        .getByRole("button", { name: "Help" })
        .press("Enter");
    await help.getByRole("checkbox", { name: "? alone opens this help" }).press("Space");
    await keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    await keyboard.press("Escape");
    await page.getByRole("dialog").first().waitFor({ state: "detached" });
    await keyboard.press("?");
    // What comes after it is done: so was it.
    await keyboard.press("Alt+Digit1");
    await page.getByRole("heading", { level: 1, name: "Chats" }).waitFor();
    assert.equal(await help.count(), 0);
});

feature("from the sign-in to the first message in a minute, without a word about keys", async () => {
    const began = Date.now();
    const options = { ...phone, viewport: { width: 360, height: 740 }, newcomer: true };
    const newcomer = await Window.open(stage.browser, stage.server.url, options);
    const { page } = newcomer;
    await newcomer.signIn("tomasz.kowalski");
    const start = page.getByRole("complementary", { name: "Getting started" });
    const plain = async (name) => {
        await newcomer.look(name);
        const words = await page.locator("body").innerText();
        assert.doesNotMatch(words, /recovery|encrypt|cross-sign|\bkeys?\b|verif|passphrase|emoji/i);
    };
    await start.getByRole("heading", { name: "Welcome, Tomasz Kowalski" }).waitFor();
    await plain("96-first-run-who-360");
    await start.getByRole("button", { name: "Yes, that is me" }).click();
    await start.getByRole("button", { name: "Test this device" }).click();
    await start.getByText(/^Connection: works/).waitFor();
    await plain("97-first-run-device-360");
    await start.getByRole("button", { name: "Continue" }).click();
    await plain("98-first-run-begin-360");
    await start.getByRole("button", { name: "Open my patients" }).click();
    await start.waitFor({ state: "detached" });
    await page.getByRole("region", { name: "Patients" }).getByRole("link").first().click();
    await newcomer.write("My first message");
    await newcomer.reads("My first message");
    const seconds = (Date.now() - began) / 1000;
    assert.ok(seconds < 60, `${seconds} s`);
    await newcomer.page.reload();
    await newcomer.reads("My first message");
    assert.equal(await start.count(), 0, "it is shown once");
    await newcomer.context.close();
    windows.splice(windows.indexOf(newcomer), 1);
});
