// The clinical core on its screens: the handover list, and patients who are opened from outside the team.

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { artefacts } from "./places.mjs";
import { ask, beside, button, pick } from "./requests.mjs";
import { Stage, openPatient } from "./stage.mjs";
import { desktop, phone, windows } from "./windows.mjs";

const stage = new Stage("care");
const part = stage.feature.bind(stage);
const { server } = stage;
const open = stage.person.bind(stage);
/** A ward sister on a ward PC. */
let nurse;
/** The medical registrar on a phone at night. */
let registrar;
let registrarName;

before(async () => {
    await stage.open({ imports: ["core.json", "core.toml"] });
    ({ nurse, doctor: registrar, doctorName: registrarName } = stage);
});
after(() => stage.close());

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
        await list.getByRole("button", { name: "Accept the role" }).waitFor();
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
        // By person and by day; each look at the list stands in it, too.
        await list.getByText("read this list").first().waitFor();
        await pick(list, "By whom", "megan", "Megan Evans");
        await list.getByText("read this list").first().waitFor({ state: "detached" });
        await list.getByText("opened the conversation from outside the team").waitFor();
        await list.getByLabel("To", { exact: true }).fill("2020-01-01");
        await list.getByText("Nobody looked at this record in that time.").waitFor();
        await list.getByLabel("To", { exact: true }).fill("");
        await list.getByText("opened the conversation from outside the team").waitFor();
        await officer.look("77b-access-part-desktop");
        const [file] = await Promise.all([
            officer.page.waitForEvent("download"),
            list.getByRole("button", { name: "Save as a table" }).click(),
        ]);
        const table = readFileSync(await file.path(), "utf8");
        assert.match(table, /"Megan Evans".*"Collapsed in the corridor of my ward"/);

        // The record of anybody is found by number or name, for a reason.
        const listUrl = officer.page.url();
        await officer.goTo("Patients");
        await officer.page.getByRole("link", { name: "Who looked at a record" }).click();
        const find = beside(officer, "Who looked at a record");
        await find.getByRole("button", { name: "Find the record" }).click();
        await find.getByText("Enter a number, or two letters of a name at least").waitFor();
        await find.getByLabel("NHS number, hospital number or name").fill("okon chi");
        await find.getByLabel("Why must you see who looked?").fill("Complaint of the family");
        await find.getByRole("button", { name: "Find the record" }).click();
        await find.getByText("1 record", { exact: true }).waitFor();
        await officer.look("77c-access-find-desktop");
        await find.getByRole("link", { name: /OKONKWO/ }).click();
        await list.getByText("Reason: Complaint of the family").waitFor();

        // Nobody else may see it.
        await outside.page.goto(listUrl);
        await outside.shows(/^Only the privacy officer can see/);
    },
);

part("the audit is whole", async () => {
    await server.stop();
    server.verifyAudit();
});
