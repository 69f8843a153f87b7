// The clinical core on its screens: requests in full, roles that change hands, the handover list, patients from outside the team.

import assert from "node:assert/strict";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { artefacts } from "./places.mjs";
import { Server } from "./server.mjs";
import { openPatient } from "./stage.mjs";
import { Window, desktop, medicalRegistrar, openBrowser, phone, windows } from "./windows.mjs";

const small = { ...phone, viewport: { width: 320, height: 640 } };
const server = new Server("clinical");
let browser;
/** A ward sister on a ward PC. */
let nurse;
/** The medical registrar on a phone at night. */
let registrar;
let registrarName;

before(async () => {
    await server.start();
    await server.stop();
    server.import(new URL("core.json", import.meta.url).pathname);
    server.import(new URL("core.toml", import.meta.url).pathname);
    await server.start();
    browser = await openBrowser();
    nurse = await open("grace.adeyemi", desktop);
    const found = await medicalRegistrar(nurse);
    registrarName = found.name;
    registrar = await open(found.user, { ...phone, colorScheme: "dark" });
    await Promise.all([openPatient(nurse), openPatient(registrar)]);
});

after(async () => {
    await browser?.close();
    await server.stop();
    server.remove();
});

async function open(user, device) {
    const window = await Window.open(browser, server.url, device);
    await window.signIn(user);
    return window;
}

/** What stands in a picture: its width, its height, and how light each pixel is. */
async function pixels(element) {
    const png = (await element.screenshot({ scale: "css" })).toString("base64");
    return element.page().evaluate(async (data) => {
        const picture = new Image();
        picture.src = `data:image/png;base64,${data}`;
        await picture.decode();
        const [width, height] = [640, 480];
        const canvas = new OffscreenCanvas(width, height);
        const context = canvas.getContext("2d");
        context.fillStyle = "#fff";
        context.fillRect(0, 0, width, height);
        const side = 400;
        context.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side);
        const { data: all } = context.getImageData(0, 0, width, height);
        return { width, height, light: Array.from({ length: width * height }, (_, n) => all[n * 4]) };
    }, png);
}

/** A film (YUV4MPEG2) of one grey picture, for a camera to see. */
function filmOf({ width, height, light }) {
    const colour = Buffer.alloc((width * height) / 2, 128);
    const frame = Buffer.concat([Buffer.from("FRAME\n"), Buffer.from(light), colour]);
    const head = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
    return Buffer.concat([head, frame, frame]);
}

let broken = false;

/** One part. Later parts stand on earlier ones, so the first that fails ends the file; what fails leaves a picture of every window. */
function part(name, play) {
    test(name, async () => {
        assert.ok(!broken, "an earlier part failed");
        broken = true;
        try {
            await play();
            for (const window of windows) assert.deepEqual(window.problems, []);
            broken = false;
        } finally {
            if (broken)
                for (const [n, window] of windows.entries())
                    await window.screenshot(`clinical-failed-${n}`).catch(() => undefined);
        }
    });
}

async function ask(window, requestClass, words) {
    const { page } = window;
    await page.getByRole("button", { name: "Ask", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Ask" });
    const role = dialog.getByLabel("To", { exact: true });
    await role.selectOption({
        label: await role.getByRole("option", { name: /^Medical registrar/ }).textContent(),
    });
    await dialog.getByRole("radio", { name: requestClass }).check();
    await dialog.getByLabel("Needed in (minutes)").fill("60");
    await dialog.getByLabel("Situation", { exact: true }).fill(words);
    await dialog.getByRole("button", { name: "Send request" }).click();
}

function button(window, name) {
    return window.page.getByRole("button", { name, exact: true });
}

/** The page beside the list. */
function beside(window, name) {
    return window.page.getByRole("region", { name, exact: true });
}

/** Chooses a colleague as one types. */
async function pick(scope, label, text, name) {
    await scope.getByLabel(label).fill(text);
    await scope.getByRole("button", { name: new RegExp(name) }).click();
}

part("a request for action has an owner and a due time, is commented on, and shows devices", async () => {
    await ask(nurse, "Action", "Please rewrite the drug chart");
    await registrar.goTo("Requests");
    await registrar.page.getByRole("link", { name: "Details" }).click();
    const page = beside(registrar, "Request");
    await page.getByText("Please rewrite the drug chart").waitFor();
    await page.getByText(/^Due by/).waitFor();
    await page.getByRole("button", { name: "Accept", exact: true }).click();
    await page.getByText(`Accepted by ${registrarName}`).first().waitFor();
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("button", { name: "Comment" }).click();
    await page.getByLabel("What do you want to add?").fill("After the ward round, at three");
    await registrar.look("60-comment-phone-dark");
    await page.getByRole("button", { name: "Add comment" }).click();
    await page.getByText(/After the ward round, at three/).waitFor();
    await page
        .getByText(/^Device /)
        .first()
        .waitFor();
    await registrar.look("61-request-phone-dark");

    const card = nurse.page.getByRole("article", { name: /^Action request/ });
    await card.getByText("Owner:").waitFor();
    await card.getByRole("link", { name: "Details" }).click();
    await beside(nurse, "Request")
        .getByText(/After the ward round, at three/)
        .waitFor();
    await nurse.look("62-request-desktop");
});

part("a request is passed on, taken back after one question, and opened again", async () => {
    const doctors = beside(registrar, "Request");
    await doctors.getByRole("button", { name: "More" }).click();
    await doctors.getByRole("button", { name: "Pass on" }).click();
    await doctors.getByRole("button", { name: "Pass on" }).click();
    await doctors.getByText("Choose a person").waitFor();
    await pick(doctors, "To whom?", "rahman", "Dr Yusuf Rahman");
    await registrar.look("63-pass-on-phone-dark");
    await doctors.getByRole("button", { name: "Pass on" }).click();

    const page = beside(nurse, "Request");
    await page.getByText("Asking Dr Yusuf Rahman").waitFor();
    await page.getByText(`Passed on by ${registrarName} to Dr Yusuf Rahman`).waitFor();
    await page.getByRole("button", { name: "Cancel request" }).click();
    await page.getByText(/^Take this request back/).waitFor();
    await page.getByRole("button", { name: "Cancel request" }).click();
    await page.getByText("Cancelled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("button", { name: "Open again" }).click();
    await page.getByText(/^Opened again by Sister Grace Adeyemi/).waitFor();
    await nurse.goTo("Requests");
    await button(nurse, "My team's 0").waitFor();
    await registrar.goTo("Requests");
    await registrar.page.getByRole("button", { name: /^My team's/ }).click();
    await registrar.look("64-team-phone-dark");
});

part("a device whose clock is wrong says so, and so does the chain", async () => {
    const page = beside(nurse, "Request");
    await nurse.page.getByRole("link", { name: "Details" }).first().click();
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("button", { name: "Pass on" }).click();
    await pick(page, "To whom?", "yusuf", "Dr Yusuf Rahman");
    await page.getByRole("button", { name: "Pass on" }).click();
    await page.getByText("Asking Dr Yusuf Rahman").waitFor();
    const yusuf = await open("yusuf.rahman", { ...small, clock: Date.now() + 5 * 60_000 });
    await yusuf.goTo("Requests");
    await yusuf.shows(/^The clock of this device is 5 min \d+ s ahead of the server/);
    await yusuf.look("65-wrong-clock-320");
    await yusuf.page.getByRole("button", { name: "Accept" }).first().click();
    await yusuf.page.getByRole("button", { name: "Done" }).first().click();
    await nurse.page.getByRole("link", { name: "Details" }).first().click();
    await beside(nurse, "Request")
        .getByText(/Its clock showed .*ahead/)
        .first()
        .waitFor();
    await yusuf.context.close();
    windows.splice(windows.indexOf(yusuf), 1);
});

part("two accept at once: one has it, the other is told who", async () => {
    const surgeon = await open("hannah.whitfield", desktop);
    await openPatient(nurse);
    await ask(nurse, "Urgent", "Systolic 78, please come");
    const cards = [registrar, surgeon].map((window) =>
        window.page.getByRole("alertdialog", { name: "Urgent request" }).getByRole("button", {
            name: "Accept",
            exact: true,
        }),
    );
    // Both are asked once the first step has had no answer.
    await Promise.all(cards.map((card) => card.waitFor()));
    await Promise.all(cards.map((card) => card.evaluate((element) => element.click())));
    const told = [registrar, surgeon].map(async (window) => {
        await window.page.getByRole("dialog", { name: "Already accepted" }).waitFor();
        return window;
    });
    const later = await Promise.any(told);
    await Promise.allSettled([later.look("66-too-late")]);
    const winner = later === registrar ? "Miss Hannah Whitfield" : registrarName;
    await later.shows(new RegExp(`${winner} accepted this before you`));
    await later.page.getByRole("button", { name: "I understand" }).click();
    const card = nurse.page.getByRole("article", { name: /^Urgent request/ });
    await card.getByRole("status").getByText(`Accepted by ${winner}`).waitFor();
    await card.getByRole("button", { name: "Cancel request" }).click();
    await card.getByRole("button", { name: "Cancel request" }).click();
    await card.getByRole("status").getByText("Cancelled").waitFor();
    await surgeon.context.close();
    windows.splice(windows.indexOf(surgeon), 1);
});

part("who covers a ward now is a question that the board answers", async () => {
    await nurse.goTo("On call");
    const search = nurse.page.getByLabel("Find a role, person, ward or team");
    await search.fill("Who covers Nightingale ward now?");
    const answer = nurse.page.getByRole("region", { name: "Who covers Nightingale ward now" });
    await answer.getByText(registrarName).waitFor();
    await nurse.look("67-who-covers-desktop");
    await search.fill("Whitfeild");
    await nurse.page.getByRole("region", { name: "People" }).getByText("Miss Hannah Whitfield").waitFor();
    await search.fill("medical take");
    await nurse.page.getByRole("link", { name: /^Medical take/ }).click();
    const team = beside(nurse, "Medical take");
    await team.getByText("Interruptions", { exact: true }).waitFor();
    await team.getByText("By class").waitFor();
    await nurse.look("68-noise-desktop");
    await search.fill("");
});

part("a vacant role is red, is taken, handed over and put down", async () => {
    await nurse.page.getByRole("link", { name: /^Anaesthetist on call/ }).click();
    const page = beside(nurse, "Anaesthetist on call");
    await page.getByText("Nobody holds this role").waitFor();
    await page.getByRole("button", { name: "Take this role" }).click();
    await nurse.look("69-take-desktop");
    await page.getByRole("button", { name: "Take this role" }).click();
    await page.getByText("Sister Grace Adeyemi (You)").waitFor();
    await page.getByRole("button", { name: "Hand over" }).click();
    await pick(page, "To whom?", "mbeki", "Samuel Mbeki");
    await page.getByRole("button", { name: "Offer the role" }).click();
    await page.getByText("Offered to Samuel Mbeki, not accepted yet").waitFor();

    const samuel = await open("samuel.mbeki", small);
    await samuel.goTo("On call");
    const offer = samuel.page.getByRole("region", { name: "Anaesthetist on call is offered to you" });
    await offer.waitFor();
    await samuel.look("70-offer-320");
    await offer.getByRole("button", { name: "Accept the role" }).click();
    await samuel.page.getByRole("link", { name: /^Anaesthetist on call/ }).click();
    const role = beside(samuel, "Anaesthetist on call");
    await role.getByText("Samuel Mbeki (You)").waitFor();
    await samuel.look("71-role-320");
    await role.getByRole("button", { name: "Put it down" }).click();
    await role.getByText(/^Put down Anaesthetist on call/).waitFor();
    await role.getByRole("button", { name: "Put it down" }).click();
    await role.getByText("Nobody holds this role").waitFor();
    await samuel.context.close();
    windows.splice(windows.indexOf(samuel), 1);
});

part(
    "the handover list is read, accepted with the role, printed on A4, and open without a network",
    async () => {
        await openPatient(nurse);
        await ask(nurse, "Action", "Repeat the potassium at ten");
        const other = registrarName === "Dr Priya Raman" ? "daniel.osei" : "priya.raman";
        await registrar.goTo("On call");
        await registrar.page.getByRole("link", { name: /^Medical registrar:/ }).click();
        const role = beside(registrar, "Medical registrar");
        await role.getByRole("heading", { name: "Shifts of the coming week" }).waitFor();
        await registrar.look("72-role-phone-dark");
        await role.getByRole("button", { name: "Hand over" }).click();
        await pick(role, "To whom?", other.split(".")[1], "Specialty registrar");
        await role.getByRole("button", { name: "Offer the role" }).click();
        await role.getByText(/not accepted yet$/).waitFor();

        const next = await open(other, desktop);
        await next.goTo("On call");
        await next.page.getByRole("link", { name: "Read what is open and take over" }).click();
        const list = beside(next, "Handover: Medical registrar");
        await next.look("73-offered-desktop");
        await list.getByRole("button", { name: "Accept the role" }).click();
        await list.getByText("Repeat the potassium at ten").waitFor();
        const takeOver = list.getByRole("button", { name: "Accept the handover list" });
        assert.equal(await takeOver.getAttribute("aria-disabled"), "true");
        await next.look("73-handover-desktop");
        for (const box of await list.getByRole("checkbox").all()) await box.check();
        await list.getByText("Everything is read.").waitFor();
        await takeOver.click();
        await list.getByText(/^Accepted by/).waitFor();
        await list.getByText("Repeat the potassium at ten").waitFor();
        await list.getByRole("button", { name: "SBAR" }).click();
        await next.look("74-handover-accepted-desktop");
        const pdf = join(artefacts, "handover.pdf");
        await next.page.pdf({ path: pdf, preferCSSPageSize: true });
        assert.ok(statSync(pdf).size > 5_000, "the list is on paper");
        await next.page.emulateMedia({ media: "print" });
        await list.getByText(/^Taken over by \(name/).waitFor();
        await next.page.getByRole("heading", { level: 1, name: "Handover: Medical registrar" }).waitFor();
        await next.page.getByRole("navigation", { name: "Places" }).waitFor({ state: "hidden" });
        await next.page.emulateMedia({ media: null });

        // Kept, and open without a network.
        await next.page.waitForTimeout(3_000);
        await next.context.setOffline(true);
        await next.page.reload();
        await next.page.getByText("Repeat the potassium at ten").waitFor();
        await next.context.setOffline(false);
        await registrar.shows(/^(Dr Daniel Osei|Dr Priya Raman)$/);
        await next.context.close();
        windows.splice(windows.indexOf(next), 1);
    },
);

part(
    "a patient of another team is opened with two identifiers and a reason; the privacy officer sees it at once",
    async () => {
        const officer = await open("margaret.oconnor", desktop);
        const outside = await open("megan.evans", { ...phone, viewport: { width: 360, height: 740 } });
        await outside.goTo("Patients");
        await button(outside, "Find a patient").click();
        const dialog = outside.page.getByRole("dialog", { name: "Find a patient" });
        await dialog.getByRole("button", { name: "Open conversation" }).click();
        await dialog.getByText(/^Enter the ten digits/).waitFor();
        await dialog.getByText("Enter the date of birth or the surname").waitFor();
        await dialog.getByLabel("NHS number").fill("999 000 0069");
        await dialog.getByLabel("Surname").fill("Okonkwe");
        await dialog.getByRole("button", { name: "Open conversation" }).click();
        await dialog
            .getByLabel("Why must you see this patient?")
            .fill("Collapsed in the corridor of my ward");
        await outside.look("75-break-glass-360");
        await dialog.getByRole("button", { name: "Open and record" }).click();
        await dialog.getByText(/^These do not belong to one patient/).waitFor();
        await dialog.getByLabel("Surname").fill("Okonkwo");
        await dialog.getByRole("button", { name: "Open conversation" }).click();
        await dialog
            .getByLabel("Why must you see this patient?")
            .fill("Collapsed in the corridor of my ward");
        await dialog.getByRole("button", { name: "Open and record" }).click();
        await outside.page.getByLabel("Write a message").waitFor();
        await outside.shows(/OKONKWO/);

        const urgent = officer.page.getByRole("alertdialog", { name: "Urgent request" });
        await urgent.waitFor();
        await officer.look("76-privacy-urgent-desktop");
        await urgent.getByRole("button", { name: "Accept", exact: true }).click();
        await officer.goTo("Requests");
        await officer.page.getByRole("link", { name: "Details" }).first().click();
        await beside(officer, "Request").getByRole("link", { name: "Who looked at this record" }).click();
        const list = beside(officer, "Who looked at this record");
        await list.getByText("Reason: Collapsed in the corridor of my ward").waitFor();
        await list.getByText("opened the conversation from outside the team").waitFor();
        await officer.look("77-access-desktop");
        // Nobody else may see it.
        await outside.page.goto(officer.page.url());
        await outside.shows(/^Only the privacy officer can see/);
    },
);

part("the audit is whole", async () => {
    await server.stop();
    server.verifyAudit();
});
