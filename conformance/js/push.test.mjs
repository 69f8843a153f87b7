// Web Push read by an implementation that is not ours: http_ece opens what was pushed, Node checks the authorisation.

import assert from "node:assert/strict";
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import ece from "http_ece";
import { Server, roomOf } from "./support.mjs";

let server, amara, ben, service;

/** A push service that keeps what it is given, and lets a test wait for it. */
class PushService {
    #kept = [];
    #waiting = [];
    #http = createServer((request, response) => {
        const chunks = [];
        request.on("data", (chunk) => chunks.push(chunk));
        request.on("end", () => {
            const pushed = { path: request.url, headers: request.headers, body: Buffer.concat(chunks) };
            const next = this.#waiting.shift();
            if (next === undefined) this.#kept.push(pushed);
            else next(pushed);
            response.writeHead(201).end();
        });
    });

    async start() {
        await new Promise((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
        this.origin = `http://127.0.0.1:${this.#http.address().port}`;
    }

    next() {
        const kept = this.#kept.shift();
        return kept === undefined
            ? new Promise((resolve) => this.#waiting.push(resolve))
            : Promise.resolve(kept);
    }

    stop() {
        this.#http.close();
        this.#http.closeAllConnections();
    }
}

before(async () => {
    service = new PushService();
    await service.start();
    server = await Server.start(
        '[outgoing]\nallow = ["127.0.0.0/8"]\n[push]\ncontact = "mailto:push@ward.example"',
    );
    [amara, ben] = await Promise.all([server.person("amara"), server.person("ben")]);
});
after(async () => {
    await server.stop();
    service.stop();
});

/** A browser's side of a subscription: its keys, and how it reads. */
function subscription() {
    const keys = createECDH("prime256v1");
    keys.generateKeys();
    const secret = randomBytes(16);
    return {
        p256dh: keys.getPublicKey("base64url"),
        auth: secret.toString("base64url"),
        read({ headers, body }) {
            assert.equal(headers["content-encoding"], "aes128gcm");
            const opened = ece.decrypt(body, { version: "aes128gcm", privateKey: keys, authSecret: secret });
            return JSON.parse(opened.toString("utf8"));
        },
    };
}

/** Checks a request's authorisation (RFC 8292) as a push service does. */
function checkAuthorization(headers, origin, expectedKey) {
    const [, token, key] = /^vapid t=([^,]+), k=(\S+)$/.exec(headers.authorization);
    assert.equal(key, expectedKey, "the key that clients subscribe with");
    const point = Buffer.from(key, "base64url");
    assert.equal(point.length, 65);
    const jwk = {
        kty: "EC",
        crv: "P-256",
        x: point.subarray(1, 33).toString("base64url"),
        y: point.subarray(33).toString("base64url"),
    };
    const [head, claims, signature] = token.split(".");
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    const signed = verify(
        "sha256",
        Buffer.from(`${head}.${claims}`),
        { key: publicKey, dsaEncoding: "ieee-p1363" },
        Buffer.from(signature, "base64url"),
    );
    assert.ok(signed, "the signature holds");
    const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
    assert.deepEqual({ typ: "JWT", alg: "ES256" }, read(head));
    const { aud, sub, exp } = read(claims);
    assert.deepEqual({ aud, sub }, { aud: origin, sub: "mailto:push@ward.example" });
    const now = Date.now() / 1000;
    assert.ok(exp > now && exp <= now + 24 * 3600, "good for at most a day");
}

test("what is pushed is opened by another implementation, and says ids and a class only", async () => {
    const { body: capabilities } = await server.call(
        "GET",
        "/_matrix/client/v3/capabilities",
        undefined,
        ben.getAccessToken(),
    );
    const vapid = Object.values(capabilities.capabilities)
        .map((capability) => capability?.vapid)
        .find((key) => key !== undefined);
    const browser = subscription();
    const token = ben.getAccessToken();
    const set = await server.call(
        "POST",
        "/_matrix/client/v3/pushers/set",
        {
            kind: "webpush",
            app_id: "org.wardline.web",
            pushkey: browser.p256dh,
            app_display_name: "Wardline",
            device_display_name: "Ward PC",
            lang: "en-GB",
            data: { url: `${service.origin}/push/1`, auth: browser.auth },
        },
        token,
    );
    assert.ok(set.status < 300, JSON.stringify(set.body));
    const asked = await service.next();
    assert.equal(asked.path, "/push/1");
    checkAuthorization(asked.headers, service.origin, vapid);
    const { app_id, ack_token } = browser.read(asked);
    assert.equal(app_id, "org.wardline.web");
    const activated = await server.call(
        "POST",
        "/_matrix/client/v3/pushers/ack",
        { app_id, ack_token },
        token,
    );
    assert.equal(activated.status, 200, JSON.stringify(activated.body));

    const room = await roomOf(amara, [ben], { encrypted: false, name: "Bay 3" });
    // The invitation is told first.
    let pushed = browser.read(await service.next());
    assert.deepEqual([pushed.room_id, pushed.class], [room, "invite"]);
    const { event_id } = await amara.sendTextMessage(room, "Mrs Ahmed looks grey");
    const request = await service.next();
    checkAuthorization(request.headers, service.origin, vapid);
    pushed = browser.read(request);
    assert.deepEqual([pushed.room_id, pushed.event_id, pushed.class], [room, event_id, "message"]);
    assert.doesNotMatch(JSON.stringify(pushed), /Ahmed|grey|amara|Bay/);
    assert.equal(pushed.counts.unread, 1);

    await amara.sendEvent(room, "m.room.encrypted", {
        algorithm: "m.megolm.v1.aes-sha2",
        ciphertext: "AwgA",
        session_id: "session",
        "org.wardline.class": "urgent",
    });
    const urgent = await service.next();
    assert.deepEqual([urgent.headers.urgency, urgent.headers.ttl], ["high", "900"]);
    assert.equal(browser.read(urgent).class, "urgent");
});
