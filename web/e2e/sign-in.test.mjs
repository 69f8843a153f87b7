// Local accounts in real windows: passkeys (Chromium's virtual authenticator), one-time codes, and a person's devices.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { Server } from "./server.mjs";
import { Window, desktop, openBrowser, phone, windows } from "./windows.mjs";

const password = "riverside-demo";
const server = new Server("wardline-sign-in", { named: true });
const security = "/account?action=org.wardline.security";
let browser;

before(async () => {
    await server.start();
    browser = await openBrowser();
});

afterEach(async () => {
    for (const window of windows.splice(0)) await window.context.close();
});

after(async () => {
    await browser?.close();
    await server.stop();
    server.remove();
});

function play(name, part) {
    test(name, async () => {
        let done = false;
        try {
            await part();
            for (const window of windows) assert.deepEqual(window.problems, []);
            done = true;
        } finally {
            if (!done)
                for (const [n, window] of windows.entries()) await window.screenshot(`sign-in-failed-${n}`);
        }
    });
}

/**
 * A window with a device that has a fingerprint reader. It answers at once whatever asks, so that the browser's own offer of
 * a passkey (conditional mediation) is switched off where a test wants to press the button.
 */
async function withReader(url, device, offers = false) {
    const window = await Window.open(browser, "about:blank", device);
    if (!offers)
        await window.context.addInitScript(() => {
            globalThis.PublicKeyCredential.isConditionalMediationAvailable = async () => false;
        });
    const key = await authenticator(window);
    await window.page.goto(url);
    return { window, key, page: window.page };
}

async function authenticator(window) {
    const cdp = await window.context.newCDPSession(window.page);
    await cdp.send("WebAuthn.enable");
    const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
        options: {
            protocol: "ctap2",
            transport: "internal",
            hasResidentKey: true,
            hasUserVerification: true,
            isUserVerified: true,
            automaticPresenceSimulation: true,
        },
    });
    return {
        send: (method, more = {}) => cdp.send(`WebAuthn.${method}`, { authenticatorId, ...more }),
    };
}

async function givePassword({ page }, user) {
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function leavePages({ page }) {
    await page.getByRole("button", { name: /Not you/u }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
}

/** Opens the security page with the password; adds a passkey. */
async function addPasskey(window, user, name) {
    await givePassword(window, user);
    await window.page.getByRole("heading", { name: "How you sign in" }).waitFor();
    await window.page.getByLabel(/A name for the new passkey/u).fill(name);
    await window.page.getByRole("button", { name: "Add a passkey" }).click();
    await window.page.getByText(name, { exact: true }).first().waitFor();
}

for (const { name, device } of [
    { name: "phone", device: phone },
    { name: "desktop-dark", device: { ...desktop, colorScheme: "dark" } },
]) {
    play(`a passkey is added, signs in, is renamed and removed (${name})`, async () => {
        const user = name === "phone" ? "megan.evans" : "dev.patel";
        const { window, key, page } = await withReader(server.url + security, device);
        await window.look(`sign-in-${name}-1-page`);
        await addPasskey(window, user, "Ward phone");
        await window.look(`sign-in-${name}-2-security`);
        // The same device again: the browser knows that it has one.
        await page.getByRole("button", { name: "Add a passkey" }).click();
        await page.getByText(/did not work, or it was cancelled/u).waitFor();
        await leavePages(window);
        await page.getByRole("button", { name: "Sign in with a passkey" }).click();
        await page.getByRole("heading", { name: "Your profile" }).waitFor();
        await page.goto(server.url + security);
        await page.getByRole("heading", { name: "How you sign in" }).waitFor();
        await page.getByText("Rename or remove").click();
        await page.getByLabel("Name", { exact: true }).fill("My fingerprint");
        await page.getByRole("button", { name: "Rename" }).click();
        await page.getByText("My fingerprint").first().waitFor();
        await page.getByText("Rename or remove").click();
        await window.look(`sign-in-${name}-3-rename`);
        await page.getByRole("button", { name: "Remove this passkey" }).click();
        await page.getByText("My fingerprint").first().waitFor({ state: "detached" });
        await leavePages(window);
        await page.getByRole("button", { name: "Sign in with a passkey" }).click();
        await page
            .getByRole("alert")
            .getByText(/not known here/u)
            .waitFor();
        assert.equal((await key.send("getCredentials")).credentials.length, 1);
    });
}

play("a copied passkey is noticed by its counter and refused from then on", async () => {
    const { window, key, page } = await withReader(server.url + security, desktop);
    await addPasskey(window, "hannah.whitfield", "Old phone");
    const { credentials } = await key.send("getCredentials");
    const [copy] = credentials;
    const useIt = async () => {
        await leavePages(window);
        await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    };
    await useIt();
    await page
        .getByRole("heading", { name: "How you sign in" })
        .or(page.getByRole("heading", { name: "Your profile" }))
        .first()
        .waitFor();
    // Its counter is as it was before that sign-in: somebody kept a copy.
    await key.send("removeCredential", { credentialId: copy.credentialId });
    await key.send("addCredential", { credential: copy });
    await useIt();
    await page
        .getByRole("alert")
        .getByText(/not known here, or it was refused/u)
        .waitFor();
    const again = page.waitForEvent("load");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await again;
    await page
        .getByRole("alert")
        .getByText(/not known here, or it was refused/u)
        .waitFor();
    await page.goto(server.url + security);
    await givePassword(window, "hannah.whitfield");
    await page.getByText(/may have been copied/u).waitFor();
    await window.look("sign-in-copied-desktop");
});

play("the browser offers the passkey by itself, and nothing is typed", async () => {
    const { window, page } = await withReader(server.url + security, phone, true);
    await addPasskey(window, "grace.adeyemi", "My phone");
    await page.getByRole("button", { name: /Not you/u }).click();
    await page.getByRole("heading", { name: "Your profile" }).waitFor();
});

/** The code of an authenticator application (RFC 6238). */
function codeOf(secret, at = Date.now()) {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const bits = [...secret.replaceAll(" ", "")]
        .map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0"))
        .join("");
    const key = Buffer.from(bits.match(/.{8}/gu).map((byte) => Number.parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
    const hash = createHmac("sha1", key).update(counter).digest();
    const offset = hash[19] & 0xf;
    return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

play("one-time codes are switched on and asked after the password, in the app too", async () => {
    const user = "daniel.osei";
    const window = await Window.open(browser, server.url + security, phone);
    const { page } = window;
    await givePassword(window, user);
    await page.getByRole("button", { name: "Add an authenticator application" }).click();
    await page.getByRole("img", { name: /QR code/u }).waitFor();
    await window.look("sign-in-totp-1-phone");
    const secret = await page.locator(".key").textContent();
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByRole("button", { name: "Switch on" }).click();
    await page
        .getByRole("alert")
        .getByText(/code is wrong/u)
        .waitFor();
    await page.getByLabel("Code", { exact: true }).fill(codeOf(secret));
    await page.getByRole("button", { name: "Switch on" }).click();
    await page.getByRole("heading", { name: "Your recovery codes" }).waitFor();
    await window.look("sign-in-totp-2-recovery-phone");
    const recovery = await page.locator(".codes code").first().textContent();

    const app = await Window.open(browser, server.url, { ...desktop, colorScheme: "dark" });
    await app.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await givePassword(app, user);
    await app.page.getByRole("heading", { name: "Your one-time code" }).waitFor();
    await app.look("sign-in-totp-3-code-desktop-dark");
    await app.page.getByLabel("Code", { exact: true }).fill("123456");
    await app.page.getByRole("button", { name: "Continue" }).click();
    await app.page.getByRole("alert").waitFor();
    await app.page.getByLabel("Code", { exact: true }).fill(recovery);
    await app.page.getByRole("button", { name: "Continue" }).click();
    await app.page.getByRole("navigation", { name: "Places" }).waitFor();
});

play("a person sees a new sign-in, signs it out, and the device erases and says so", async () => {
    const user = "priya.raman";
    const mine = await Window.open(browser, server.url, desktop);
    await mine.signIn(user);
    await mine.look("sign-in-app-1-desktop");
    const other = await Window.open(browser, server.url, phone);
    await other.page.getByRole("heading", { name: "Sign in to Wardline" }).waitFor();
    await other.look("sign-in-app-2-phone");
    await other.signIn(user);
    const news = mine.page.getByRole("alert", { name: /New sign-in/u });
    await news.waitFor();
    await mine.look("sign-in-new-device-desktop");
    await mine.page.getByRole("button", { name: /^Me:/u }).click();
    await mine.page.getByRole("button", { name: "Your devices" }).click();
    const dialog = mine.page.getByRole("dialog", { name: "Your devices" });
    await dialog.getByText("This device").waitFor();
    await mine.look("sign-in-devices-desktop");
    await dialog.getByRole("button", { name: "Close" }).click();
    await mine.page.getByRole("dialog", { name: "Me" }).getByRole("button", { name: "Close" }).click();
    await news.getByRole("button", { name: "No, sign it out" }).click();
    await news.waitFor({ state: "detached" });
    await other.shows("This device was signed out. Everything it held has been erased.");
    await other.look("sign-in-erased-phone");
    const left = await other.page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    assert.deepEqual(
        left.filter((name) => !name.startsWith("wardline-vault")),
        [],
    );
    await mine.page.getByRole("button", { name: /^Me:/u }).click();
    await mine.page.getByRole("button", { name: "Your devices" }).click();
    await mine.page.getByText(/^Has erased what it held/u).waitFor();
    await mine.look("sign-in-erasure-confirmed-desktop");
});
