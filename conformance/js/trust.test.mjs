// Colleagues are verified by the organisation's own signature, without a comparison of emoji.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { identity, inTheEnd, message, roomOf, Server, uia } from "./support.mjs";

const NAMED = '[trust_identity]\nname = "Riverside NHS Trust"';

let server, other;

before(async () => {
    [server, other] = await Promise.all([Server.start(NAMED), Server.start()]);
});
after(() => Promise.all([server.stop(), other.stop()]));

async function authority(of) {
    const { status, body } = await of.call("GET", "/_wardline/gateway/v1/trust-identity");
    assert.equal(status, 200);
    return body;
}

const seen = (by, whom) => by.getCrypto().getUserVerificationStatus(whom.getUserId());

test("a colleague is verified by the Trust, also after a new identity, and not by another Trust", async () => {
    const trust = await authority(server);
    assert.equal(trust.name, "Riverside NHS Trust");
    const stranger = await authority(other);
    const amara = await server.person("amara");
    await identity(amara);
    const ben = await server.person("ben", { crypto: { caCertsPem: trust.certificates } });
    const cara = await server.person("cara", { crypto: { caCertsPem: stranger.certificates } });
    const room = await roomOf(amara, [ben, cara]);
    await amara.sendTextMessage(room, "who is this?");
    await message(ben, room, "who is this?");
    await message(cara, room, "who is this?");
    await inTheEnd(async () => (await seen(ben, amara)).isCrossSigningVerified(), "the Trust's word", ben);
    await inTheEnd(async () => (await seen(cara, amara)).known, "her identity", cara);
    assert.ok(!(await seen(cara, amara)).isCrossSigningVerified(), "another Trust's word counts for nothing");

    // A new identity is signed by the Trust at once: nobody is warned.
    const before = await amara.getCrypto().getCrossSigningKeyId();
    await amara.getCrypto().resetEncryption(uia(amara));
    const after = await amara.getCrypto().getCrossSigningKeyId();
    assert.notEqual(before, after);
    await inTheEnd(
        async () => {
            await ben.getCrypto().getUserDeviceInfo([amara.getUserId()], true);
            const key = await identityKey(ben, amara);
            return key === after && (await seen(ben, amara)).isCrossSigningVerified();
        },
        "the Trust's word on the new identity",
        ben,
    );
    assert.equal((await seen(ben, amara)).needsUserApproval, false);
});

test("an identity that changes without the Trust's word is warned of", async () => {
    const trust = await authority(server);
    const dai = await server.person("dai");
    await identity(dai);
    const eve = await server.person("eve", { crypto: { caCertsPem: trust.certificates } });
    const room = await roomOf(dai, [eve]);
    await dai.sendTextMessage(room, "hello");
    await message(eve, room, "hello");
    await inTheEnd(async () => (await seen(eve, dai)).isCrossSigningVerified(), "the Trust's word", eve);
    await server.restart("[trust_identity]\nenabled = false");
    await dai.getCrypto().resetEncryption(uia(dai));
    await inTheEnd(async () => !(await seen(eve, dai)).isCrossSigningVerified(), "the end of trust", eve);
    assert.ok((await seen(eve, dai)).needsUserApproval, "she is warned");
});

/** The master key of somebody as the server tells it to a client. */
async function identityKey(client, of) {
    const body = { device_keys: { [of.getUserId()]: [] } };
    const answer = await server.call("POST", "/_matrix/client/v3/keys/query", body, client.getAccessToken());
    return Object.values(answer.body.master_keys[of.getUserId()].keys)[0];
}
