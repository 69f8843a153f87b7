// Ten minutes on a network as bad as in a lift shaft: `make bench-bad-network`. Two people write, with 50 kbit/s, two seconds of latency, and
// some of the requests failing. Says how long what was written took to the other's screen; fails where anything is lost, comes twice, in
// another order, or where a window says in the end that something still waits. MINUTES, MESSAGES and FAILING (of a hundred) change it.

import assert from "node:assert/strict";
import { everything } from "./everything.mjs";
import { gpsTagged } from "./photo.mjs";
import { Stage } from "./stage.mjs";

const MINUTES = Number(process.env["MINUTES"] ?? 10);
const MESSAGES = Number(process.env["MESSAGES"] ?? 60);
const FAILING = Number(process.env["FAILING"] ?? 8) / 100;
const NETWORK = {
    offline: false,
    latency: 2_000,
    downloadThroughput: 50_000 / 8,
    uploadThroughput: 50_000 / 8,
};
/** How long after the last message everything may take to be there. */
const PATIENCE_MS = 240_000;

const stage = new Stage("bad-network", { lined: true });
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** The same failures each time. */
let seed = 7;
const chance = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
let [requests, failed] = [0, 0];

async function worsen({ page, context }) {
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", NETWORK);
    await page.route(/\/(_matrix|fhir|_wardline)\//u, async (route) => {
        requests++;
        if (chance() >= FAILING) return route.fallback();
        failed++;
        // Half of them have arrived, and only the answer is lost.
        if (chance() < 0.5) await route.fetch().catch(() => undefined);
        return route.abort("connectionreset");
    });
}

/** When the words stand on the screen of a window. */
function seen({ page }, words) {
    return page
        .getByRole("log")
        .getByText(words, { exact: true })
        .waitFor({ state: "attached", timeout: MINUTES * 60_000 + PATIENCE_MS })
        .then(() => Date.now());
}

/** How much waits in a window, and what it says of its connection. */
function state({ page }) {
    return page.evaluate(() => ({
        waiting: document.querySelectorAll(".bubble:not([data-event])").length,
        says: [...document.querySelectorAll(".connection")].at(-1)?.textContent ?? "",
        problem: [...document.querySelectorAll('.bubble [role="alert"]')].map((one) => one.textContent),
    }));
}

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];

try {
    await stage.open();
    const { nurse, doctor } = stage;
    const people = [nurse, doctor];
    await Promise.all(people.map((window) => worsen(window)));
    const said = [[], []];
    const times = [];
    const watched = [];
    let [reconnecting, looked] = [0, 0];
    const every = (MINUTES * 60_000) / MESSAGES;
    for (let n = 0; n < MESSAGES; n++) {
        const turn = Math.floor(chance() * 2);
        const words = `${turn === 0 ? "Nurse" : "Doctor"} says ${n + 1}`;
        said[turn].push(words);
        const written = Date.now();
        await people[turn].write(words);
        watched.push(seen(people[1 - turn], words).then((at) => times.push((at - written) / 1000)));
        if (n === Math.floor(MESSAGES / 3)) await sendPhoto(nurse);
        if (n === Math.floor(MESSAGES / 2)) await speak(doctor);
        const rest = written + every - Date.now();
        await pause(Math.max(0, rest));
        for (const window of people) {
            const { says, problem } = await state(window);
            looked++;
            if (/^(Reconnecting|No connection)/u.test(says)) reconnecting++;
            assert.deepEqual(problem, [], "nothing is given up");
        }
    }
    const ended = Date.now();
    await Promise.all(watched);
    for (const { page } of people) {
        const none = () => document.querySelector(".bubble:not([data-event])") === null;
        await page.waitForFunction(none, undefined, { timeout: PATIENCE_MS });
    }
    const settled = (Date.now() - ended) / 1000;
    await Promise.all([nurse.screenshot("bad-network-nurse"), doctor.screenshot("bad-network-doctor")]);
    console.log(
        `${MESSAGES} messages, a photo and a voice note in ${MINUTES} minutes; ${failed} of ${requests} requests failed`,
    );
    console.log(
        `to the other's screen: median ${quantile(times, 0.5).toFixed(1)} s, 95 % ${quantile(times, 0.95).toFixed(1)} s, slowest ${Math.max(...times).toFixed(1)} s`,
    );
    console.log(
        `all was there ${settled.toFixed(0)} s after the last; "Reconnecting" in ${reconnecting} of ${looked} looks`,
    );
    const all = said.flat();
    for (const window of people) {
        const words = (await everything(window)).filter((one) => all.includes(one));
        assert.equal(words.length, all.length, "each once");
        for (const own of said)
            assert.deepEqual(
                words.filter((one) => own.includes(one)),
                own,
                "in order",
            );
    }
    for (const window of people) assert.deepEqual(window.problems, []);
    await find(doctor, "Photos", (gallery) =>
        gallery.getByRole("button", { name: /^Open Photo, / }).locator("img"),
    );
    await find(nurse, "Voice notes", (gallery) => gallery.getByRole("button", { name: "Play Voice note" }));
} catch (error) {
    await stage.nurse?.screenshot("bad-network-failed-nurse").catch(() => undefined);
    await stage.doctor?.screenshot("bad-network-failed-doctor").catch(() => undefined);
    throw error;
} finally {
    await stage.close();
}

async function sendPhoto({ page }) {
    const photo = { name: "wound.jpg", mimeType: "image/jpeg", buffer: await gpsTagged(page) };
    await page.getByRole("button", { name: "Attach a photo or file" }).click();
    const chooser = page.waitForEvent("filechooser");
    const attach = page.getByRole("dialog", { name: "Attach" });
    await attach.getByRole("button", { name: /^Choose a photo/u }).click();
    await (await chooser).setFiles(photo);
    await page
        .getByRole("dialog", { name: "Photo" })
        .getByRole("button", { name: "Send", exact: true })
        .click();
}

async function speak({ page }) {
    await page.getByRole("button", { name: "Record a voice note" }).click();
    await page.getByRole("timer").filter({ hasText: "0:02" }).waitFor();
    await page.getByRole("button", { name: "Send voice note" }).click();
}

/** Waits until what was sent stands in the gallery, once. */
async function find({ page }, kind, what) {
    await page.getByRole("button", { name: "Find in this conversation" }).click();
    await page.getByRole("button", { name: "Photos and files" }).click();
    const gallery = page.getByRole("dialog", { name: "Photos and files" });
    await gallery.getByRole("button", { name: kind, exact: true }).click();
    await what(gallery).first().waitFor({ timeout: PATIENCE_MS });
    assert.equal(await what(gallery).count(), 1, `${kind}: once`);
}
