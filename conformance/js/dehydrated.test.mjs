// A device sleeps on the server while its user is signed out, and is woken at the next sign-in.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { identity, identityAgain, message, roomOf, Server } from "./support.mjs";

let server;

before(async () => {
    server = await Server.start();
});
after(() => server.stop());

test("what is said while somebody is signed out is read at the next sign-in", async () => {
    const [amara, ben] = await Promise.all([server.person("amara"), server.person("ben")]);
    await identity(amara);
    assert.ok(await amara.getCrypto().isDehydrationSupported());
    await amara.getCrypto().startDehydration();
    const room = await roomOf(ben, [amara]);
    await ben.sendTextMessage(room, "while she is there");
    await message(amara, room, "while she is there");
    const secrets = amara.secrets;
    await amara.logout(true);
    for (let n = 0; n < 3; n++) {
        // A new Megolm session each time, which only the sleeping device is told of.
        await ben.getCrypto().forceDiscardSession(room);
        await ben.sendTextMessage(room, `while she is away ${n}`);
    }

    const again = await server.signIn("amara", { secrets });
    await identityAgain(again);
    await again.getCrypto().startDehydration();
    for (let n = 0; n < 3; n++) await message(again, room, `while she is away ${n}`);
    // It sleeps again under another id.
    const path = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";
    const { status, body } = await server.call("GET", path, undefined, again.getAccessToken());
    assert.equal(status, 200);
    assert.notEqual(body.device_id, again.getDeviceId());
});
