// Screens of the rota: a role handed over by its code, shifts entered by hand, playbooks edited.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { Stage } from "./stage.mjs";
import { Window, desktop, openBrowser, phone, windows } from "./windows.mjs";

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

stage.feature("a playbook is made, saved by one of two, and taken out of use", async () => {
    const { page } = manager;
    const list = page.getByRole("region", { name: "Playbooks", exact: true });
    await page.getByRole("link", { name: "Back" }).click();
    await list.getByRole("link", { name: "New playbook" }).click();
    const fresh = page.getByRole("region", { name: "New playbook", exact: true });
    await fresh.getByLabel("Short name").fill("wound-review");
    await fresh.getByLabel("Title").fill("Wound review");
    const second = fresh.getByRole("region", { name: "Step 2", exact: true });
    await second.getByLabel("Which one").selectOption({ label: "Site manager" });
    await second.getByText("Whoever holds Site manager").waitFor();
    await manager.look("rota-playbook-new");
    await fresh.getByRole("button", { name: "Save as a new version" }).click();
    const made = page.getByRole("region", { name: "Wound review", exact: true });
    await made.getByText("Saved as version 1.").waitFor();
    await made.getByText(/^Version 1: Dev Patel/).waitFor();
    await manager.look("rota-playbook-made");

    // Somebody else saves while it is changed here: nothing of either is lost unseen.
    await made.getByLabel("Description").fill("For wounds that were stitched here");
    const other = await stage.person("dev.patel", desktop);
    await other.page.goto(page.url());
    const theirs = other.page.getByRole("region", { name: "Wound review", exact: true });
    await theirs.getByLabel("Title").fill("Wound review by day");
    await theirs.getByRole("button", { name: "Save as a new version" }).click();
    // The page then bears the new title.
    await other.page.getByText("Saved as version 2.").waitFor();
    await made.getByRole("button", { name: "Save as a new version" }).click();
    await page.getByText(/^Somebody else has saved a version/).waitFor();
    // The page bears the title that was saved.
    const now = page.getByRole("region", { name: "Wound review by day", exact: true });
    assert.equal(
        await now.getByLabel("Description").inputValue(),
        "For wounds that were stitched here",
        "what was written stays",
    );
    await manager.look("rota-playbook-conflict");
    await other.context.close();
    windows.splice(windows.indexOf(other), 1);

    await page.reload();
    await now.getByText(/^Version 2: Dev Patel/).waitFor();
    await now.getByRole("button", { name: "Take out of use" }).click();
    await manager.look("rota-playbook-withdraw");
    await now.getByRole("button", { name: "Take out of use" }).click();
    await list.getByRole("link", { name: /^Deteriorating patient/ }).waitFor();
    await list.getByRole("link", { name: /^Wound review/ }).waitFor({ state: "detached" });
});

/** A film for a camera, that shows a picture on white: as Chromium reads it, some frames in YUV 4:2:0. */
async function film(page, picture) {
    const [width, height] = [640, 480];
    const luma = await page.evaluate(
        async ({ base64, width, height }) => {
            const bytes = Uint8Array.from(atob(base64), (letter) => letter.codePointAt(0));
            const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
            const canvas = new OffscreenCanvas(width, height);
            const context = canvas.getContext("2d");
            context.fillStyle = "#fff";
            context.fillRect(0, 0, width, height);
            const side = height - 80;
            context.drawImage(image, (width - side) / 2, 40, side, side);
            const { data } = context.getImageData(0, 0, width, height);
            return Array.from({ length: width * height }, (_, at) => data[4 * at]);
        },
        { base64: picture.toString("base64"), width, height },
    );
    const frame = Buffer.concat([
        Buffer.from("FRAME\n"),
        // From the full range to that of video.
        Buffer.from(luma.map((value) => 16 + Math.round((value * 219) / 255))),
        Buffer.alloc((width * height) / 2, 128),
    ]);
    const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\n`);
    return Buffer.concat([head, ...Array.from({ length: 10 }, () => frame)]);
}

stage.feature("a camera that sees the code of a role takes it over", async () => {
    const { doctor } = stage;
    const folder = mkdtempSync(join(tmpdir(), "wardline-film-"));
    const file = join(folder, "code.y4m");
    // What the camera sees is read when it is switched on.
    const browser = await openBrowser([`--use-file-for-fake-video-capture=${file}`]);
    const scanner = await Window.open(browser, stage.server.url, phone);
    await scanner.signIn("yusuf.rahman");
    await scanner.goTo("On call");

    const shown = await openRole(doctor, "Medical registrar");
    await shown.getByRole("button", { name: "Show a QR code" }).click();
    const code = doctor.page.getByRole("dialog", { name: "Hand over Medical registrar" });
    const picture = await code.getByRole("img", { name: /^QR code/ }).screenshot();
    writeFileSync(file, await film(doctor.page, picture));
    await scanner.page.getByRole("button", { name: "Scan a role's code" }).click();
    const dialog = scanner.page.getByRole("dialog", { name: "Take over a role" });
    await dialog.getByText("Take over Medical registrar?").waitFor();
    await scanner.look("rota-code-scanned");
    await dialog.getByRole("button", { name: "Take over" }).click();
    await dialog.waitFor({ state: "hidden" });
    await code.waitFor({ state: "hidden" });
    const role = await openRole(scanner, "Medical registrar");
    await role.getByText("Dr Yusuf Rahman (You)").waitFor();
    windows.splice(windows.indexOf(scanner), 1);
    await browser.close();
    rmSync(folder, { recursive: true });
});
