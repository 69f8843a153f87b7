// The clinical core on its screens: requests in full, who covers what, roles that change hands.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, beside, button, pick } from "./requests.mjs";
import { Stage, openPatient } from "./stage.mjs";
import { desktop, phone, windows } from "./windows.mjs";

const small = { ...phone, viewport: { width: 320, height: 640 } };
const stage = new Stage("clinical");
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
    // All of them can be asked at once.
    await answer.getByRole("button", { name: "Ask them all" }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "Ask" });
    await dialog.getByText(/Asked now: /).waitFor();
    assert.equal(await dialog.getByLabel("To", { exact: true }).inputValue(), "ward:nightingale");
    await dialog.getByRole("button", { name: "Cancel" }).click();
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

part("a team is asked, or whoever covers a ward: who that is now stands there before", async () => {
    await openPatient(nurse);
    await button(nurse, "Ask").click();
    const dialog = nurse.page.getByRole("dialog", { name: "Ask" });
    const to = dialog.getByLabel("To", { exact: true });
    await to.selectOption({ label: "Nightingale ward" });
    const now = dialog.getByText(new RegExp(`Asked now: .*${registrarName}`));
    await now.waitFor();
    assert.doesNotMatch(await now.textContent(), /Adeyemi/, "nobody asks themselves");
    await to.scrollIntoViewIfNeeded();
    await nurse.look("90-ask-ward-desktop");
    await to.selectOption({ label: "Medical take" });
    await dialog.getByText(`Asked now: Dr Yusuf Rahman and ${registrarName}`).waitFor();
    await dialog.getByRole("radio", { name: "Action" }).check();
    await dialog.getByLabel("Needed in (minutes)").fill("60");
    await dialog.getByLabel("Situation", { exact: true }).fill("Chase the troponin");
    await dialog.getByRole("button", { name: "Send request" }).click();
    const card = nurse.page.getByRole("article", { name: "Action request to Medical take" });
    await card
        .getByText(/^(Asking|Delivered to|Seen by)/)
        .first()
        .waitFor();
    await nurse.look("91-team-asked-desktop");
});

part("what one does is on the other's screen by itself; a request is delegated and taken back", async () => {
    const yusuf = await open("yusuf.rahman", small);
    const card = nurse.page.getByRole("article", { name: "Action request to Medical take" });
    const state = card.getByRole("status");
    await registrar.goTo("Requests");
    await registrar.page.getByRole("button", { name: /^Mine/ }).click();
    await registrar.page.getByRole("link", { name: "Details" }).first().click();
    const page = beside(registrar, "Request");
    await page.getByText("Chase the troponin").waitFor();
    await page.getByRole("button", { name: "Accept", exact: true }).click();
    await state.getByText(`Accepted by ${registrarName}`).waitFor();

    const delegate = page.getByRole("button", { name: "Delegate" });
    const passOn = async () => {
        await page.getByRole("button", { name: "More" }).click();
        await delegate.click();
        await pick(page, "To whom?", "rahman", "Dr Yusuf Rahman");
    };
    await passOn();
    await registrar.look("92-delegate-phone-dark");
    await delegate.click();
    await page.getByText(`Delegated by ${registrarName} to Dr Yusuf Rahman`).waitFor();
    await state.getByText(/Dr Yusuf Rahman/).waitFor();
    // It is the delegator's until the other one accepts.
    await page.getByRole("button", { name: "Take it back" }).click();
    await state.getByText(`Accepted by ${registrarName}`).waitFor();
    await passOn();
    await delegate.click();
    await yusuf.goTo("Requests");
    await yusuf.page.getByRole("button", { name: "Accept", exact: true }).first().click();
    await page.getByText("Accepted by Dr Yusuf Rahman").first().waitFor();
    await state.getByText("Accepted by Dr Yusuf Rahman").waitFor();
    await registrar.look("93-delegated-phone-dark");
    await yusuf.page.getByRole("button", { name: "Done", exact: true }).first().click();
    await state.getByText("Done by Dr Yusuf Rahman").waitFor();
    await yusuf.context.close();
    windows.splice(windows.indexOf(yusuf), 1);
});

part("the audit is whole", async () => {
    await server.stop();
    server.verifyAudit();
});
