// A broadcast to 2,000 accounts, who answer over HTTP; the board is watched in a browser.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { textOf } from "./paper.mjs";
import { artefacts } from "./places.mjs";
import { Server } from "./server.mjs";
import { Window, desktop, openBrowser, phone } from "./windows.mjs";

const STAFF = 1_988;
/** The demo hospital has twelve, of whom the site manager sends it. */
const CALLED = STAFF + 11;
const words = "Coach crash on the ring road. Report to the emergency department.";
const token = "broadcast-service";

const server = new Server("broadcast");
let browser;
let manager;
let nurse;
let tokens;

/** Runs `work` for all, twenty at a time. */
async function each(items, work) {
    const waiting = [...items.entries()];
    const run = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) await work(next[1], next[0]);
    };
    await Promise.all(Array.from({ length: 20 }, run));
}

async function call(path, by, body) {
    const response = await fetch(`${server.url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${by}`, "content-type": "application/json" },
        body: JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${path}: ${response.status} ${text}`);
    return JSON.parse(text);
}

before(async () => {
    // The demo hospital, then 1,988 more people in its directory, then their accounts.
    await server.start();
    await server.stop();
    const entry = Array.from({ length: STAFF }, (_, n) => ({
        resource: {
            resourceType: "Practitioner",
            id: `staff${n}`,
            name: [{ use: "official", family: `Number${String(n).padStart(4, "0")}`, given: ["Staff"] }],
        },
    }));
    const bundle = join(server.data, "staff.json");
    writeFileSync(bundle, JSON.stringify({ resourceType: "Bundle", type: "collection", entry }));
    server.import(bundle);
    writeFileSync(
        join(server.data, "service.yaml"),
        `id: broadcast\nurl: null\nas_token: ${token}\nhs_token: unused-by-this-test\nsender_localpart: broadcast-service\n` +
            "rate_limited: false\nnamespaces:\n  users: [{ exclusive: true, regex: '@staff.*' }]\n",
    );
    const config = join(server.data, "wardline.toml");
    writeFileSync(
        config,
        `server_name = "riverside.example"\ndata = "."\n[accounts]\npassword_login = true\n` +
            `[application_services]\nfiles = ["service.yaml"]\n[calls]\nmanager_roles = ["site-manager"]\n`,
    );
    await server.serve(config, "127.0.0.1:0");
    tokens = Array.from({ length: STAFF });
    await each(tokens, async (_, n) => {
        const made = await call("/_matrix/client/v3/register", token, {
            type: "m.login.application_service",
            username: `staff${n}`,
        });
        tokens[n] = made.access_token;
    });
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    await server.stop();
    server.remove();
});

const board = () => manager.page.getByRole("dialog", { name: /Major incident/ });

/** The number of a tile of the board. */
async function tile(name) {
    const found = board().locator(".tile").filter({ hasText: name });
    return Number(await found.locator("strong").first().textContent());
}

async function until(check, what) {
    for (let left = 300; left > 0; left -= 1) {
        if (await check()) return;
        await manager.page.waitForTimeout(100);
    }
    assert.fail(what);
}

let id;

test("the site manager sends a drill to everybody, after being asked whether it is meant", async () => {
    manager = await Window.open(browser, server.url, desktop);
    await manager.signIn("dev.patel");
    nurse = await Window.open(browser, server.url, phone);
    await nurse.signIn("grace.adeyemi");
    await nurse.goTo("On call");
    assert.equal(await nurse.page.getByRole("button", { name: "Broadcast" }).count(), 0, "not for everybody");

    await manager.goTo("On call");
    await manager.page.getByRole("button", { name: "Broadcast" }).click();
    const dialog = manager.page.getByRole("dialog", { name: /roadcast/ });
    await dialog.getByLabel("Everybody in the organisation").check();
    await dialog.getByText(`Reaches ${CALLED} people`).waitFor();
    await dialog.getByLabel("Title").fill("Major incident");
    await dialog.getByLabel("Message", { exact: true }).fill(words);
    await dialog.getByLabel(/This is a drill/).check();
    await manager.look("broadcast-01-dialog-desktop");
    await dialog.getByRole("button", { name: "Send…" }).click();
    await dialog.getByText(/covers every screen/).waitFor();
    await dialog.getByRole("button", { name: "Send now" }).click();
    await board().waitFor();
    await until(async () => (await tile("Told")) === CALLED, "all are told");

    const card = nurse.page.getByRole("alertdialog", { name: "DRILL: broadcast" });
    await card.getByText(words).waitFor();
    await nurse.look("broadcast-02-card-phone");
    await card.getByRole("button", { name: "Can come in … minutes" }).click();
    await nurse.look("broadcast-03-minutes-phone");
    await card.getByRole("button", { name: "20 min" }).click();
    await nurse.page.getByText("you answered: Can come in 20 minutes").waitFor();
    await nurse.look("broadcast-04-answered-phone");
    await until(async () => (await tile("Can come in")) === 1, "her answer is on the board");
});

test("2,000 answer; the board follows without asking for each, and is right in the end", async () => {
    const list = await (
        await fetch(`${server.url}/fhir/R4/CommunicationRequest`, {
            headers: { authorization: `Bearer ${tokens[0]}` },
        })
    ).json();
    id = list.entry[0].resource.id;
    let asked = 0;
    manager.page.on("request", (request) => {
        if (request.url().includes("$board")) asked += 1;
    });
    const path = (operation) => `/fhir/R4/CommunicationRequest/${id}/$${operation}`;
    const answer = (code, minutes) => ({
        resourceType: "Parameters",
        parameter: [
            { name: "answer", valueCode: code },
            ...(minutes === undefined ? [] : [{ name: "minutes", valueInteger: minutes }]),
        ],
    });
    let between = 0;
    const sending = { now: true };
    const watch = (async () => {
        while (sending.now) {
            const seen = await tile("On my way");
            if (seen > 0 && seen < 1_000) between += 1;
            await manager.page.waitForTimeout(200);
        }
    })();
    const began = Date.now();
    await each(tokens, async (by, n) => {
        if (n < 1_000) await call(path("answer"), by, answer("on-my-way"));
        else if (n < 1_500) await call(path("answer"), by, answer("can-come", 10 + (n % 50)));
        else if (n < 1_800) await call(path("answer"), by, answer("cannot"));
        else if (n < 1_900) await call(path("seen"), by, { resourceType: "Parameters" });
        else if (n < 1_950) await call(path("delivered"), by, { resourceType: "Parameters" });
    });
    const took = Date.now() - began;
    await until(async () => (await tile("Cannot")) === 300, "every answer arrives");
    sending.now = false;
    await watch;
    await until(async () => (await tile("Reached on a device")) === 1_951, "and every receipt");
    const numbers = {
        called: await tile("Called"),
        told: await tile("Told"),
        seen: await tile("Seen"),
        way: await tile("On my way"),
        later: await tile("Can come in"),
        cannot: await tile("Cannot"),
        silent: await tile("Not answered"),
    };
    assert.deepEqual(numbers, {
        called: CALLED,
        told: CALLED,
        seen: 1_901,
        way: 1_000,
        later: 501,
        cannot: 300,
        silent: CALLED - 1_801,
    });
    assert.ok(between > 0, "it was seen to grow");
    console.log("broadcast:", JSON.stringify({ answers: 1_950, took_ms: took, board_requests: asked }));
    assert.ok(asked < took / 300 + 20, `${asked} questions in ${took} ms are paced, not one for each answer`);
    await manager.look("broadcast-05-board-desktop");

    await board()
        .getByRole("button", { name: /^Not reached/ })
        .click();
    await board().getByLabel("Find by name").fill("Number198");
    assert.equal(await board().getByRole("list", { name: "People" }).getByRole("listitem").count(), 8);
    await manager.page.setViewportSize({ width: 360, height: 740 });
    await manager.look("broadcast-06-board-phone-360");
    await manager.page.setViewportSize({ width: 1280, height: 800 });
});

test("it is ended, and reported as FHIR and on paper", async () => {
    const { page } = manager;
    await board().getByRole("button", { name: "End the call" }).click();
    await board().getByRole("button", { name: "Yes, end it" }).click();
    await board()
        .getByText(/Ended by Dev Patel/)
        .waitFor();
    await nurse.page.getByText("you answered").waitFor({ state: "detached" });
    const [download] = await Promise.all([
        page.waitForEvent("download"),
        board().getByRole("button", { name: "Report (PDF)" }).click(),
    ]);
    const file = join(artefacts, "broadcast-report.pdf");
    await download.saveAs(file);
    const text = await textOf(file);
    assert.match(text, /Broadcast report: Major incident/);
    assert.match(text, /Called\s+1999/);
    assert.match(text, /Answered: On my way\s+1000/);
    assert.match(text, /Answered: Cannot\s+300/);
    const pages = Number(/Page 1 of (\d+)/.exec(text)?.[1]);
    assert.equal(text.match(/DRILL – AN EXERCISE/g)?.length, pages, "every page says that it is a drill");
    assert.match(text, /Sister Grace Adeyemi.*Can come in 20 minutes/);

    const login = await call("/_matrix/client/v3/login", "", {
        type: "m.login.password",
        identifier: { type: "m.id.user", user: "dev.patel" },
        password: "riverside-demo",
    });
    const read = (by, query = "") =>
        fetch(`${server.url}/fhir/R4/CommunicationRequest/${id}/$report${query}`, {
            headers: { authorization: `Bearer ${by}` },
        });
    const report = await (await read(login.access_token)).json();
    assert.equal(report.type, "document");
    assert.equal(report.entry[0].resource.resourceType, "Composition");
    assert.equal(
        report.entry.filter(({ resource }) => resource.resourceType === "Communication").length,
        1_801,
    );
    assert.equal((await read(tokens[3])).status, 403, "who was called may not read it");
    for (const window of [manager, nurse]) assert.deepEqual(window.problems, []);
    assert.deepEqual(server.findInClear(["Coach crash", "emergency department"]), []);
});
