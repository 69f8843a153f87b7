"""/sync: what comes down, in what shape, and what does not."""

from people import check, event_ids, has_member, invited, joined, left, same, timeline, true


def limited(number, **more):
    return {"room": {"timeline": {"limit": number}, **more}}


@check("a room in sync has its parts, and is left out when nothing happened")
def parts(hs):
    amy = hs.person()
    room = amy.room()
    answer = amy.sync(filter=limited(10))
    body = joined(answer, room)
    true({"events", "limited", "prev_batch"} <= set(body["timeline"]), body)
    true(isinstance(body["state"]["events"], list) and isinstance(body["ephemeral"]["events"], list), body)
    true("summary" in body and "unread_notifications" in body, body)
    true(not joined(amy.sync(answer["next_batch"]), room), "an unchanged room")
    full = joined(amy.sync(answer["next_batch"], full_state="true"), room)
    true(full["state"]["events"] and "prev_batch" in full["timeline"] and isinstance(full["ephemeral"]["events"], list), full)
    since = amy.now()
    second = amy.room()
    answer = amy.sync(since, filter=limited(10))
    true({"events", "limited", "prev_batch"} <= set(joined(answer, second)["timeline"]), answer)
    true("state" in joined(answer, second) and "ephemeral" in joined(answer, second), answer)
    true(not joined(amy.sync(answer["next_batch"]), second), "once")


@check("the timeline is limited, filtered, and goes on with messages")
def timelines(hs):
    amy = hs.person()
    room = amy.room()
    sent = [amy.say(room, "0"), amy.send(room, body="1", txn="my_txn")]
    body = joined(amy.sync(filter=limited(2)), room)["timeline"]
    same((event_ids(body["events"]), body["limited"]), (sent, True))
    same(body["events"][1]["unsigned"]["transaction_id"], "my_txn")
    body = joined(amy.sync(filter=limited(1)), room)["timeline"]
    same(event_ids(amy.messages(room, dir="b", limit=1, **{"from": body["prev_batch"]}).ok()["chunk"]), [sent[0]])
    since = amy.sync(filter=limited(1))["next_batch"]
    third = amy.send(room, body="2", txn="third")
    body = joined(amy.sync(since, filter=limited(1)), room)["timeline"]
    same((event_ids(body["events"]), body["limited"], body["events"][0]["unsigned"]["transaction_id"]), ([third], False, "third"))
    same(event_ids(amy.messages(room, dir="b", limit=1, **{"from": body["prev_batch"]}).ok()["chunk"]), [sent[1]])
    same(event_ids(amy.messages(room, dir="f", limit=1, **{"from": since}).ok()["chunk"]), [third])
    other = amy.room()
    only = amy.say(other, "x")
    for _ in range(12):
        amy.send(other, "a.made.up.filler.type", {})
    chosen = {"room": {"timeline": {"limit": 1, "types": ["m.room.message"]}}, "presence": {"types": []}}
    body = joined(amy.sync(filter=chosen), other)["timeline"]
    same((event_ids(body["events"]), body["limited"]), ([only], False), "a filtered timeline that is complete")
    since = amy.now()
    for _ in range(11):
        amy.send(other, "a.made.up.filler.type", {})
    last = amy.send(other, "another.filler.type", {})
    body = joined(amy.sync(since, filter=limited(1), full_state="true"), other)["timeline"]
    same(event_ids(body["events"]), [last])
    same(joined(amy.sync(filter=limited(100)), other)["timeline"]["limited"], False)


@check("who joins sees the past as far as the limit goes")
def newly_joined(hs):
    amy, ben = hs.people("amy", "ben")
    chosen = {"room": {"timeline": {"limit": 10, "types": ["m.room.message"]}, "state": {"types": []}}}
    room = amy.room(preset="public_chat")
    for number in range(4):
        amy.say(room, f"1-{number}")
    since = ben.sync(filter=chosen)["next_batch"]
    for number in range(4):
        amy.say(room, f"2-{number}")
    ben.join(room)
    body = joined(ben.sync(since, filter=chosen), room)["timeline"]
    true(all(event["type"] == "m.room.message" for event in body["events"]), body)
    true(body["limited"] or len(body["events"]) == 8, body)


@check("joined, left and joined again is joined")
def in_and_out(hs):
    amy, ben = hs.people("amy", "ben")
    room = ben.room(preset="public_chat")
    since = amy.now()
    amy.join(room)
    amy.leave(room)
    amy.join(room)
    answer = amy.sync(since)
    true(left(answer, room) is None and joined(answer, room), answer)
    ben.room()
    other = amy.room(preset="public_chat")
    since = ben.now()
    amy.invite(other, ben)
    ben.leave(other)
    answer = ben.sync(since, full_state="true")
    true(left(answer, other) is not None, "a refused invitation")
    ben.join(other)
    answer = ben.sync(answer["next_batch"], full_state="true")
    true(left(answer, other) is None and joined(answer, other), "joined after all")


@check("left rooms come once, with full state, in gaps, and never with what came after")
def leaving(hs):
    amy, ben = hs.people("amy", "ben")
    leave = {"room": {"include_leave": True}}
    gappy = limited(1, include_leave=True)
    room, spam = amy.room(preset="public_chat"), amy.room(preset="public_chat")
    ben.join(room)
    full, plain, gapped = amy.sync(filter=leave)["next_batch"], amy.now(), amy.sync(filter=gappy)["next_batch"]
    amy.leave(room)
    for number in range(20):
        amy.say(spam, str(number))
    for answer in [amy.sync(filter=leave), amy.sync(full, filter=leave, full_state="true"), amy.sync(plain), amy.sync(gapped, filter=gappy)]:
        body = left(answer, room)
        true(body is not None and has_member(body["timeline"]["events"] + body["state"]["events"], amy, "leave"), answer)
    since = amy.sync(gapped, filter=gappy)["next_batch"]
    ben.set(room, "m.room.member", {"membership": "join", "filler": "x"}, ben.id)
    for number in range(20):
        amy.say(spam, str(number))
    same(amy.sync(since, filter=gappy).get("rooms", {}).get("leave", {}), {})


@check("an archived room ends where one left it")
def archived(hs):
    amy, ben = hs.people("amy", "ben")
    made_up = "a.madeup.test.state"
    chosen = {"room": {"timeline": {"types": ["m.room.message", made_up]}, "state": {"types": [made_up]}, "include_leave": True}}
    room = amy.room(preset="public_chat")
    ben.join(room)
    since = ben.sync(filter=chosen)["next_batch"]
    amy.say(room, "before")
    amy.set(room, made_up, {"my_key": "before"})
    ben.leave(room)
    amy.say(room, "after")
    amy.set(room, made_up, {"my_key": "after"})
    for answer in [ben.sync(filter=chosen), ben.sync(since, filter=chosen)]:
        body = left(answer, room)
        same(body.get("state", {}).get("events", []), [])
        events = body["timeline"]["events"]
        same([event["content"].get("body", event["content"].get("my_key")) for event in events], ["before", "before"])


@check("one sees one's own leaving, whatever the visibility")
def own_leave(hs):
    amy, ben = hs.people("amy", "ben")
    hidden = [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "joined"}}]
    leave = {"room": {"include_leave": True}}
    room = amy.room(preset="public_chat", initial_state=hidden)
    ben.join(room)
    since = amy.sync(filter=leave)["next_batch"]
    amy.leave(room)
    body = left(amy.sync(since, filter=leave), room)
    same(body.get("state", {}).get("events", []), [])
    same([(event["sender"], event["content"]["membership"]) for event in body["timeline"]["events"]], [(amy.id, "leave")])
    room = ben.room(initial_state=hidden)
    ben.invite(room, amy)
    since = amy.sync(filter=leave)["next_batch"]
    amy.leave(room)
    true(has_member(left(amy.sync(since, filter=leave), room)["timeline"]["events"], amy, "leave"), "a refused invitation")


@check("invitations of people whom one ignores do not come down")
def ignored(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    shared = amy.room(preset="public_chat")
    ben.join(shared)
    amy.put(["user", amy.id, "account_data", "m.ignored_user_list"], {"ignored_users": {ben.id: {}}}).ok()
    since = amy.now()
    of_ben, of_cat = ben.room(preset="private_chat", invite=[amy.id]), cat.room(preset="private_chat", invite=[amy.id])
    unheard, heard = ben.say(shared, "psst"), cat.join(shared) and cat.say(shared, "hello")
    for answer in [amy.sync(since), amy.sync()]:
        true(invited(answer, of_ben) is None and invited(answer, of_cat) is not None, answer)
        ids = event_ids(timeline(answer, shared))
        true(unheard not in ids and heard in ids, "words of the ignored")


@check("every event says what one was when it happened")
def membership(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    amy.say(room, "prejoin")
    ben.join(room)
    amy.say(room, "postjoin")
    seen = False
    for event in timeline(ben.sync(filter=limited(50)), room):
        seen = seen or event.get("state_key") == ben.id
        same(event["unsigned"].get("membership"), "join" if seen else "leave", event["type"])


@check("events come down in their own room only")
def own_room(hs):
    amy = hs.person()
    rooms = [amy.room(preset="public_chat") for _ in range(10)]
    since = amy.now()
    sent = {room: amy.say(room, room) for room in rooms}
    answer = amy.sync(since)
    same({room: event_ids(body["timeline"]["events"])[0] for room, body in answer["rooms"]["join"].items()}, sent)
    true(all(event["content"]["body"] == room for room in rooms for event in timeline(answer, room)), answer)


@check("members are sent lazily, and the state before the timeline")
def lazy(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    room = amy.room(preset="public_chat", name="N")
    for person in [ben, cat]:
        person.join(room)
    for number in range(5):
        ben.say(room, str(number))
    chosen = {"room": {"timeline": {"limit": 3}, "state": {"lazy_load_members": True}}}
    body = joined(amy.sync(filter=chosen), room)
    members = {event["state_key"] for event in body["state"]["events"] if event["type"] == "m.room.member"}
    true(ben.id in members and cat.id not in members - {amy.id, ben.id}, members)
    same(body["summary"]["m.joined_member_count"], 3)
    everyone = joined(amy.sync(filter=limited(3)), room)["state"]["events"]
    same({event["state_key"] for event in everyone if event["type"] == "m.room.member"}, {amy.id, ben.id, cat.id})
    since = amy.now()
    amy.set(room, "m.room.topic", {"topic": "1"})
    for number in range(30):
        ben.say(room, str(number))
    body = joined(amy.sync(since, filter=limited(3)), room)
    same([event["content"] for event in body["state"]["events"] if event["type"] == "m.room.topic"], [{"topic": "1"}])
    same(body["timeline"]["limited"], True)
