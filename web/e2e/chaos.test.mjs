// What goes wrong in hospitals: the network goes fifty times, tabs die, clocks are wrong, devices are full, the server is killed. Nothing that
// was written is lost, comes twice or in another order, and everything can be read.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { everything } from "./everything.mjs";
import { Stage, openPatient } from "./stage.mjs";

const CUTS = 50;
/** How long a busy test machine may take to send what was written in fifty cuts, in milliseconds. */
const PATIENCE_MS = 120_000;
const stage = new Stage("chaos", { lined: true });
const feature = stage.feature.bind(stage);
let nurse;
let doctor;
let line;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
    ({ line } = stage.server);
    // Each device knows of the other before anything breaks; what was written before a first sign-in comes later (`first-sign-in`).
    await nurse.write("Shall we begin?");
    await doctor.reads("Shall we begin?");
    await doctor.write("Yes");
    await nurse.reads("Yes");
});
after(() => stage.close());

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

let times = 0;

/** What waits stands at the end of the conversation, and has no id yet. */
function nothingWaits({ page }) {
    const none = () => document.querySelector(".bubble:not([data-event])") === null;
    return page.waitForFunction(none, undefined, { timeout: PATIENCE_MS });
}

/** Everything is sent soon, and then each says one more thing, which the other reads. Gives what they have said now. */
async function caughtUp(said) {
    times++;
    const closing = [`Nurse is back, ${times}`, `Doctor is back, ${times}`];
    await Promise.all([nothingWaits(nurse), nothingWaits(doctor)]);
    for (const [turn, window] of [nurse, doctor].entries()) {
        await window.write(closing[turn]);
        const shown = (turn === 0 ? doctor : nurse).page.getByRole("log").getByText(closing[turn]);
        await shown.waitFor({ timeout: PATIENCE_MS });
    }
    return said.map((own, turn) => [...own, closing[turn]]);
}

/** Both windows have exactly `wanted`, in this order within what each of them wrote, and both the same. */
async function agree(wanted) {
    const all = wanted.flat();
    const [one, other] = [await everything(nurse), await everything(doctor)];
    for (const said of [one, other]) {
        const shut = said.filter((words) => /(Waiting for|Opening) /.test(words));
        assert.deepEqual(shut, [], "everything can be read");
        const ours = said.filter((words) => all.includes(words));
        assert.deepEqual(ours.toSorted(), all.toSorted(), "each once");
        for (const own of wanted)
            assert.deepEqual(
                said.filter((words) => own.includes(words)),
                own,
                "in order",
            );
    }
    assert.deepEqual(one, other, "both see the same");
}

/** The app kills the tab's own process: nothing of it can finish anything. */
async function killTab(window) {
    const died = window.page.waitForEvent("crash");
    await window.page.goto("chrome://crash").catch(() => undefined);
    await died;
    await window.page.close();
}

async function openAgain(window) {
    await window.show(stage.server.url);
    await window.page.getByRole("navigation", { name: "Places" }).waitFor();
    await openPatient(window);
}

feature(`the network is cut and comes back ${CUTS} times while two people write`, async () => {
    const said = [[], []];
    for (let n = 1; n <= CUTS; n++) {
        // Sometimes for a while, sometimes only for the moment in which something is on its way.
        const forAWhile = n % 3 !== 0;
        if (forAWhile) line.down();
        const turn = n % 2;
        const words = `${turn === 0 ? "Nurse" : "Doctor"}, cut ${n}`;
        said[turn].push(words);
        await (turn === 0 ? nurse : doctor).write(words);
        if (forAWhile) {
            await pause(n % 5 === 0 ? 400 : 60);
            line.mend();
        } else line.cut();
        // Now and then there is time to send before the next cut.
        if (n % 7 === 0) await pause(500);
    }
    await agree(await caughtUp(said));
});

feature("a tab that is killed while it sends has sent once, and goes on with the rest", async () => {
    line.slow(3_000);
    const said = ["Killed while sending 1", "Killed while sending 2", "Killed while sending 3"];
    for (const words of said) await nurse.write(words);
    await pause(500);
    await killTab(nurse);
    line.slow(Infinity);
    line.cut();
    await openAgain(nurse);
    await agree(await caughtUp([said, []]));
});

feature("with a clock that is hours wrong, and is put right, the order is that of the server", async () => {
    await nurse.page.close();
    await nurse.context.addInitScript(() => {
        const Right = Date;
        const skew = () => {
            // Frames of the page's checks keep nothing.
            if (origin === "null") return 0;
            // Further than any key lives.
            if (sessionStorage.getItem("jumps")) return -Math.random() * 100 * 24 * 3_600_000;
            return Number(sessionStorage.getItem("skew") ?? 0) * 3_600_000;
        };
        globalThis.Date = class extends Right {
            constructor(...parts) {
                if (parts.length > 0) super(...parts);
                else super(Right.now() + skew());
            }
            static now() {
                return Right.now() + skew();
            }
        };
    });
    await openAgain(nurse);
    const said = [[], []];
    for (const [n, skew] of [5, -30, 0].entries()) {
        await nurse.page.evaluate((hours) => sessionStorage.setItem("skew", hours), skew);
        for (const [turn, window] of [nurse, doctor].entries()) {
            const words = `${turn === 0 ? "Wrong" : "Right"} clock, ${n}`;
            said[turn].push(words);
            await window.write(words);
            await (turn === 0 ? doctor : nurse).reads(words);
        }
        if (n === 0) {
            // What was typed by a wrong clock is sent before what is typed after it was put back.
            line.down();
            const early = "Typed with the clock ahead";
            said[0].push(early);
            await nurse.write(early);
            // Encrypted, and tried: what a clock does in the midst of that comes below.
            await nurse.page.getByRole("img", { name: "Waiting for the connection" }).waitFor();
            await nurse.page.evaluate(() => sessionStorage.setItem("skew", -30));
            const late = "Typed with the clock behind";
            said[0].push(late);
            await nurse.write(late);
            line.mend();
            await doctor.reads(late);
        }
    }
    await agree(said);
    const order = (await everything(doctor)).filter((words) => / clock, /.test(words));
    const spoken = said[0].filter((words) => / clock, /.test(words));
    assert.deepEqual(
        order,
        spoken.flatMap((words, n) => [words, said[1][n]]),
        "in the order in which they were said",
    );
});

feature("where a clock that is set back stops what encrypts, the app begins anew by itself", async () => {
    await nurse.page.evaluate(() => sessionStorage.setItem("jumps", "yes"));
    const said = [];
    const anew = nurse.page.waitForEvent("load");
    for (let n = 1; n <= 20 && nurse.problems.length === 0; n++) {
        said.push(`Jumping clock, ${n}`);
        await nurse.write(said.at(-1));
        await pause(100);
    }
    await nurse.page.evaluate(() => sessionStorage.removeItem("jumps"));
    assert.match(nurse.problems.splice(0).join(), /unreachable/);
    await anew;
    await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
    await agree(await caughtUp([said, []]));
});

feature("two tabs of one session take turns, and what waits is sent by one of them", async () => {
    const said = [];
    for (let n = 1; n <= 3; n++) {
        line.down();
        for (const part of ["a", "b"]) {
            const words = `Two tabs, ${n}${part}`;
            said.push(words);
            await nurse.write(words);
        }
        const other = nurse.page;
        await nurse.show(stage.server.url);
        const here = nurse.page.getByRole("button", { name: "Use it here" });
        await here.waitFor();
        if (n === 1) await nurse.look("129-another-tab");
        line.mend();
        await here.click();
        await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
        await openPatient(nurse);
        await other.getByRole("heading", { name: /another tab/ }).waitFor();
        await other.close();
    }
    await agree(await caughtUp([said, []]));
});

feature("when the device is full, nothing is taken that could be lost, and it says so", async () => {
    const said = /^This device has no room left/;
    // What the browser says when it may keep no more of what the app wants to keep.
    await nurse.page.evaluate(() => {
        const usual = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, "put");
        const set = (put) => Object.defineProperty(IDBObjectStore.prototype, "put", { ...usual, value: put });
        set(function (...record) {
            if (this.transaction.db.name === "wardline-vault")
                throw new DOMException("no room", "QuotaExceededError");
            return Reflect.apply(usual.value, this, record);
        });
        globalThis.makeRoom = () => set(usual.value);
    });
    const words = "Written on a full device";
    await nurse.write(words);
    await nurse.page.getByText(said).waitFor();
    await nurse.look("130-device-full");
    const field = nurse.page.getByLabel("Write a message");
    assert.equal(await field.inputValue(), words, "the words are still there");

    // Nor is anybody asked for anything.
    await nurse.page.getByRole("button", { name: "Ask", exact: true }).click();
    const dialog = nurse.page.getByRole("dialog", { name: "Ask" });
    const role = dialog.getByLabel("To", { exact: true });
    await role.selectOption({
        label: await role.getByRole("option", { name: /^Medical registrar/ }).textContent(),
    });
    await dialog.getByRole("radio", { name: "Urgent" }).check();
    await dialog.getByLabel("Needed in (minutes)").fill("30");
    await dialog.getByLabel("Free text", { exact: true }).fill("Please come");
    await dialog.getByRole("button", { name: "Send request" }).click();
    await dialog.getByText(said).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();

    // What others write still comes, and can be read.
    await doctor.write("Can you read this?");
    await nurse.reads("Can you read this?");

    await nurse.page.evaluate(() => globalThis.makeRoom());
    await nurse.page.getByRole("button", { name: "Send", exact: true }).click();
    await nurse.page.getByText(said).waitFor({ state: "detached" });
    await agree(await caughtUp([[words], ["Can you read this?"]]));
    assert.equal(await doctor.page.getByText("Please come").count(), 0, "nobody was asked");
});

feature("a server that is killed while people write has lost nothing", async () => {
    const said = [[], []];
    for (let n = 1; n <= 3; n++) {
        for (const [turn, window] of [nurse, doctor].entries()) {
            const words = `${turn === 0 ? "Nurse" : "Doctor"} and a killed server, ${n}`;
            said[turn].push(words);
            await window.write(words);
        }
        await stage.server.kill();
        const late = `Written while it was dead, ${n}`;
        said[0].push(late);
        await nurse.write(late);
        await stage.server.start();
    }
    await agree(await caughtUp(said));
    await nurse.look("131-after-chaos");
});
