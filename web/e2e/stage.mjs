// What the feature tests share: a nurse on a ward PC and a doctor on a phone in one patient's conversation.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Server } from "./server.mjs";
import { Window, desktop, medicalRegistrar, openBrowser, phone, windows } from "./windows.mjs";

export async function openPatient(window, family = "Okonkwo") {
    await window.goTo("Patients");
    await window.page.getByRole("link", { name: new RegExp(family, "i") }).click();
    await window.page.getByLabel("Write a message").waitFor();
}

/** The bubble with `text`. */
export function bubble(window, text) {
    const words = window.page.locator("p.bubble__text", { hasText: text });
    return window.page.locator(".bubble").filter({ has: words }).last();
}

export async function menu(window, text) {
    await bubble(window, text)
        .getByRole("button", { name: /^More about/ })
        .press("Enter");
    return window.page.getByRole("menu", { name: "What to do with this message" });
}

/** Chooses from the menu of a message. */
export async function choose(window, text, item) {
    await (await menu(window, text)).getByRole("menuitem", { name: item, exact: true }).press("Enter");
}

export class Stage {
    constructor(name, options) {
        this.name = name;
        this.server = new Server(name, options);
    }

    /** Serves the demo hospital, with the files `imports` (beside this one) read into it; `start` is for the server. Opens no window. */
    async serve({ imports = [], ...start } = {}) {
        await this.server.start(start);
        if (imports.length > 0) {
            await this.server.stop();
            for (const file of imports) this.server.import(new URL(file, import.meta.url).pathname);
            await this.server.start(start);
        }
        this.browser = await openBrowser();
    }

    /** A window in which somebody is signed in. */
    async person(user, device) {
        const window = await Window.open(this.browser, this.server.url, device);
        await window.signIn(user);
        return window;
    }

    /** Serves, and opens both windows, in the conversation of the same patient. */
    async open(served) {
        await this.serve(served);
        this.nurse = await this.person("grace.adeyemi", desktop);
        const registrar = await medicalRegistrar(this.nurse);
        this.doctorName = registrar.name;
        this.doctorUser = registrar.user;
        this.doctor = await this.person(registrar.user, { ...phone, colorScheme: "dark" });
        await Promise.all([openPatient(this.nurse), openPatient(this.doctor)]);
    }

    async close() {
        await this.browser?.close();
        await this.server.stop();
        this.server.remove();
    }

    /** A feature. Later ones stand on earlier ones, so the first that fails ends the play; what fails leaves a picture of every window and what it asked for. */
    feature(name, play) {
        test(name, async () => {
            // Told again with each: who reads only the end of a log reads the cause.
            if (this.broken !== undefined)
                throw new Error("an earlier feature failed", { cause: this.broken });
            try {
                await play();
                for (const window of windows) assert.deepEqual(window.problems, []);
            } catch (error) {
                this.broken = error;
                for (const [n, window] of windows.entries()) await window.keep(`${this.name}-failed-${n}`);
                throw error;
            }
        });
    }
}
