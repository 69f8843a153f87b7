// Who is who: verification by emoji and by QR code, identities that change, recovery by secret storage and backup.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CryptoEvent, VerificationPhase, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import {
    eventually,
    identity,
    identityAgain,
    inTheEnd,
    message,
    next,
    roomOf,
    Server,
    tell,
    uia,
} from "./support.mjs";

let server;

before(async () => {
    server = await Server.start();
});
after(() => server.stop());

/** Waits for a request to come in, accepts it, and gives it. */
async function accepted(client) {
    const request = await next(client, CryptoEvent.VerificationRequestReceived);
    tell(request);
    await request.accept();
    return request;
}

/** Both sides of a comparison of emoji. */
async function compareEmoji(asked, answered) {
    tell(asked);
    await eventually(() => asked.phase === VerificationPhase.Ready, "the other side to be ready", asked);
    const mine = await asked.startVerification("m.sas.v1");
    const theirs = await eventually(() => answered.verifier, "the other side's verifier", answered);
    const shown = Promise.all([mine, theirs].map((verifier) => next(verifier, VerifierEvent.ShowSas)));
    const done = [mine.verify(), theirs.verify()];
    const [one, other] = await shown;
    assert.equal(one.sas.emoji.length, 7);
    assert.deepEqual(one.sas.emoji, other.sas.emoji);
    await Promise.all([one.confirm(), other.confirm(), ...done]);
    await ended([asked, answered], [mine, theirs]);
}

/** Waits until requests are done. The SDK holds them and their verifiers only weakly: whoever lets go of one before that waits for ever. */
async function ended(requests, verifiers) {
    for (const request of requests)
        await eventually(() => request.phase === VerificationPhase.Done, "the end of the request", request);
    for (const verifier of verifiers) assert.equal(verifier.hasBeenCancelled, false);
}

/** Waits until a client has the keys of another device of its user: the SDK ignores who asks before that. */
const knows = (client, device) =>
    inTheEnd(
        async () => {
            const user = client.getUserId();
            return (await client.getCrypto().getUserDeviceInfo([user])).get(user)?.has(device);
        },
        "the keys of the other device",
        client,
    );

/** Waits until the client knows that its user's device is signed by the identity. */
const signed = (client, device) =>
    inTheEnd(
        async () => {
            const status = await client.getCrypto().getDeviceVerificationStatus(client.getUserId(), device);
            return status?.crossSigningVerified;
        },
        "the device to be signed",
        client,
    );

/** Waits until there are keys in the backup. */
const backedUp = (client) =>
    inTheEnd(
        async () => {
            const { count, etag } = await backup(client);
            return count > 0 && etag !== "0";
        },
        "the backup",
        client,
    );

/** The backup as the server has it. */
async function backup(client) {
    const path = "/_matrix/client/v3/room_keys/version";
    return (await server.call("GET", path, undefined, client.getAccessToken())).body;
}

test("two people compare emoji", async () => {
    const [amara, ben] = await Promise.all([server.person("amara"), server.person("ben")]);
    await Promise.all([identity(amara), identity(ben)]);
    const room = await roomOf(amara, [ben]);
    await amara.sendTextMessage(room, "shall we?");
    await message(ben, room, "shall we?");
    const trust = async (one, other) =>
        (await one.getCrypto().getUserVerificationStatus(other.getUserId())).isCrossSigningVerified();
    assert.equal(await trust(amara, ben), false);
    const coming = accepted(ben);
    const asked = await amara.getCrypto().requestVerificationDM(ben.getUserId(), room);
    await compareEmoji(asked, await coming);
    await inTheEnd(() => trust(amara, ben), "her trust in him", amara);
    await inTheEnd(() => trust(ben, amara), "his trust in her", ben);
});

test("a new device is let in by emoji by the one that is there", async () => {
    const old = await server.person("cara");
    await identity(old);
    const fresh = await server.signIn("cara");
    await knows(old, fresh.getDeviceId());
    const coming = accepted(old);
    const asked = await fresh.getCrypto().requestOwnUserVerification();
    await compareEmoji(asked, await coming);
    for (const client of [old, fresh]) await signed(client, fresh.getDeviceId());
    await inTheEnd(
        () => fresh.getCrypto().isCrossSigningReady(),
        "the private keys from the other device",
        fresh,
    );
});

test("a new device is let in by QR code", async () => {
    const old = await server.person("dai");
    await identity(old);
    const room = await roomOf(old);
    await old.sendTextMessage(room, "before the new phone");
    await message(old, room, "before the new phone");
    await backedUp(old);
    const fresh = await server.signIn("dai");
    await knows(old, fresh.getDeviceId());
    const coming = accepted(old);
    const asked = await fresh.getCrypto().requestOwnUserVerification();
    const answered = await coming;
    await eventually(() => asked.phase === VerificationPhase.Ready, "the other device to be ready", asked);
    // The new device shows the code, the old one scans it and has verified it before the new one asks it for secrets.
    const code = await asked.generateQRCode();
    const scanning = await answered.scanQRCode(new Uint8ClampedArray(code));
    const done = scanning.verify();
    const shown = await eventually(() => asked.verifier, "the shown code's verifier", asked);
    const asks = await eventually(
        () => shown.getReciprocateQrCodeCallbacks(),
        "the scan",
        shown,
        asked,
        old,
        fresh,
    );
    const verified = shown.verify();
    asks.confirm();
    await Promise.all([done, verified]);
    await ended([asked, answered], [scanning, shown]);
    for (const client of [old, fresh]) await signed(client, fresh.getDeviceId());
    const crypto = fresh.getCrypto();
    await inTheEnd(() => crypto.getSessionBackupPrivateKey(), "the key of the backup", fresh);
    await crypto.checkKeyBackupAndEnable();
    await crypto.restoreKeyBackup();
    await message(fresh, room, "before the new phone");
});

test("a lost device's history comes back out of the backup", async () => {
    const [eve, finn] = await Promise.all([server.person("eve"), server.person("finn")]);
    await identity(eve);
    const room = await roomOf(eve, [finn]);
    for (let n = 0; n < 12; n++) await finn.sendTextMessage(room, `result ${n}`);
    await message(eve, room, "result 11");
    await backedUp(eve);
    const secrets = eve.secrets;
    await eve.logout(true);

    const again = await server.signIn("eve", { secrets });
    const crypto = again.getCrypto();
    await identityAgain(again);
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    await crypto.checkKeyBackupAndEnable();
    const { total, imported } = await crypto.restoreKeyBackup();
    assert.ok(total >= 1 && imported === total);
    await message(again, room, "result 0");
    await message(again, room, "result 11");
    await finn.sendTextMessage(room, "and the new device reads on");
    await message(again, room, "and the new device reads on");
});

test("a reset identity asks for the password, is told to others, and breaks the old trust", async () => {
    const [gita, hugh] = await Promise.all([server.person("gita"), server.person("hugh")]);
    await Promise.all([identity(gita), identity(hugh)]);
    const room = await roomOf(gita, [hugh]);
    await gita.sendTextMessage(room, "it is me");
    await message(hugh, room, "it is me");
    const coming = accepted(hugh);
    const asked = await gita.getCrypto().requestVerificationDM(hugh.getUserId(), room);
    await compareEmoji(asked, await coming);
    const seen = () => hugh.getCrypto().getUserVerificationStatus(gita.getUserId());
    await inTheEnd(async () => (await seen()).isCrossSigningVerified(), "his trust in her", hugh);
    const before = await gita.getCrypto().getCrossSigningKeyId();
    const older = await backup(gita);

    const refused = gita.getCrypto().bootstrapCrossSigning({
        setupNewCrossSigning: true,
        authUploadDeviceSigningKeys: (makeRequest) => makeRequest(null),
    });
    await assert.rejects(refused, (error) => error.httpStatus === 401);
    await gita.getCrypto().resetEncryption(uia(gita));
    assert.notEqual(await gita.getCrypto().getCrossSigningKeyId(), before);
    await inTheEnd(async () => !(await seen()).isCrossSigningVerified(), "the end of his trust", hugh);
    assert.ok((await seen()).wasCrossSigningVerified(), "he is to be warned");
    assert.notEqual((await backup(gita)).version, older.version, "the old backup went with the old identity");
});
