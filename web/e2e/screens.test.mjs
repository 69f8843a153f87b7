// A walk over every screen: looked at on each size, light and dark, with axe; and with text of 200 % and large targets on a small phone and
// a tablet, where nothing may be cut off and nothing scrolled sideways.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { artefacts } from "./places.mjs";
import { ask, beside } from "./requests.mjs";
import { Stage, choose, menu, openPatient } from "./stage.mjs";
import { Window, desktop, phone } from "./windows.mjs";

const stage = new Stage("screens");
/** Each stands alone: what one finds hides nothing that the next would. */
const feature = test;
let nurse;
let manager;

before(async () => {
    await stage.open({ imports: ["core.json", "core.toml"] });
    ({ nurse } = stage);
    manager = await stage.person("dev.patel", desktop);
    // Nothing that is pressed is smaller than WCAG 2.2 wants, or too near to its neighbour.
    for (const window of [nurse, manager, stage.doctor]) window.rules = { "target-size": { enabled: true } };
});
after(() => stage.close());

/** Where the text is looked at in double size, and which way the writing runs there. */
const enlarged = {
    320: { size: { width: 320, height: 640 }, dir: "ltr" },
    "320-rtl": { size: { width: 320, height: 640 }, dir: "rtl" },
    tablet: { size: { width: 768, height: 1024 }, dir: "ltr" },
};

/** What stands out of the screen or is cut off, of what a person could read or press. */
function cut(page) {
    return page.evaluate(() => {
        const name = (element) =>
            `${element.tagName.toLowerCase()}.${element.className} "${element.textContent.trim().slice(0, 40)}"`;
        const open = document.querySelector("dialog[open]") ?? document.body;
        const seen = [...open.querySelectorAll("*")].filter(
            (element) =>
                element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
                !element.closest(".visually-hidden, .skip, .announcer, svg, [aria-hidden=true]"),
        );
        const wide = seen.filter((element) => {
            const { left, right, width } = element.getBoundingClientRect();
            return width > 1 && (right > innerWidth + 1 || left < -1);
        });
        // A line of a list that tells how a message begins may end in dots; all else is read in full.
        const clipped = seen.filter((element) => {
            const { overflowX, textOverflow } = getComputedStyle(element);
            return (
                overflowX === "hidden" &&
                element.scrollWidth > element.clientWidth + 1 &&
                element.textContent.trim() !== "" &&
                !(textOverflow === "ellipsis" && element.matches(".row__sub, .chat__preview, .pinned__words"))
            );
        });
        // What stands in something that is named already needs no name of its own.
        const outermost = (one, _, all) => !all.some((other) => other !== one && other.contains(one));
        return [
            ...wide.filter(outermost).map((one) => `out: ${name(one)}`),
            ...clipped.map((one) => `cut: ${name(one)}`),
        ];
    });
}

const found = [];

/** Looks at the screen as it is, in every way. */
async function visit(window, name) {
    const { page } = window;
    const size = page.viewportSize();
    await page.waitForFunction(() => !document.querySelector(".loading"));
    await window.look(`screen-${name}`).catch((error) => found.push(error.message));
    await page.evaluate(() => {
        document.documentElement.style.fontSize = "200%";
        document.documentElement.dataset.targets = "large";
    });
    for (const [place, { size: viewport, dir }] of Object.entries(enlarged)) {
        await page.setViewportSize(viewport);
        await page.evaluate((to) => (document.documentElement.dir = to), dir);
        // Which way the writing runs changes nothing that axe knows of.
        await (
            dir === "rtl" ? window.fits(`${name} on ${place}`) : window.check(`${name} at 200 % on ${place}`)
        ).catch((error) => found.push(error.message));
        await window.screenshot(`screen-${name}-large-${place}`);
        for (const what of await cut(page)) found.push(`${name} on ${place}: ${what}`);
    }
    await page.evaluate(() => {
        document.documentElement.style.fontSize = "";
        document.documentElement.dataset.targets = "usual";
        document.documentElement.dir = "";
    });
    await page.setViewportSize(size);
}

/** Opens a dialog by a button, visits it, closes it. */
async function dialog(window, button, title, name, before) {
    const { page } = window;
    await (typeof button === "string" ? page.getByRole("button", { name: button, exact: true }) : button)
        .first()
        .click();
    const opened = page.getByRole("dialog", { name: title });
    await opened.waitFor();
    await before?.(opened);
    await visit(window, name);
    await opened.getByRole("button", { name: "Close", exact: true }).click();
    await opened.waitFor({ state: "detached" });
}

/** Nothing of what was visited since the last time stands out or is cut off. */
function whole() {
    assert.deepEqual(found.splice(0), []);
}

feature("the larger text and targets are chosen under Me, and stay", async () => {
    const { page } = nurse;
    const opened = page.getByRole("button", { name: /^Me:/ });
    await opened.click();
    const me = page.getByRole("dialog", { name: "Me", exact: true });
    await me.getByRole("radio", { name: "200 %" }).click();
    await me.getByRole("checkbox", { name: /^Larger/ }).check();
    await page.reload();
    await openPatient(nurse);
    const send = page.getByRole("button", { name: "Send", exact: true });
    await page.getByLabel("Write a message").fill("x");
    assert.ok((await send.boundingBox()).height >= 56, "a gloved finger hits it");
    await page.getByLabel("Write a message").fill("");
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize), "32px");
    // As on a phone, the way there is by the list.
    await nurse.goTo("Chats");
    await opened.click();
    await me.getByRole("radio", { name: "100 %" }).click();
    await me.getByRole("checkbox", { name: /^Larger/ }).uncheck();
    await me.getByRole("button", { name: "Close" }).click();
});

feature("the lists", async () => {
    for (const place of ["Chats", "Patients", "On call", "Requests"]) {
        await nurse.goTo(place);
        await visit(nurse, place.replace(" ", "-").toLowerCase());
    }
    whole();
});

feature("what is opened from the lists", async () => {
    await nurse.goTo("Chats");
    await dialog(nurse, "New conversation", "New conversation", "new-conversation", (opened) =>
        opened.getByLabel("Find a colleague").fill("evans"),
    );
    await dialog(nurse, "Search", "Search", "search", async (opened) => {
        await opened.getByRole("searchbox").fill("registrar");
        await opened.getByRole("region", { name: "Roles" }).waitFor();
    });
    await dialog(nurse, nurse.page.getByRole("button", { name: /^Me:/ }), /^Me$/, "me");
    await nurse.goTo("Patients");
    await dialog(nurse, "Find a patient", "Find a patient", "find-patient");
    await nurse.page.keyboard.press("?");
    await nurse.page.getByRole("dialog", { name: "Help" }).waitFor();
    await visit(nurse, "help");
    await nurse.page.keyboard.press("Escape");
    whole();
});

feature("a patient's conversation, and what is opened in it", async () => {
    await openPatient(nurse);
    await nurse.write("Potassium is 6.4");
    await nurse.reads("Potassium is 6.4");
    await choose(nurse, "Potassium is 6.4", "Pin to the top");
    await nurse.page.getByRole("complementary", { name: "Pinned messages" }).waitFor();
    await ask(nurse, "Action", "Please look at his gas");
    await nurse.page.getByRole("article", { name: /^Action request/ }).waitFor();
    await visit(nurse, "conversation");
    await dialog(nurse, "Ask", "Ask", "ask");
    await dialog(nurse, "Attach a photo or file", "Attach", "attach");
    await dialog(nurse, "Find in this conversation", "Find in this conversation", "find");
    await dialog(nurse, "People in this conversation", "People in this conversation", "people");
    await dialog(
        nurse,
        nurse.page.getByRole("button", { name: "Show the pinned message" }),
        /Pinned/,
        "pins",
    );
    await menu(nurse, "Potassium is 6.4");
    await visit(nurse, "menu");
    await nurse.page.keyboard.press("Escape");
    for (const [item, title] of [
        ["Info", "Message info"],
        ["Forward", "Forward"],
    ]) {
        await choose(nurse, "Potassium is 6.4", item);
        await nurse.page.getByRole("dialog", { name: title }).waitFor();
        await visit(nurse, `message-${item.toLowerCase()}`);
        await nurse.page.keyboard.press("Escape");
    }
    whole();
});

feature("a conversation of two, and a request in full", async () => {
    await nurse.goTo("Chats");
    await nurse.page.getByRole("button", { name: "New conversation" }).click();
    await nurse.page.getByLabel("Find a colleague").fill("evans");
    await nurse.page.getByRole("button", { name: /Megan Evans/ }).click();
    await nurse.page.getByRole("heading", { name: /Megan Evans/ }).waitFor();
    await visit(nurse, "direct");
    await nurse.goTo("Requests");
    await nurse.page.getByRole("link", { name: "Details" }).first().click();
    await beside(nurse, "Request").getByText("Please look at his gas").first().waitFor();
    await visit(nurse, "request");
    await openPatient(nurse);
    await ask(nurse, "Urgent", "He is getting worse");
    const { doctor } = stage;
    const card = doctor.page.getByRole("alertdialog", { name: "Urgent request" });
    await card.waitFor();
    await visit(doctor, "urgent");
    await card.getByRole("button", { name: "Decline" }).click();
    await card.getByLabel("Why can you not take it?").waitFor();
    await visit(doctor, "urgent-decline");
    whole();
});

feature("roles, teams, calls and playbooks", async () => {
    const { page } = manager;
    await manager.goTo("On call");
    await page.getByRole("link", { name: /^Medical registrar/ }).click();
    await beside(manager, "Medical registrar").waitFor();
    await visit(manager, "role");
    await page.goto(new URL("/on-call/handover%3Amedical-registrar", stage.server.url).href);
    await page
        .getByRole("heading", { name: /Handover/ })
        .first()
        .waitFor();
    await visit(manager, "handover");
    await manager.goTo("On call");
    await dialog(manager, "Crash call", /Crash call/, "crash-call");
    await dialog(manager, "Broadcast", /roadcast/, "broadcast");
    await page.getByRole("link", { name: "Playbooks" }).click();
    await beside(manager, "Playbooks").waitFor();
    await visit(manager, "playbooks");
    whole();
});

/** What a page has fetched so far: how many requests, bytes on the line by kind, and whose they were. */
async function watch(context, page) {
    const devtools = await context.newCDPSession(page);
    const fetched = new Map();
    devtools.on("Network.requestWillBeSent", ({ requestId, request, type }) => {
        if (!request.url.startsWith("data:")) fetched.set(requestId, { url: request.url, type, bytes: 0 });
    });
    devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
        const one = fetched.get(requestId);
        if (one) one.bytes = encodedDataLength;
    });
    await devtools.send("Network.enable");
    return () => {
        const all = [...fetched.values()];
        const bytes = {};
        for (const { type, bytes: more } of all) bytes[type] = (bytes[type] ?? 0) + more;
        return {
            requests: all.length,
            files: all.filter(({ url }) => new URL(url).pathname.startsWith("/assets/")).length,
            bytes,
            strangers: all.map(({ url }) => new URL(url).origin).filter((one) => one !== stage.server.url),
        };
    };
}

feature(
    "a first visit fetches little and nothing from others, waits for one style sheet, and nothing jumps",
    async () => {
        const context = await stage.browser.newContext({
            ...phone,
            locale: "en-GB",
            serviceWorkers: "block",
        });
        const page = await context.newPage();
        const fetched = await watch(context, page);
        await page.addInitScript(() => {
            globalThis.shifts = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries())
                    if (!entry.hadRecentInput)
                        globalThis.shifts.push({
                            value: entry.value,
                            what: entry.sources.map(({ node }) => node?.className ?? node?.nodeName),
                        });
            }).observe({ type: "layout-shift", buffered: true });
        });
        const state = () =>
            page.evaluate(() => ({
                shifts: globalThis.shifts,
                blocking: performance
                    .getEntriesByType("resource")
                    .filter(({ renderBlockingStatus }) => renderBlockingStatus === "blocking")
                    .map(({ name }) => new URL(name).pathname.replace(/-[\w-]+\./, ".")),
                elements: document.querySelectorAll("*").length,
            }));
        await page.goto(stage.server.url, { waitUntil: "networkidle" });
        await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
        const door = { ...fetched(), ...(await state()) };
        await page.getByRole("button", { name: "Sign in", exact: true }).click();
        await page.getByLabel("User name").fill("megan.evans");
        await page.getByLabel("Password", { exact: true }).fill("riverside-demo");
        await page.getByRole("button", { name: "Sign in", exact: true }).click();
        await page.getByRole("region", { name: "Chats" }).getByRole("link").first().waitFor();
        await page.waitForLoadState("load");
        const app = { ...fetched(), ...(await state()) };
        writeFileSync(join(artefacts, "start.json"), JSON.stringify({ door, app }, undefined, 2));
        const newcomer = Object.assign(new Window(), {
            context,
            page,
            colorScheme: "light",
            rules: nurse.rules,
        });
        await page.getByRole("complementary", { name: "Getting started" }).waitFor();
        await visit(newcomer, "first-run");
        await context.close();
        whole();
        assert.deepEqual([door.strangers, app.strangers], [[], []], "no third party");
        assert.deepEqual(door.blocking, ["/assets/index.css"], "only the style sheet is waited for");
        assert.deepEqual(door.shifts, [], "nothing jumps");
        // What Lighthouse calls good is 0.1.
        const jumped = app.shifts.reduce((sum, { value }) => sum + value, 0);
        assert.ok(jumped <= 0.05, `the app jumps by ${jumped}: ${JSON.stringify(app.shifts)}`);
        assert.ok(door.requests <= 40, `${door.requests} requests at the door`);
        assert.ok(app.files <= 75, `${app.files} files until the list is there`);
        assert.ok(app.elements <= 800, `${app.elements} elements`);
        const total = ({ bytes }) => Object.values(bytes).reduce((sum, more) => sum + more, 0);
        assert.ok(total(door) <= 500_000, `${total(door)} bytes at the door`);
        assert.ok(total(app) <= 2_500_000, `${total(app)} bytes until the list is there`);
    },
);
