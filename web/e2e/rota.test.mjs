// Screens of the rota: a role handed over by its code, shifts entered by hand, playbooks edited.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage } from "./stage.mjs";
import { Window, desktop, phone } from "./windows.mjs";

const stage = new Stage("rota");
/** The site manager, who keeps the rota, on a phone. */
let manager;

before(async () => {
    await stage.open();
    manager = await Window.open(stage.browser, stage.server.url, phone);
    await manager.signIn("dev.patel");
});

after(() => stage.close());

/** The page of a role. */
async function openRole(window, name) {
    await window.goTo("On call");
    await window.page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
    return window.page.getByRole("region", { name, exact: true });
}

/** Shows the code of a role on one device, types it on the other, and waits until both show who holds it. */
async function handOver(from, to, role, look) {
    const shown = await openRole(from, role);
    await shown.getByRole("button", { name: "Show a QR code" }).click();
    const code = from.page.getByRole("dialog", { name: `Hand over ${role}` });
    await code.getByRole("img", { name: /^QR code/ }).waitFor();
    const words = await code.locator("code").textContent();
    await look?.(from, "shown");

    const taken = await openRole(to, role);
    await taken.getByRole("button", { name: "Scan a role's code" }).click();
    const dialog = to.page.getByRole("dialog", { name: "Take over a role" });
    await dialog.getByRole("button", { name: "Use this code" }).click();
    await dialog.getByText("Choose the role and type its code").waitFor();
    if (look) {
        // One that is wrong changes nothing, and says so.
        await dialog.getByLabel("Or type the code").fill("wrong");
        await dialog.getByRole("button", { name: "Use this code" }).click();
        await dialog.getByRole("button", { name: "Take over" }).click();
        await dialog.getByText(/^That was not saved/).waitFor();
        await look(to, "refused");
        await dialog.getByRole("button", { name: "Back" }).click();
    }
    await dialog.getByLabel("Or type the code").fill(words);
    await look?.(to, "typed");
    await dialog.getByRole("button", { name: "Use this code" }).click();
    await dialog.getByText(`Take over ${role}?`).waitFor();
    await dialog.getByRole("button", { name: "Take over" }).click();
    await dialog.waitFor({ state: "hidden" });
    await code.waitFor({ state: "hidden" });
    const page = await openRole(to, role);
    await page
        .getByText(/\(You\)/)
        .first()
        .waitFor();
    await page.getByRole("button", { name: "Show a QR code" }).waitFor();
}

stage.feature("a role goes from device to device by its code, and back", async () => {
    const { doctor, nurse } = stage;
    await handOver(doctor, nurse, "Medical registrar", (window, what) => window.look(`rota-code-${what}`));
    await handOver(nurse, doctor, "Medical registrar");
});

stage.feature("a shift is entered, refused where it overlaps, changed and removed", async () => {
    const { page } = manager;
    const role = await openRole(manager, "Anaesthetist on call");
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    const add = role.getByRole("button", { name: "Add a shift" });
    const save = role.getByRole("button", { name: "Save the shift" });
    const fill = async (from, until) => {
        await role.getByLabel("Date", { exact: true }).fill(tomorrow);
        await role.getByLabel("From", { exact: true }).fill(from);
        await role.getByLabel("Until", { exact: true }).fill(until);
    };
    const choose = async (text, name) => {
        await role.getByLabel("Who works it?").fill(text);
        await role.getByRole("button", { name: new RegExp(name) }).click();
    };
    await add.click();
    await save.click();
    await role.getByText("Choose a colleague").waitFor();
    await choose("whitfield", "Miss Hannah Whitfield");
    await fill("08:00", "20:00");
    await manager.look("rota-shift-form");
    await save.click();
    const first = role.getByRole("button", {
        name: "Change the shift of Miss Hannah Whitfield 08:00 to 20:00",
    });
    await first.waitFor();

    await add.click();
    await choose("rahman", "Dr Yusuf Rahman");
    await fill("19:00", "23:00");
    await save.click();
    await role.getByText(/overlaps another shift of the role/).waitFor();
    const from = role.getByLabel("From", { exact: true });
    assert.equal(await from.getAttribute("aria-invalid"), "true");
    await manager.look("rota-shift-refused");
    await fill("20:00", "08:00");
    await save.click();
    const night = role.getByRole("button", {
        name: "Change the shift of Dr Yusuf Rahman 20:00 to 08:00",
    });
    await night.waitFor();

    await page.setViewportSize(desktop.viewport);
    await first.click();
    await fill("09:00", "20:00");
    await save.click();
    const later = role.getByRole("button", {
        name: "Change the shift of Miss Hannah Whitfield 09:00 to 20:00",
    });
    await later.waitFor();
    await manager.look("rota-shifts");
    await later.click();
    await role.getByRole("button", { name: "Remove the shift" }).click();
    await later.waitFor({ state: "hidden" });
    await night.waitFor();
    await page.setViewportSize(phone.viewport);
});

stage.feature("a playbook is edited, checked, played through and saved as a new version", async () => {
    const { page } = manager;
    await manager.goTo("On call");
    await page.getByRole("link", { name: "Playbooks" }).click();
    const list = page.getByRole("region", { name: "Playbooks", exact: true });
    await list.getByRole("link", { name: /^Deteriorating patient/ }).waitFor();
    await manager.look("rota-playbooks");
    await list.getByRole("link", { name: /^Deteriorating patient/ }).click();

    const editor = page.getByRole("region", { name: "Deteriorating patient", exact: true });
    const step = editor.getByRole("region", { name: "Step 2", exact: true });
    await step.getByText("Whoever holds Surgical registrar").waitFor();
    await step.getByLabel("Waits for an answer").fill("7");
    await step.getByLabel("Which one").selectOption({ label: "Anaesthetist on call" });
    await step.getByText("Whoever holds Anaesthetist on call").waitFor();
    await editor.getByText("There are changes that are not saved.").waitFor();
    await manager.look("rota-playbook-step");

    await page.setViewportSize(desktop.viewport);
    await editor.getByRole("button", { name: "Check", exact: true }).click();
    await editor.getByText(/^Nobody holds Anaesthetist on call/).waitFor();
    await editor.getByText(/^It is at its last step after 12 min/).waitFor();
    await editor.getByLabel("A request to").selectOption({ label: "Medical registrar" });
    await editor.getByRole("button", { name: "Play it through" }).click();
    const timeline = editor.getByRole("list", { name: "What happens if nobody answers" });
    await timeline.getByText("Step 2: Miss Hannah Whitfield is asked").waitFor();
    await timeline.getByText("+12 min 0 s").first().waitFor();
    await timeline.scrollIntoViewIfNeeded();
    await manager.look("rota-playbook-timeline");

    await page.setViewportSize(phone.viewport);
    await editor.getByRole("button", { name: "Save as a new version" }).click();
    await editor.getByText("Saved as version 2.").waitFor();
    // What was proved is what was saved.
    assert.equal(await editor.getByText(/^This is about the draft as it was/).count(), 0);
    await editor.getByText(/^Version 2: Dev Patel/).waitFor();
    await manager.look("rota-playbook-saved");
    // Nothing has changed since: nothing more is saved.
    await editor.getByRole("button", { name: "Save as a new version" }).press("Enter");
    await page.reload();
    assert.equal(await step.getByLabel("Waits for an answer").inputValue(), "7");
    await editor.getByText(/^Version 2: Dev Patel/).waitFor();
    assert.equal(await editor.getByText(/^Version 3/).count(), 0);
});
