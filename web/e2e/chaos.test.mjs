// What goes wrong in hospitals: the network goes fifty times, tabs die, clocks are wrong, storage is full, the server is killed. Nothing that
// was written is lost, comes twice or in another order, and everything can be read.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Stage, openPatient } from "./stage.mjs";

const CUTS = 50;
const stage = new Stage("chaos", { lined: true });
const feature = stage.feature.bind(stage);
let nurse;
let doctor;
let line;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
    ({ line } = stage.server);
});
after(() => stage.close());

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Everything said in the open conversation, oldest first, by going through all of it. */
function everything(window) {
    return window.page.getByRole("log").evaluate(async (log) => {
        const said = new Map();
        const frame = () =>
            new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        log.scrollTo(0, 0);
        for (let still = 0, last = -1; still < 5;) {
            await frame();
            for (const bubble of log.querySelectorAll(".bubble")) {
                const words = bubble.querySelector("p.bubble__text")?.textContent ?? bubble.textContent;
                said.set(bubble.dataset.event ?? words, words);
            }
            still = log.scrollTop === last ? still + 1 : 0;
            last = log.scrollTop;
            log.scrollBy(0, log.clientHeight * 0.6);
        }
        return [...said.values()];
    });
}

/** Both windows have exactly `wanted`, in this order within what each of them wrote, and both the same. */
async function agree(wanted) {
    const all = wanted.flat();
    for (const window of [nurse, doctor])
        for (const own of wanted) if (own.length > 0) await window.reads(own.at(-1));
    const [one, other] = [await everything(nurse), await everything(doctor)];
    for (const said of [one, other]) {
        const ours = said.filter((words) => all.includes(words));
        assert.equal(ours.length, all.length, `each once: ${ours.length} of ${all.length}`);
        for (const own of wanted)
            assert.deepEqual(
                said.filter((words) => own.includes(words)),
                own,
                "in order",
            );
        assert.deepEqual(
            said.filter((words) => /^(Waiting for|Opening) /.test(words)),
            [],
            "everything can be read",
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
    await agree(said);
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
    await agree([said, []]);
});

feature(
    "with a clock that is hours wrong, and that is put right, the order is that of the server",
    async () => {
        await nurse.page.close();
        nurse.page = await nurse.context.newPage();
        nurse.page.setDefaultTimeout(30_000);
        nurse.page.on("pageerror", (error) => nurse.problems.push(String(error)));
        await nurse.page.addInitScript(() => {
            const Right = Date;
            globalThis.skew = 5 * 3_600_000;
            globalThis.Date = class extends Right {
                constructor(...parts) {
                    if (parts.length > 0) super(...parts);
                    else super(Right.now() + globalThis.skew);
                }
                static now() {
                    return Right.now() + globalThis.skew;
                }
            };
        });
        await nurse.page.goto(stage.server.url);
        await openPatient(nurse);
        const said = [[], []];
        for (const [n, skew] of [5, -30, 0].entries()) {
            await nurse.page.evaluate((hours) => (globalThis.skew = hours * 3_600_000), skew);
            for (const [turn, window] of [nurse, doctor].entries()) {
                const words = `${turn === 0 ? "Wrong" : "Right"} clock, ${n}`;
                said[turn].push(words);
                await window.write(words);
                await (turn === 0 ? doctor : nurse).reads(words);
            }
        }
        await agree(said);
        const order = (await everything(doctor)).filter((words) => / clock, /.test(words));
        assert.deepEqual(
            order,
            said[0].flatMap((words, n) => [words, said[1][n]]),
            "in the order in which they were said",
        );
        await nurse.page.close();
        await openAgain(nurse);
    },
);

feature("two tabs of one session take turns, and what waits is sent by one of them", async () => {
    const said = [];
    const first = nurse.page;
    for (let n = 1; n <= 3; n++) {
        line.down();
        for (const part of ["a", "b"]) {
            const words = `Two tabs, ${n}${part}`;
            said.push(words);
            await nurse.write(words);
        }
        const other = nurse.page;
        await nurse.show(stage.server.url).catch(() => undefined);
        line.mend();
        await nurse.page.goto(stage.server.url);
        await nurse.page.getByRole("button", { name: "Use it here" }).click();
        await openPatient(nurse);
        await other.getByRole("heading", { name: /another tab/ }).waitFor();
        if (other !== first) await other.close();
    }
    await first.close();
    await agree([said, []]);
});

feature("when the device is full, nothing is taken that could be lost, and it says so", async () => {
    const session = await nurse.context.newCDPSession(nurse.page);
    const origin = stage.server.url;
    await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    const words = "Written on a full device";
    await nurse.write(words);
    await nurse.page.getByText(/^This device has no room left/).waitFor();
    await nurse.look("130-device-full");
    assert.equal(
        await nurse.page.getByLabel("Write a message").inputValue(),
        words,
        "the words are still there",
    );
    await session.send("Storage.overrideQuotaForOrigin", { origin });
    await nurse.page.getByRole("button", { name: "Send", exact: true }).click();
    await agree([[words], []]);
    await session.detach();
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
    await agree(said);
    await nurse.look("131-after-chaos");
});
