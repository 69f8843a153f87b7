// Measures the app in Chromium as a mid-range phone has it, and writes docs/performance/web.md: `make bench-web`.
// MESSAGES=50000 is how long the conversation is that is scrolled.

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { root } from "./places.mjs";
import { Server } from "./server.mjs";
import { Window, desktop, medicalRegistrar, openBrowser, phone, sendToScreen } from "./windows.mjs";

const MESSAGES = Number(process.env["MESSAGES"] ?? 50_000);
const IN_MEMORY = Math.min(10_000, MESSAGES);
const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
/** A mid-range phone, and a bar of signal. */
const CPU = 4;
const NETWORK = {
    offline: false,
    latency: 300,
    downloadThroughput: 1_600_000 / 8,
    uploadThroughput: 750_000 / 8,
};
const FREE = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };

const server = new Server("figures");
const rows = [];
const row = (...cells) => {
    rows.push(cells);
    console.log(cells.join(" | "));
};

function quantile(values, share) {
    const sorted = values.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

const ms = (value) => `${Math.round(value)} ms`;

async function slow(session, cpu, network = FREE) {
    await session.send("Emulation.setCPUThrottlingRate", { rate: cpu });
    await session.send("Network.emulateNetworkConditions", network);
}

/** A call to the Matrix API; a limit is waited for, and anything else that fails ends the run. */
async function call(method, path, token, body) {
    for (;;) {
        const answer = await fetch(`${server.url}/_matrix/client/v3${path}`, {
            method,
            headers: {
                ...(token && { Authorization: `Bearer ${token}` }),
                "Content-Type": "application/json",
            },
            ...(body && { body: JSON.stringify(body) }),
        });
        const said = await answer.json();
        if (answer.ok) return said;
        if (answer.status !== 429) throw new Error(`${method} ${path}: ${answer.status} ${said.error}`);
        await new Promise((resolve) => setTimeout(resolve, said.retry_after_ms ?? 1000));
    }
}

/** Another device of somebody's: its token. */
async function device(user) {
    const identifier = { type: "m.id.user", user };
    const login = { type: "m.login.password", identifier, password: "riverside-demo" };
    return (await call("POST", "/login", undefined, login)).access_token;
}

/** A conversation in clear between two people, for there messages are quick to make; they are drawn as every other. */
async function clearRoom(token, guest) {
    const { user_id: owner } = await call("GET", "/account/whoami", token);
    const invite = [`@${guest}:${owner.split(":")[1]}`];
    const { room_id: room } = await call("POST", "/createRoom", token, {
        preset: "private_chat",
        name: "Long conversation",
        invite,
    });
    await call("POST", `/rooms/${encodeURIComponent(room)}/join`, await device(guest), {});
    return room;
}

/** Messages number `first` to `end` in a conversation; from several devices of its people, for each may send twenty a second. */
async function fill(roomId, tokens, first, end) {
    const room = encodeURIComponent(roomId);
    let next = first;
    const sender = async (_, number) => {
        while (next < end) {
            const n = next++;
            const body = `Observation ${n}: pulse ${60 + (n % 60)}, ${"comfortable and settled. ".repeat(1 + (n % 5))}`;
            const content = { msgtype: "m.text", body };
            const token = tokens[number % tokens.length];
            await call("PUT", `/rooms/${room}/send/m.room.message/f${n}`, token, content);
        }
    };
    await Promise.all(Array.from({ length: 16 }, sender));
}

/** Goes back in the open conversation until so many messages are loaded. */
async function load(page, most) {
    await page.getByRole("log").evaluate(async (log, wanted) => {
        const start = () => document.querySelector(".timeline__start");
        let height = 0;
        for (let same = 0; same < 400;) {
            if (/start of the conversation/.test(start().textContent)) return;
            log.scrollTo(0, 0);
            await new Promise((resolve) => setTimeout(resolve, 25));
            same = log.scrollHeight === height ? same + 1 : 0;
            height = log.scrollHeight;
            // Sixty a page: counted by what is asked for.
            if (
                performance.getEntriesByType("resource").filter(({ name }) => name.includes("/messages?"))
                    .length *
                    60 >
                wanted
            )
                return;
            performance.setResourceTimingBufferSize(100_000);
        }
    }, most);
}

/** The times between frames while the conversation is scrolled for ten seconds, as a finger does it. */
function frames(page) {
    return page.getByRole("log").evaluate(
        (log) =>
            new Promise((resolve) => {
                const times = [];
                let last = performance.now();
                const end = last + 10_000;
                log.scrollTo(0, log.scrollHeight / 2);
                const step = (now) => {
                    times.push(now - last);
                    last = now;
                    log.scrollBy(0, 40);
                    if (now < end) requestAnimationFrame(step);
                    else resolve(times.slice(5));
                };
                requestAnimationFrame(step);
            }),
    );
}

async function heap(session) {
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "JSHeapUsedSize").value / 1e6;
}

/** From the address to a composer that takes keys, and to the last message being read. */
async function openToKeyboard(window, address, { cold }) {
    const { page, context } = window;
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    if (cold) {
        await session.send("Storage.clearDataForOrigin", {
            origin: server.url,
            storageTypes: "service_workers,cache_storage",
        });
        await session.send("Network.clearBrowserCache");
    }
    await page.goto("about:blank");
    await slow(session, CPU, NETWORK);
    const began = Date.now();
    await page.goto(address, { waitUntil: "commit" });
    await page.getByLabel("Write a message").click();
    const keyboard = Date.now() - began;
    await page.locator(".bubble").first().waitFor();
    const read = Date.now() - began;
    await slow(session, 1);
    await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        while (!(await caches.match("/"))) await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await session.detach();
    return { keyboard, read };
}

await server.start();
const browser = await openBrowser();
try {
    const nurse = await Window.open(browser, server.url, desktop);
    const doctor = await Window.open(browser, server.url, phone);
    await nurse.signIn("grace.adeyemi");
    const registrar = await medicalRegistrar(nurse);
    await doctor.signIn(registrar.user);
    for (const window of [nurse, doctor]) {
        await window.goTo("Patients");
        await window.page.getByRole("link", { name: /Okonkwo/i }).click();
        await window.page.getByLabel("Write a message").waitFor();
    }
    const address = doctor.page.url();

    const session = await doctor.context.newCDPSession(doctor.page);
    await session.send("Performance.enable");
    await session.send("Network.enable");
    // The list was seen once, as by everybody: with it the app opens.
    await doctor.goTo("Chats");
    await doctor.page.goto(address);
    await nurse.write("The first word");
    await doctor.reads("The first word");
    await slow(session, CPU);
    const sent = [];
    for (let n = 0; n < 10; n++) sent.push(await sendToScreen(nurse, doctor, `Stopwatch ${n}`));
    row(
        "send to screen, two devices, CPU ×4 on the reader's",
        "–",
        `${ms(quantile(sent, 0.5))} (p90 ${ms(quantile(sent, 0.9))})`,
    );
    await slow(session, 1);

    const [cold, warm] = [[], []];
    for (let n = 0; n < ROUNDS; n++) cold.push(await openToKeyboard(doctor, address, { cold: true }));
    // The browser keeps what it compiled from the third time on, as for whoever opens the app every day.
    for (let n = 0; n < 3; n++) await openToKeyboard(doctor, address, { cold: false });
    for (let n = 0; n < ROUNDS; n++) warm.push(await openToKeyboard(doctor, address, { cold: false }));
    const middle = (all, what) =>
        ms(
            quantile(
                all.map((one) => one[what]),
                0.5,
            ),
        );
    row("open to keyboard, cold (no file of the app kept)", "under 2500 ms", middle(cold, "keyboard"));
    row("open to keyboard, warm (installed, opened before)", "under 1000 ms", middle(warm, "keyboard"));
    row("open to the messages, cold: 2.1 MB come first", "–", middle(cold, "read"));
    row("open to the messages, warm", "–", middle(warm, "read"));

    const token = await device("grace.adeyemi");
    const long = await clearRoom(token, registrar.user);
    const there = `${server.url}/chats/${encodeURIComponent(long)}`;
    const tokens = [token];
    for (let n = 0; n < 3; n++) tokens.push(await device("grace.adeyemi"));
    for (let n = 0; n < 4; n++) tokens.push(await device(registrar.user));
    const open = async (window) => {
        await window.page.goto(there);
        await window.page.getByLabel("Write a message").waitFor();
    };
    await open(doctor);
    const empty = await heap(session);
    await fill(long, tokens, 0, IN_MEMORY);
    await load(doctor.page, IN_MEMORY);
    const full = await heap(session);
    row(
        `memory (JavaScript heap) after ${IN_MEMORY} messages`,
        "–",
        `${full.toFixed(0)} MB (${empty.toFixed(0)} MB before)`,
    );

    if (MESSAGES > IN_MEMORY) {
        await doctor.page.goto("about:blank");
        await fill(long, tokens, IN_MEMORY, MESSAGES);
        await open(doctor);
        await load(doctor.page, MESSAGES);
    }
    await slow(session, CPU);
    const times = await frames(doctor.page);
    const late = times.filter((time) => time > 17.5).length / times.length;
    row(
        `frames while ${MESSAGES} events are scrolled, CPU ×4`,
        "16.7 ms",
        `p50 ${quantile(times, 0.5).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms, p99 ${quantile(times, 0.99).toFixed(1)} ms; ${(100 * late).toFixed(1)} % late`,
    );
} finally {
    await browser.close();
    await server.stop();
    server.remove();
}

const lines = [
    "## The web app",
    "",
    `Measured by \`make bench-web\` on ${new Date().toISOString().slice(0, 10)} in headless Chromium without a graphics card, ${cpus().length} cores of ` +
        `${cpus()[0].model}; the server runs on the same machine. CPU ×4, 1.6 Mbit/s and 300 ms are Chromium's own throttling. Median of ${ROUNDS}.`,
    "",
    "| figure | target | measured |",
    "|---|---|---|",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
    "",
];
writeFileSync(join(root, "docs/performance/web.md"), lines.join("\n"));
console.log(lines.join("\n"));
