// Sign-in with the organisation's identity provider in real windows, with a third party's provider configured as a
// hospital's, as NHS CIS2 and as NHS login.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { OAuth2 } from "matrix-js-sdk/lib/oauth/index.js";
import { clientKey, startProvider } from "./provider.mjs";
import { Server } from "./server.mjs";
import { Window, desktop, openBrowser, phone } from "./windows.mjs";

const silent = { getChild: () => silent, trace() {}, debug() {}, info() {}, warn() {}, error() {} };
/** As Element registers itself. */
const client = {
    client_uri: "https://app.element.io/",
    client_name: "Element",
    application_type: "native",
    redirect_uris: ["http://127.0.0.1/callback"],
};
const scopes = ["nhsperson", "nationalrbacaccess", "associatedorgs", "selectedrole"];
const port = 18_000 + (process.pid % 2000);
const base = `http://127.0.0.1:${port}`;
const callbackOf = (id) => ({
    redirect_uris: [`${base}/oauth/upstream/${id}/callback`],
    post_logout_redirect_uris: [`${base}/oauth/upstream/${id}/signed-out`],
    backchannel_logout_uri: `${base}/oauth/upstream/${id}/backchannel-logout`,
    backchannel_logout_session_required: true,
});

const server = new Server("wardline-upstream");
const providers = {};
let browser;
let metadata;

before(async () => {
    const key = clientKey("wardline-1", "RS512");
    providers.trust = await startProvider({ client: { client_secret: "a secret", ...callbackOf("trust") } });
    providers.cis2 = await startProvider({
        scopes,
        client: {
            client_secret: "another",
            token_endpoint_auth_method: "client_secret_post",
            ...callbackOf("cis2"),
        },
    });
    providers.nhs = await startProvider({
        algorithm: "RS512",
        client: {
            token_endpoint_auth_method: "private_key_jwt",
            token_endpoint_auth_signing_alg: "RS512",
            jwks: { keys: [key.jwk] },
            ...callbackOf("nhs"),
        },
    });
    const file = (name, text) => {
        writeFileSync(join(server.data, name), text);
        return name;
    };
    file(
        "wardline.toml",
        `server_name = "riverside.example"
data = "house"
public_url = "${base}"
[outgoing]
allow = ["127.0.0.0/8"]
[[identity.providers]]
id = "trust"
label = "Sign in with Riverside Trust"
issuer = "${providers.trust.issuer}"
client_id = "wardline"
client_secret_file = "${file("trust.secret", "a secret\n")}"
user_info = true
poll_seconds = 1
[[identity.providers]]
id = "cis2"
profile = "cis2"
issuer = "${providers.cis2.issuer}"
client_id = "wardline"
client_authentication = "client_secret_post"
client_secret_file = "${file("cis2.secret", "another\n")}"
[[identity.providers]]
id = "nhs"
profile = "nhs-login"
issuer = "${providers.nhs.issuer}"
client_id = "wardline"
client_authentication = "private_key_jwt"
private_key_file = "${file("nhs.pem", key.pem)}"
key_id = "wardline-1"
`,
    );
    await server.serve(join(server.data, "wardline.toml"), `127.0.0.1:${port}`);
    metadata = await (await fetch(`${server.url}/_matrix/client/v1/auth_metadata`)).json();
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    for (const provider of Object.values(providers)) provider.stop();
    await server.stop();
    server.remove();
});

async function whoami(token) {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${server.url}/_matrix/client/v3/account/whoami`, { headers });
    return { status: answer.status, ...(await answer.json()) };
}

/** An application that has registered itself, and a window at its sign-in. */
async function application(device) {
    const id = await OAuth2.registerClient(metadata, client, silent);
    const oauth = new OAuth2(metadata, { clientId: id }, silent);
    const callback = "http://127.0.0.1:9/callback";
    const start = await oauth.generateAuthorizationCodeGrantUrl("a state", callback, "query");
    return { oauth, callback, window: await Window.open(browser, start, device) };
}

/** Goes to a provider and gives it a name. */
async function nameAt({ page }, button, name) {
    await page.getByRole("link", { name: button }).click();
    await page.getByRole("heading", { name: "Identity provider" }).waitFor();
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Go on" }).click();
}

/** Allows the application; its tokens. Nothing listens at the application's address: the browser's attempt is enough. */
async function allow({ oauth, callback, window }) {
    const asked = window.page.waitForRequest((request) => request.url().startsWith(callback));
    await window.page.getByRole("button", { name: "Continue" }).click();
    const answer = new URL((await asked).url()).searchParams;
    assert.equal(answer.get("iss"), metadata.issuer);
    return oauth.completeAuthorizationCodeGrant(answer.get("code"), callback);
}

/** Waits for news until the session is over. */
async function isOver(token) {
    const headers = { authorization: `Bearer ${token}` };
    for (let [tries, since] = [0, ""]; tries < 200; tries += 1) {
        const answer = await fetch(`${server.url}/_matrix/client/v3/sync?timeout=500${since}`, { headers });
        if (answer.status === 401) return;
        since = `&since=${(await answer.json()).next_batch}`;
    }
    assert.fail("the session is not over");
}

for (const { name, device } of [
    { name: "phone", device: phone },
    { name: "desktop", device: desktop },
]) {
    test(`a member of staff signs in with the Trust's provider (${name})`, async () => {
        const at = await application(device);
        await at.window.look(`upstream-${name}-1-ways`);
        await nameAt(at.window, "Sign in with Riverside Trust", "zoe");
        await at.window.page.getByText("Element").waitFor();
        await at.window.look(`upstream-${name}-2-consent`);
        const tokens = await allow(at);
        const who = await whoami(tokens.access_token);
        assert.equal(who.user_id, "@zoe.ng:riverside.example");
        assert.equal(who["org.wardline.kind"], "staff");
        const next = await at.oauth.performRefreshTokenGrant(tokens.refresh_token);
        assert.equal((await whoami(next.access_token)).status, 200);
        await at.window.context.close();
    });
}

test("a person whom the provider does not let in is told so", async () => {
    const first = await application(desktop);
    await nameAt(first.window, "Sign in with Riverside Trust", "nobody");
    await first.window.page.getByText("You were not signed in").waitFor();
    await first.window.look("upstream-refused");
    await first.window.context.close();
});

test("the provider's sign-out ends the session here at once", async () => {
    const at = await application(desktop);
    await nameAt(at.window, "Sign in with Riverside Trust", "megan");
    await at.window.page.getByText("Element").waitFor();
    const { access_token: token } = await allow(at);
    assert.equal((await whoami(token)).user_id, "@megan.evans:riverside.example");
    // In a page of its own: the first one is still on its way to the application, which nobody runs here.
    const page = await at.window.context.newPage();
    await page.goto(`${providers.trust.issuer}/session/end`);
    await page.getByRole("button", { name: "Yes, sign me out" }).click();
    await isOver(token);
    assert.deepEqual(providers.trust.signedOut, ["megan"], "it was told, and did not have to ask");
    await at.window.context.close();
});

test("signing out of the pages signs out at the provider too", async () => {
    const window = await Window.open(browser, metadata.account_management_uri, desktop);
    await nameAt(window, "Sign in with Riverside Trust", "zoe");
    await window.page.getByRole("heading", { name: "Your profile" }).waitFor();
    await window.page.getByRole("button", { name: /Not you/u }).click();
    await window.page.getByRole("button", { name: "Yes, sign me out" }).click();
    await window.page.getByText("You are signed out here and at your organisation.").waitFor();
    await window.context.close();
});

test("an account that is disabled at the provider loses its session here", async () => {
    const at = await application(desktop);
    await nameAt(at.window, "Sign in with Riverside Trust", "zoe");
    await at.window.page.getByText("Element").waitFor();
    const { access_token: token } = await allow(at);
    assert.equal((await whoami(token)).status, 200);
    providers.trust.disable("zoe");
    await isOver(token);
    await at.window.context.close();
});

test("CIS2: a role at one organisation signs in with it", async () => {
    const at = await application(phone);
    await nameAt(at.window, "Sign in with NHS CIS2", "nurse");
    await at.window.page.getByText("Element").waitFor();
    const { access_token: token } = await allow(at);
    const who = await whoami(token);
    assert.equal(who.user_id, "@555000000011:riverside.example");
    assert.deepEqual(
        { name: who["org.wardline.role"].name, ods: who["org.wardline.role"].ods },
        { name: "Nurse Access Role", ods: "RX1" },
    );
    // In the directory too, with the number of the register.
    const headers = { authorization: `Bearer ${token}` };
    const entry = await fetch(`${server.url}/fhir/R4/Practitioner/555000000011`, { headers });
    const { name, identifier } = await entry.json();
    assert.equal(name[0].family, "Rees");
    assert.deepEqual(identifier, [{ system: "https://fhir.nhs.uk/Id/sds-user-id", value: "555000000011" }]);
    assert.equal(providers.cis2.asked.at(-1).acr_values, "AAL2_OR_AAL3_ANY");
    await at.window.context.close();
});

test("CIS2: roles at two organisations make the person choose", async () => {
    const at = await application(phone);
    await nameAt(at.window, "Sign in with NHS CIS2", "locum");
    await at.window.page.getByRole("heading", { name: "Choose your role" }).waitFor();
    await at.window.look("upstream-cis2-role");
    await at.window.page.getByRole("button", { name: /Riverside General Hospital/u }).click();
    await at.window.page.getByText("Element").waitFor();
    const { access_token: token } = await allow(at);
    assert.equal((await whoami(token))["org.wardline.role"].ods, "RX1");
    await at.window.context.close();
});

test("CIS2: one factor and malformed roles open nothing", async () => {
    for (const [name, text] of [
        ["weak", "not strong enough"],
        ["broken", "cannot be read"],
    ]) {
        const at = await application(desktop);
        await nameAt(at.window, "Sign in with NHS CIS2", name);
        await at.window.page.getByText(text).waitFor();
        await at.window.look(`upstream-cis2-${name}`);
        await at.window.context.close();
    }
});

test("NHS login: a patient signs in, and finds nobody", async () => {
    const at = await application(phone);
    await nameAt(at.window, "Sign in with NHS login", "patient");
    await at.window.page.getByText("Element").waitFor();
    const { access_token: token } = await allow(at);
    const who = await whoami(token);
    assert.match(who.user_id, /^@patient-[0-9a-f]{20}:/u);
    assert.equal(who["org.wardline.kind"], "patient");
    assert.match(providers.nhs.asked.at(-1).vtr, /P9\.Cp\.Cd/u);
    const search = await fetch(`${server.url}/_matrix/client/v3/user_directory/search`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ search_term: "zoe" }),
    });
    assert.equal(search.status, 403);
    await at.window.context.close();
});

test("NHS login: an identity that is not proved to P9 opens nothing", async () => {
    const at = await application(phone);
    await nameAt(at.window, "Sign in with NHS login", "unproved");
    await at.window.page.getByText("photo identification").waitFor();
    await at.window.look("upstream-nhs-unproved");
    await at.window.context.close();
});

test("the audit is whole", async () => {
    await server.stop();
    server.verifyAudit("house");
});
