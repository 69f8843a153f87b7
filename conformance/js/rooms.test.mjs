// Rooms as clients use them: upgrade, spaces, knocking, push rules, all read by the SDK itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    ConditionKind,
    EventType,
    JoinRule,
    KnownMembership,
    Preset,
    PushRuleKind,
    RoomType,
} from "matrix-js-sdk";
import { eventually, message, roomOf, Server } from "./support.mjs";

let server, amara, ben;

before(async () => {
    server = await Server.start();
    [amara, ben] = await Promise.all([server.person("amara"), server.person("ben")]);
});
after(() => server.stop());

test("an upgraded room leads on, and its people read on in the new one", async () => {
    const room = await roomOf(amara, [ben], { room_version: "11", name: "Ward 7" });
    await amara.sendTextMessage(room, "before");
    await message(ben, room, "before");
    const { replacement_room } = await amara.upgradeRoom(room, "12");
    const tombstone = await eventually(
        () => ben.getRoom(room).currentState.getStateEvents(EventType.RoomTombstone, ""),
        "the tombstone",
        ben,
    );
    assert.equal(tombstone.getContent().replacement_room, replacement_room);
    // A private room is entered by invitation only; who upgrades it invites the others anew, as apps do.
    await amara.invite(replacement_room, ben.getUserId());
    await ben.joinRoom(replacement_room);
    const joined = await eventually(
        () =>
            amara.getRoom(replacement_room)?.getJoinedMemberCount() === 2 && amara.getRoom(replacement_room),
        "both in the new room",
        amara,
    );
    assert.equal(joined.name, "Ward 7");
    assert.equal(joined.findPredecessor().roomId, room);
    assert.ok(amara.isRoomEncrypted(replacement_room) && joined.getVersion() === "12");
    await amara.sendTextMessage(replacement_room, "after");
    await message(ben, replacement_room, "after");
    assert.deepEqual(
        amara.getRoomUpgradeHistory(replacement_room).map((of) => of.roomId),
        [room, replacement_room],
    );
});

test("a space shows its rooms", async () => {
    const { room_id: space } = await amara.createRoom({
        preset: Preset.PublicChat,
        name: "Surgery",
        creation_content: { type: RoomType.Space },
    });
    const rooms = [];
    for (const name of ["Theatre 1", "Theatre 2"]) {
        const { room_id } = await amara.createRoom({ preset: Preset.PublicChat, name });
        await amara.sendStateEvent(
            space,
            EventType.SpaceChild,
            { via: ["conformance.example"], order: name },
            room_id,
        );
        rooms.push(room_id);
    }
    await ben.joinRoom(space);
    const found = await eventually(
        () => ben.getRoom(space)?.isSpaceRoom() && ben.getRoom(space),
        "space",
        ben,
    );
    assert.equal(found.name, "Surgery");
    const hierarchy = await ben.getRoomHierarchy(space, 50);
    assert.deepEqual(
        hierarchy.rooms.map((room) => room.name),
        ["Surgery", "Theatre 1", "Theatre 2"],
    );
    await ben.joinRoom(rooms[0]);
    await assert.doesNotReject(ben.sendTextMessage(rooms[0], "in"));
});

test("somebody knocks and is let in", async () => {
    const { room_id } = await amara.createRoom({
        preset: Preset.PrivateChat,
        name: "On call",
        initial_state: [
            { type: EventType.RoomJoinRules, state_key: "", content: { join_rule: JoinRule.Knock } },
        ],
    });
    await assert.rejects(ben.joinRoom(room_id), (error) => error.errcode === "M_FORBIDDEN");
    await ben.knockRoom(room_id, { reason: "I cover tonight" });
    await eventually(
        () => ben.getRoom(room_id)?.getMyMembership() === KnownMembership.Knock,
        "his own knock",
        ben,
    );
    const knocking = await eventually(
        () => amara.getRoom(room_id)?.getMembersWithMembership(KnownMembership.Knock)[0],
        "the knock",
        amara,
    );
    assert.equal(knocking.userId, ben.getUserId());
    assert.equal(knocking.events.member.getContent().reason, "I cover tonight");
    await amara.invite(room_id, ben.getUserId());
    await ben.joinRoom(room_id);
    await eventually(
        () => ben.getRoom(room_id)?.getMyMembership() === KnownMembership.Join,
        "his being in",
        ben,
    );
});

test("push rules decide what is counted", async () => {
    const room = await roomOf(amara, [ben], { encrypted: false });
    const unread = (kind) => ben.getRoom(room).getUnreadNotificationCount(kind);
    await amara.sendTextMessage(room, "plain words");
    await eventually(() => unread("total") === 1 && unread("highlight") === 0, "one unread", ben);
    await ben.addPushRule("global", PushRuleKind.ContentSpecific, "org.wardline.arrest", {
        actions: ["notify", { set_tweak: "highlight", value: true }],
        pattern: "arrest",
    });
    await amara.sendTextMessage(room, "cardiac arrest bed 4");
    await eventually(() => unread("total") === 2 && unread("highlight") === 1, "a highlight", ben);
    await ben.addPushRule("global", PushRuleKind.Override, "org.wardline.quiet", {
        actions: [],
        conditions: [{ kind: ConditionKind.EventMatch, key: "room_id", pattern: room }],
    });
    await eventually(
        () => ben.pushRules.global.override.some((rule) => rule.rule_id === "org.wardline.quiet"),
        "the rule in his sync",
        ben,
    );
    await amara.sendTextMessage(room, "another arrest");
    await message(ben, room, "another arrest");
    assert.ok(unread("total") <= 2, "a room that is muted counts nothing new");
    const last = ben.getRoom(room).getLiveTimeline().getEvents().at(-1);
    await ben.sendReadReceipt(last);
    await eventually(() => unread("total") === 0 && unread("highlight") === 0, "nothing unread", ben);
    await ben.setPushRuleEnabled("global", PushRuleKind.Override, "org.wardline.quiet", false);
    await ben.deletePushRule("global", PushRuleKind.ContentSpecific, "org.wardline.arrest");
    const rules = await ben.getPushRules();
    assert.ok(!rules.global.content.some((rule) => rule.rule_id === "org.wardline.arrest"));
    assert.equal(rules.global.override.find((rule) => rule.rule_id === "org.wardline.quiet").enabled, false);
});
