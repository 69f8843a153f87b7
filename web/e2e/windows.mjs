// Browser windows of people at work: one per person and device, with screenshots and axe.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { artefacts } from "./places.mjs";

export const desktop = { viewport: { width: 1280, height: 800 } };
export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** What every screen is looked at on. */
const sizes = {
    phone: { width: 360, height: 740 },
    tablet: { width: 820, height: 1180 },
    desktop: { width: 1280, height: 800 },
};
const schemes = ["light", "dark"];

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How long anything on a screen may take, in milliseconds; generous, for a busy test machine. */
const patience = 45_000;

/** Where the browser is, and what is on its command line besides `more`. */
function launching(more = []) {
    return {
        executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // A camera that shows a test picture, and is allowed.
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            ...more,
            // Calls between two windows of one machine.
            "--allow-loopback-in-peer-connection",
        ],
    };
}

/** What everybody's browser is set to. */
const setting = { locale: "en-GB", timezoneId: "Europe/London" };

/** A browser, with `more` on its command line. */
export async function openBrowser(more) {
    return chromium.launch(launching(more));
}

/** The one context of a browser that keeps what it keeps in `folder`, as everybody's own does; closing it ends the browser. */
export async function openProfile(folder) {
    return chromium.launchPersistentContext(folder, {
        ...launching(),
        ...setting,
        ...desktop,
        permissions: ["notifications"],
    });
}

/** Every window that was opened. */
export const windows = [];

/** A window of one person. What goes wrong in its scripts is collected in `problems`. */
export class Window {
    problems = [];
    /** What its page asked of the network lately, and what became of it: for whoever reads a failed run. */
    asked = [];
    /** Rules of axe that are held besides the usual ones. */
    rules = {};
    #devtools;

    /** With `clock` (an instant) its clock is set to that time, and goes on from there. A `newcomer` is shown how to begin. */
    static async open(browser, url, { clock, newcomer = false, ...device }) {
        const context = await browser.newContext({ ...device, ...setting });
        const window = new Window();
        windows.push(window);
        window.newcomer = newcomer;
        window.context = context;
        window.colorScheme = device.colorScheme ?? "light";
        if (clock !== undefined) await context.clock.install({ time: clock });
        await window.show(url);
        return window;
    }

    /** Opens the page; again, after `page.close()`, with what the browser kept. */
    async show(url) {
        this.page = await this.context.newPage();
        this.#devtools = undefined;
        this.page.setDefaultTimeout(patience);
        // Who has been here before knows how to begin.
        if (!this.newcomer) {
            const skip = this.page.getByRole("button", { name: "Skip", exact: true });
            // An event and not a click: a dialog may stand over it.
            await this.page.addLocatorHandler(skip, (button) => button.dispatchEvent("click"));
        }
        this.#listen();
        this.page.on("pageerror", (error) => this.problems.push(error.stack ?? String(error)));
        await this.page.goto(url);
    }

    #listen() {
        const note = (what) => (request) => {
            const { pathname } = new URL(request.url());
            const line = [
                new Date().toISOString(),
                what,
                request.method(),
                pathname,
                request.failure()?.errorText,
            ];
            this.asked.push(line.join(" "));
            if (this.asked.length > 500) this.asked.shift();
        };
        for (const [event, what] of Object.entries({
            request: "asks",
            requestfinished: "has",
            requestfailed: "lacks",
        }))
            this.page.on(event, note(what));
    }

    /** Keeps what may say why a test failed: a picture, and what was asked of the network. */
    async keep(name) {
        writeFileSync(join(artefacts, `${name}.txt`), this.asked.join("\n"));
        await this.screenshot(name).catch(() => undefined);
    }

    /** Signs in by way of the server's own page, and is back in the app. */
    async signIn(user, password = "riverside-demo") {
        await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
        await this.page.getByLabel("User name").fill(user);
        await this.page.getByLabel("Password", { exact: true }).fill(password);
        await this.page.getByRole("button", { name: "Sign in", exact: true }).click();
        await this.page.getByRole("navigation", { name: "Places" }).waitFor();
    }

    /** Goes to one of the four places; from a conversation on a phone by way of its back button. */
    async goTo(place) {
        const link = this.page.getByRole("navigation", { name: "Places" }).getByRole("link", { name: place });
        if (!(await link.isVisible())) await this.page.getByRole("link", { name: "Back" }).click();
        await link.click();
        await this.page.getByRole("heading", { level: 1, name: place }).waitFor();
    }

    async write(text) {
        await this.page.getByLabel("Write a message").fill(text);
        await this.page.getByRole("button", { name: "Send", exact: true }).click();
    }

    /** Waits until `text` stands in the open conversation. */
    async reads(text) {
        await this.page
            .getByRole("region", { name: "Conversation" })
            .getByText(text, { exact: true })
            .and(this.page.locator(":not(textarea)"))
            .first()
            .waitFor();
    }

    /** Goes back in the open conversation until `text` stands in it. */
    async readsBack(text) {
        const region = this.page.getByRole("region", { name: "Conversation" });
        const wanted = region
            .getByText(text, { exact: true })
            .and(this.page.locator(":not(textarea)"))
            .first();
        const earlier = region.getByRole("button", { name: "Show earlier messages" });
        do {
            await wanted.or(earlier).first().waitFor();
            // The button goes while older messages are fetched, and for good when there are none.
            if (!(await wanted.isVisible())) await earlier.click({ timeout: 1000 }).catch(() => undefined);
        } while (!(await wanted.isVisible()));
    }

    async shows(text) {
        await this.page.getByText(text).filter({ visible: true }).first().waitFor();
    }

    /** A picture of the screen; packed quickly rather than small, for a run takes more than a thousand. */
    async screenshot(name) {
        this.#devtools ??= await this.context.newCDPSession(this.page);
        const { data } = await this.#devtools.send("Page.captureScreenshot", {
            format: "png",
            optimizeForSpeed: true,
        });
        writeFileSync(join(artefacts, `${name}.png`), data, "base64");
    }

    /**
     * Looks at the screen as it is on each size, light and dark: a screenshot of each, nothing wider than the screen, and nothing serious
     * found by axe on any size, in the dark on one or two of them. The window is afterwards as it was.
     */
    async look(name) {
        const before = this.page.viewportSize();
        const plain = name.replace(/-(desktop|phone|tablet)?(-dark)?$/, "");
        let turn = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0);
        for (const [size, viewport] of Object.entries(sizes)) {
            await this.page.setViewportSize(viewport);
            const checked = schemes[turn++ % 2];
            for (const colorScheme of schemes) {
                await this.page.emulateMedia({ colorScheme });
                const shot = `${plain}-${size}-${colorScheme}`;
                await this.screenshot(shot);
                if (colorScheme === checked) await this.check(shot);
            }
        }
        await this.page.emulateMedia({ colorScheme: this.colorScheme });
        await this.page.setViewportSize(before);
    }

    /** Nothing has to be scrolled sideways. */
    async fits(name) {
        const wider = await this.page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.ok(wider <= 0, `${name} is ${wider} pixels wider than the screen`);
    }

    /** Nothing serious found by axe, and nothing that has to be scrolled sideways. */
    async check(name) {
        await this.fits(name);
        // Given to each page once; the builder of axe for Playwright would do so each time, and open a page for what it found.
        if (!(await this.page.evaluate(() => "axe" in globalThis))) await this.page.evaluate(axe);
        const serious = await this.page.evaluate(async (rules) => {
            const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"], rules });
            return violations
                .filter(({ impact }) => impact === "serious" || impact === "critical")
                .map(
                    ({ id, help, nodes }) =>
                        `${id}: ${help} (${nodes.map(({ target }) => target).join(", ")})`,
                );
        }, this.rules);
        assert.deepEqual(serious, [], `axe on ${name}`);
    }
}

/** Who takes turns as medical registrar in the demo hospital, and their user names. */
const registrars = { "Dr Priya Raman": "priya.raman", "Dr Daniel Osei": "daniel.osei" };

/** The name and the user name of whoever is medical registrar at this hour; `window` is then at the on-call board. */
export async function medicalRegistrar(window) {
    await window.goTo("On call");
    const role = window.page.getByRole("listitem").filter({ hasText: "Medical registrar" });
    const name = await role.locator("strong").first().textContent();
    assert.ok(registrars[name], `${name}, whom we know, is medical registrar`);
    return { name, user: registrars[name] };
}

/** Milliseconds between pressing Send in one window and the words on the screen of the other. */
export async function sendToScreen(from, to, text) {
    const seen = to.page.evaluate(
        (wanted) =>
            new Promise((resolve) => {
                const look = () => {
                    if (!document.body.innerText.includes(wanted)) return;
                    observer.disconnect();
                    resolve(Date.now());
                };
                const observer = new MutationObserver(look);
                // Attributes too: a row is drawn unseen, measured, and then shown.
                const all = { childList: true, subtree: true, characterData: true, attributes: true };
                observer.observe(document.body, all);
                look();
            }),
        text,
    );
    await from.page.getByLabel("Write a message").fill(text);
    const sent = await from.page.getByRole("button", { name: "Send", exact: true }).evaluate((button) => {
        const now = Date.now();
        button.click();
        return now;
    });
    return (await seen) - sent;
}
