// Sign-in by OAuth in real windows, with the OAuth client of matrix-js-sdk as the application.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { OAuth2 } from "matrix-js-sdk/lib/oauth/index.js";
import { root } from "./places.mjs";
import { Server } from "./server.mjs";
import { Window, desktop, openBrowser, phone } from "./windows.mjs";

const password = "riverside-demo";
const server = new Server("wardline-oauth");
/** The application's own address, where the browser comes back to. */
const application = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>Application</title><h1>Back in the application</h1>");
});
const silent = { getChild: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const client = {
    client_uri: "https://app.example.org/",
    client_name: "Ward phone",
    application_type: "native",
    policy_uri: "https://app.example.org/privacy",
    redirect_uris: ["http://127.0.0.1/callback"],
};
let browser;
let metadata;
let callback;

before(async () => {
    await server.start();
    metadata = await (await fetch(`${server.url}/_matrix/client/v1/auth_metadata`)).json();
    await new Promise((resolve) => application.listen(0, "127.0.0.1", resolve));
    callback = `http://127.0.0.1:${application.address().port}/callback`;
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    application.close();
    await server.stop();
    server.remove();
});

async function register() {
    return new OAuth2(metadata, { clientId: await OAuth2.registerClient(metadata, client, silent) }, silent);
}

async function signIn({ page }, user, secret = password) {
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password").fill(secret);
    await page.getByRole("button", { name: "Sign in" }).click();
}

async function whoami(token) {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${server.url}/_matrix/client/v3/account/whoami`, { headers });
    return { status: answer.status, ...(await answer.json()) };
}

/** A new window that allows the application; the parameters it is sent back with. */
async function allow(oauth, device, mode, name) {
    const window = await Window.open(
        browser,
        await oauth.generateAuthorizationCodeGrantUrl("a state", callback, mode),
        device,
    );
    await window.look(`oauth-${name}-1-sign-in`);
    await signIn(window, "megan.evans", "wrong");
    await window.page.getByRole("alert").waitFor();
    await window.look(`oauth-${name}-2-wrong`);
    await signIn(window, "megan.evans");
    await window.page.getByText("Ward phone").waitFor();
    await window.look(`oauth-${name}-3-consent`);
    await window.page.getByRole("button", { name: "Continue" }).click();
    await window.page.getByText("Back in the application").waitFor();
    const url = new URL(window.page.url());
    await window.context.close();
    return new URLSearchParams(mode === "fragment" ? url.hash.slice(1) : url.search);
}

for (const { name, device, mode } of [
    { name: "phone", device: phone, mode: "fragment" },
    { name: "desktop", device: desktop, mode: "query" },
]) {
    test(`an application signs in, refreshes and signs out (${name})`, async () => {
        const oauth = await register();
        const back = await allow(oauth, device, mode, name);
        assert.equal(back.get("state"), "a state");
        assert.equal(back.get("iss"), metadata.issuer);
        const first = await oauth.completeAuthorizationCodeGrant(back.get("code"), callback);
        assert.equal((await whoami(first.access_token)).device_id, oauth.context.deviceId);
        const next = await oauth.performRefreshTokenGrant(first.refresh_token);
        assert.equal((await whoami(next.access_token)).status, 200);
        assert.equal((await whoami(first.access_token)).status, 401);
        await oauth.revokeToken(next.refresh_token, "refresh_token");
        assert.equal((await whoami(next.access_token)).status, 401);
    });
}

test("a person says no, and the application is told", async () => {
    const oauth = await register();
    const start = await oauth.generateAuthorizationCodeGrantUrl("a state", callback);
    const window = await Window.open(browser, start, desktop);
    await signIn(window, "megan.evans");
    await window.page.getByRole("button", { name: "Cancel" }).click();
    await window.page.getByText("Back in the application").waitFor();
    assert.match(window.page.url(), /#error=access_denied&/u);
    await window.context.close();
});

test("a device without a browser is allowed on a phone", async () => {
    const oauth = await register();
    const session = await oauth.startDeviceAuthorizationGrant();
    const window = await Window.open(browser, session.verification_uri, phone);
    await signIn(window, "megan.evans");
    await window.page.getByLabel("Code").fill(session.user_code.toLowerCase());
    await window.look("oauth-device-1-code");
    await window.page.getByRole("button", { name: "Go on" }).click();
    await window.page.getByText(session.user_code).waitFor();
    await window.look("oauth-device-2-consent");
    await window.page.getByRole("button", { name: "Continue" }).click();
    await window.page.getByRole("heading", { name: "Done" }).waitFor();
    const tokens = await oauth.waitForDeviceAuthorizationGrant(session);
    assert.equal((await whoami(tokens.access_token)).device_id, oauth.context.deviceId);
    await window.context.close();
});

test("the account page, on a phone and a desktop", async () => {
    for (const { name, device } of [
        { name: "phone", device: phone },
        { name: "desktop", device: desktop },
    ]) {
        const window = await Window.open(browser, metadata.account_management_uri, device);
        await signIn(window, "megan.evans");
        await window.page.getByRole("heading", { name: "Your profile" }).waitFor();
        await window.look(`account-${name}-1-profile`);
        await window.page.getByRole("link", { name: "Devices" }).click();
        await window.page.getByRole("heading", { name: "Your devices" }).waitFor();
        await window.look(`account-${name}-2-devices`);
        await window.page.getByRole("link", { name: "Reset identity" }).click();
        await window.look(`account-${name}-3-reset`);
        await window.page.getByRole("link", { name: "Close account" }).click();
        await window.look(`account-${name}-4-close`);
        await window.page.getByRole("button", { name: /Not you/u }).click();
        await window.page.getByRole("heading", { name: "Sign in" }).waitFor();
        await window.context.close();
    }
});

test("the legacy login API signs in through the browser", async () => {
    const start = `${server.url}/_matrix/client/v3/login/sso/redirect?redirectUrl=${encodeURIComponent(callback)}`;
    const window = await Window.open(browser, start, desktop);
    await signIn(window, "megan.evans");
    await window.page.getByText("127.0.0.1", { exact: true }).waitFor();
    await window.look("oauth-sso-consent");
    await window.page.getByRole("button", { name: "Continue" }).click();
    await window.page.getByText("Back in the application").waitFor();
    const token = new URL(window.page.url()).searchParams.get("loginToken");
    const body = JSON.stringify({ type: "m.login.token", token });
    const login = () => fetch(`${server.url}/_matrix/client/v3/login`, { method: "POST", body });
    assert.equal((await login()).status, 200);
    assert.equal((await login()).status, 403);
    await window.context.close();
});

test("the pages speak Welsh to who asks for it, and nothing but Welsh", async () => {
    const catalogue = readFileSync(join(root, "crates/http/src/oauth/cy.txt"), "utf8");
    const lines = catalogue.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const english = lines.filter((line, n) => n % 2 === 0 && / /u.test(line));
    const asked = `${metadata.account_management_uri}?ui_locales=fr%20cy`;
    const window = await Window.open(browser, asked, { ...phone, colorScheme: "dark" });
    const { context, page } = window;
    const look = async (name) => {
        assert.equal(await page.locator("html").getAttribute("lang"), "cy");
        const said = await page.locator("body").innerText();
        const left = english.filter((line) => line.split("{}").every((part) => said.includes(part)));
        assert.deepEqual(left, [], name);
        await window.look(`account-cy-${name}`);
    };
    await look("1-sign-in");
    const enter = async (secret) => {
        await page.getByLabel("Enw defnyddiwr").fill("megan.evans");
        await page.getByLabel("Cyfrinair").fill(secret);
        await page.getByRole("button", { name: "Mewngofnodi", exact: true }).click();
    };
    await enter("wrong");
    await page.getByRole("alert").waitFor();
    await look("2-wrong");
    await enter(password);
    await page.getByRole("heading", { name: "Eich proffil" }).waitFor();
    await look("3-profile");
    for (const [n, link, title] of [
        [4, "Sut rydych yn mewngofnodi", "Sut rydych yn mewngofnodi"],
        [5, "Dyfeisiau", "Eich dyfeisiau"],
        [6, "Ailosod hunaniaeth", "Ailosod eich hunaniaeth ddigidol?"],
        [7, "Cau’r cyfrif", "Cau eich cyfrif?"],
    ]) {
        await page.getByRole("link", { name: link }).click();
        await page.getByRole("heading", { level: 1, name: title }).waitFor();
        await look(`${n}`);
    }
    await context.close();
});
