// Encrypted conversations: messages, edits, reactions, threads, polls, files.

import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { EventType, M_POLL_END, M_POLL_START, MsgType, RelationType } from "matrix-js-sdk";
import { eventually, found, message, reply, roomOf, Server, slides } from "./support.mjs";

let server, amara, ben, room;

before(async () => {
    server = await Server.start();
    [amara, ben] = await Promise.all([server.person("amara"), server.person("ben")]);
    room = await roomOf(amara, [ben]);
});
after(() => server.stop());

test("two people read each other", async () => {
    await amara.sendTextMessage(room, "Bed 4 looks grey");
    const event = await message(ben, room, "Bed 4 looks grey");
    assert.ok(event.isEncrypted() && !event.isDecryptionFailure());
    await ben.sendTextMessage(room, "On my way");
    await message(amara, room, "On my way");
});

test("an edit replaces the words", async () => {
    const { event_id } = await amara.sendTextMessage(room, "Potassium 6.5");
    await message(ben, room, "Potassium 6.5");
    await amara.sendMessage(room, {
        msgtype: MsgType.Text,
        body: "* Potassium 5.6",
        "m.new_content": { msgtype: MsgType.Text, body: "Potassium 5.6" },
        "m.relates_to": { rel_type: RelationType.Replace, event_id },
    });
    const event = await message(ben, room, "Potassium 5.6");
    assert.equal(event.getId(), event_id);
    // Who comes later finds the edit too: the server joins it to the event.
    const { body } = await server.call(
        "GET",
        `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/event/${encodeURIComponent(event_id)}`,
        undefined,
        ben.getAccessToken(),
    );
    assert.equal(body.unsigned["m.relations"]["m.replace"].type, "m.room.encrypted");
});

test("a reaction is counted on its message and taken back", async () => {
    const { event_id } = await amara.sendTextMessage(room, "Gases done");
    await message(ben, room, "Gases done");
    const reaction = await ben.sendEvent(room, EventType.Reaction, {
        "m.relates_to": { rel_type: RelationType.Annotation, event_id, key: "👍" },
    });
    const reactions = () =>
        amara
            .getRoom(room)
            .relations.getChildEventsForEvent(event_id, RelationType.Annotation, EventType.Reaction)
            ?.getRelations()
            .filter((event) => !event.isRedacted()) ?? [];
    await eventually(() => reactions().length === 1, "the reaction", amara);
    await ben.redactEvent(room, reaction.event_id);
    await eventually(() => reactions().length === 0, "the reaction to be gone", amara);
});

test("a thread has its root, its replies and its summary", async () => {
    const root = await amara.sendTextMessage(room, "Handover, bay C");
    await message(ben, room, "Handover, bay C");
    for (const body of ["Bed 1: stable", "Bed 2: for theatre"]) {
        await reply(ben, room, root.event_id, { msgtype: MsgType.Text, body });
    }
    const thread = await eventually(
        () => {
            const thread = amara.getRoom(room).getThread(root.event_id);
            return thread?.length === 2 && thread;
        },
        "a thread of two",
        amara,
    );
    await eventually(
        () => thread.events.some((event) => event.getContent().body === "Bed 2: for theatre"),
        "the words of the reply",
        amara,
        thread,
    );
    const { events } = await amara.relations(room, root.event_id, RelationType.Thread, null);
    assert.equal(events.length, 2);
});

test("a poll is answered and ended", async () => {
    const poll = await amara.sendEvent(room, M_POLL_START.name, {
        [M_POLL_START.name]: {
            question: { "org.matrix.msc1767.text": "Who takes bed 9?" },
            kind: "org.matrix.msc3381.poll.disclosed",
            max_selections: 1,
            answers: [
                { id: "1", "org.matrix.msc1767.text": "Amara" },
                { id: "2", "org.matrix.msc1767.text": "Ben" },
            ],
        },
        "org.matrix.msc1767.text": "Who takes bed 9?",
    });
    const start = await found(
        ben,
        room,
        (e) => e.getId() === poll.event_id && e.getType() === M_POLL_START.name,
        "poll",
    );
    assert.ok(start.isEncrypted());
    await ben.sendEvent(room, "org.matrix.msc3381.poll.response", {
        "m.relates_to": { rel_type: RelationType.Reference, event_id: poll.event_id },
        "org.matrix.msc3381.poll.response": { answers: ["2"] },
    });
    await amara.sendEvent(room, "org.matrix.msc3381.poll.end", {
        "m.relates_to": { rel_type: RelationType.Reference, event_id: poll.event_id },
        "org.matrix.msc3381.poll.end": {},
        "org.matrix.msc1767.text": "Ben",
    });
    // With sliding sync the SDK makes no polls of events; that each of them came is all there is to see.
    if (slides) return void (await found(ben, room, (e) => e.getType() === M_POLL_END.name, "the end"));
    const at = await eventually(() => ben.getRoom(room).polls.get(poll.event_id), "the poll", ben);
    const responses = await at.getResponses();
    await eventually(
        () => at.isEnded && responses.getRelations().length === 1,
        "the poll to be over",
        ben,
        at,
        responses,
    );
});

test("a file is encrypted on the way and whole at the other end", async () => {
    const picture = randomBytes(300_000);
    const [key, iv] = [randomBytes(32), Buffer.concat([randomBytes(8), Buffer.alloc(8)])];
    const cipher = createCipheriv("aes-256-ctr", key, iv);
    const sealed = Buffer.concat([cipher.update(picture), cipher.final()]);
    const { content_uri } = await amara.uploadContent(new Blob([sealed]), {
        type: "application/octet-stream",
    });
    await amara.sendMessage(room, {
        msgtype: MsgType.File,
        body: "ecg.png",
        file: {
            v: "v2",
            url: content_uri,
            key: {
                kty: "oct",
                alg: "A256CTR",
                ext: true,
                key_ops: ["encrypt"],
                k: key.toString("base64url"),
            },
            iv: iv.toString("base64").replace(/=+$/, ""),
            hashes: { sha256: createHash("sha256").update(sealed).digest("base64").replace(/=+$/, "") },
        },
    });
    const event = await message(ben, room, "ecg.png");
    const { file } = event.getContent();
    const url = ben.mxcUrlToHttp(file.url, undefined, undefined, undefined, false, true, true);
    assert.equal((await fetch(url)).status, 401, "nothing without a token");
    const response = await fetch(url, { headers: { authorization: `Bearer ${ben.getAccessToken()}` } });
    assert.equal(response.status, 200);
    const got = Buffer.from(await response.arrayBuffer());
    assert.equal(createHash("sha256").update(got).digest("base64").replace(/=+$/, ""), file.hashes.sha256);
    const decipher = createDecipheriv(
        "aes-256-ctr",
        Buffer.from(file.key.k, "base64url"),
        Buffer.from(file.iv, "base64"),
    );
    assert.ok(Buffer.concat([decipher.update(got), decipher.final()]).equals(picture));
});

test("who is removed reads nothing that is said later", async () => {
    const cara = await server.person("cara");
    const other = await roomOf(amara, [ben, cara]);
    await amara.sendTextMessage(other, "for all three");
    await message(cara, other, "for all three");
    await amara.kick(other, cara.getUserId());
    await eventually(() => amara.getRoom(other).getJoinedMemberCount() === 2, "her leaving", amara);
    await amara.sendTextMessage(other, "for two");
    await message(ben, other, "for two");
    await assert.rejects(cara.sendTextMessage(other, "still here?"));
    const seen = cara.getRoom(other).getLiveTimeline().getEvents();
    assert.ok(!seen.some((event) => event.getContent().body === "for two"));
});
