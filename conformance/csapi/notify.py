"""Push rules, unread counts with and without threads, receipts, typing."""

import concurrent.futures

from people import check, joined, same, timeline, true


@check("push rules are set, ordered, switched and deleted, and wake a sync")
def rules(hs):
    amy = hs.person()
    same([event["type"] for event in amy.sync()["account_data"]["events"] if event["type"] == "m.push_rules"], ["m.push_rules"])
    rule = ["pushrules", "global", "room", "!foo:example.com"]
    steps = [
        (rule, {"actions": ["notify"]}), ([*rule, "enabled"], {"enabled": False}),
        ([*rule, "enabled"], {"enabled": True}), ([*rule, "actions"], {"actions": ["dont_notify"]}),
    ]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for path, body in steps:
            since = amy.now()
            waiting = pool.submit(amy.sync, since, timeout=10000)
            amy.put(path, body).ok()
            events = waiting.result()["account_data"]["events"]
            true(any(event["type"] == "m.push_rules" and "global" in event["content"] for event in events), events)
    body = amy.get(rule).ok()
    same((body["actions"], body["enabled"], body["default"], body["rule_id"]), (["dont_notify"], True, False, "!foo:example.com"))
    same(amy.get([*rule, "actions"]).ok(), {"actions": ["dont_notify"]})
    amy.put(["pushrules", "global", "sender", amy.id], {"actions": ["dont_notify"]}).ok()
    for path in ["pushrules/", "pushrules/global/"]:
        body = amy.get(path).ok()
        same(body.get("global", body)["sender"][0]["actions"], ["dont_notify"])
    for name in ["r1", "r2", "r3"]:
        amy.put(["pushrules", "global", "override", name], {"actions": [], "conditions": []}).ok()
    amy.put(["pushrules", "global", "override", "r4"], {"actions": [], "conditions": []}, after="r2").ok()
    amy.put(["pushrules", "global", "override", "r5"], {"actions": [], "conditions": []}, before="r3").ok()
    own = [rule["rule_id"] for rule in amy.get("pushrules/").ok()["global"]["override"] if not rule["default"]]
    same(own, ["r5", "r3", "r2", "r4", "r1"])
    amy.put(["pushrules", "global", "override", "r6"], {"actions": []}, before="unheard").refused(400, "M_UNKNOWN")
    amy.put(["pushrules", "global", "override", ".mine"], {"actions": [], "conditions": []}).refused(400)
    amy.put(["pushrules", "global", "nonsense", "x"], {"actions": []}).refused(400)
    amy.put(["pushrules", "global", "content", "x"], {"actions": []}).refused(400)
    amy.delete(["pushrules", "global", "override", "r1"]).ok()
    amy.delete(["pushrules", "global", "override", "r1"]).refused(404, "M_NOT_FOUND")
    amy.get(["pushrules", "global", "override", "r1"]).refused(404, "M_NOT_FOUND")
    amy.put(["pushrules", "global", "override", ".m.rule.master", "enabled"], {"enabled": True}).ok()
    amy.delete(["pushrules", "global", "override", ".m.rule.master"]).refused(400)


def receipt(person, room, event, kind="m.read", **body):
    person.post(["rooms", room, "receipt", kind, event], body).ok()


def receipts(answer, room):
    events = joined(answer, room).get("ephemeral", {}).get("events", [])
    return [event for event in events if event["type"] == "m.receipt"]


@check("receipts and read markers come down sync, without a room id")
def read(hs):
    amy = hs.person()
    room = amy.room(preset="public_chat")
    event = amy.say(room, "Hello")
    since = amy.now()
    receipt(amy, room, event)
    got = receipts(amy.sync(since), room)
    true(amy.id in got[0]["content"][event]["m.read"] and "room_id" not in got[0], got)
    same(receipts(amy.sync(), room)[0]["content"][event]["m.read"][amy.id].get("thread_id"), None)
    second = amy.say(room, "more")
    amy.post(["rooms", room, "read_markers"], {"m.fully_read": second, "m.read": second}).ok()
    answer = amy.sync()
    true(amy.id in receipts(answer, room)[0]["content"][second]["m.read"], answer)
    own = {entry["type"]: entry["content"] for entry in joined(answer, room)["account_data"]["events"]}
    same(own["m.fully_read"], {"event_id": second})
    amy.post(["rooms", room, "receipt", "m.nonsense", event], {}).refused(400)
    amy.post(["rooms", room, "receipt", "m.read", event], {"thread_id": ""}).refused(400)
    thread = amy.send(room, content={"msgtype": "m.text", "body": "t", "m.relates_to": {"rel_type": "m.thread", "event_id": event}})
    receipt(amy, room, thread)
    receipt(amy, room, thread, thread_id=event)
    found = [entry["content"].get(thread, {}).get("m.read", {}).get(amy.id) for entry in receipts(amy.sync(), room)]
    same(sorted(("thread_id" in entry) for entry in found if entry), [False, True], "both receipts in an initial sync")


@check("private receipts are one's own")
def private(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    ben.join(room)
    event = ben.say(room, "x")
    amys, bens = amy.now(), ben.now()
    receipt(amy, room, event, "m.read.private")
    true(amy.id in receipts(amy.sync(amys), room)[0]["content"][event]["m.read.private"], "own")
    same(receipts(ben.sync(bens), room), [])
    same(receipts(ben.sync(), room), [])


@check("typing is told to the room and to nobody else")
def typing(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    room = amy.room(preset="public_chat")
    ben.join(room)
    since, cats = ben.now(), cat.now()
    amy.put(["rooms", room, "typing", amy.id], {"typing": True, "timeout": 10000}).ok()

    def who(answer):
        events = joined(answer, room).get("ephemeral", {}).get("events", [])
        return [event["content"]["user_ids"] for event in events if event["type"] == "m.typing"]

    answer = ben.wait(since, lambda answer: who(answer) == [[amy.id]])
    same(cat.sync(cats).get("rooms", {}), {})
    amy.put(["rooms", room, "typing", amy.id], {"typing": False}).ok()
    ben.wait(answer["next_batch"], lambda answer: who(answer) == [[]])
    amy.put(["rooms", room, "typing", ben.id], {"typing": True}).refused(403, "M_FORBIDDEN")
    cat.put(["rooms", room, "typing", cat.id], {"typing": True}).refused(403, "M_FORBIDDEN")


@check("unread counts follow receipts, in threads and without")
def threads(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    ben.join(room)
    since = ben.now()

    def say(words, relation=None, target=None, kind="m.room.message"):
        content = {"msgtype": "m.text", "body": words, "m.mentions": {"user_ids": [ben.id] if ben.id in words else []}}
        if relation:
            content["m.relates_to"] = {"rel_type": relation, "event_id": target, **({"key": "k"} if relation == "m.annotation" else {})}
        return amy.send(room, kind, content)

    a = say("Hello world!")
    b = say("Start thread!", "m.thread", a)
    say(f"Thread response {ben.id}!", "m.thread", a)
    d = say(f"Hello {ben.id}!")
    say("End thread", "m.thread", a)
    f = say("Reference!", "m.reference", a)
    g = say("", "m.annotation", f, "m.room.reaction")
    threaded = {"room": {"timeline": {"unread_thread_notifications": True}}}

    def counts():
        plain = joined(ben.sync(since), room)
        true("unread_thread_notifications" not in plain, plain)
        split = joined(ben.sync(since, filter=threaded), room)
        of_thread = split.get("unread_thread_notifications", {}).get(a, {})
        return [
            (part.get("highlight_count", 0), part.get("notification_count", 0))
            for part in [plain["unread_notifications"], split["unread_notifications"], of_thread]
        ]

    same(counts(), [(2, 6), (1, 3), (1, 3)])
    receipt(ben, room, a, thread_id="main")
    same(counts(), [(2, 5), (1, 2), (1, 3)])
    receipt(ben, room, b, thread_id=a)
    same(counts(), [(2, 4), (1, 2), (1, 2)])
    receipt(ben, room, d)
    same(counts(), [(0, 2), (0, 1), (0, 1)])
    receipt(ben, room, g, thread_id=a)
    same(counts(), [(0, 1), (0, 1), (0, 0)])


@check("notices of the server reach people who cannot refuse them")
def notices(hs):
    boss, amy = hs.admin(), hs.person()
    body = {"user_id": amy.id, "content": {"msgtype": "m.text", "body": "hello from server notices!"}}
    synapse = "/_synapse/admin/v1"
    amy.post("send_server_notice", prefix=synapse).refused(403, "M_FORBIDDEN")
    event = boss.post("send_server_notice", body, prefix=synapse).ok()["event_id"]
    room = next(iter(amy.sync()["rooms"]["invite"]))
    amy.post(["rooms", room, "leave"]).refused(403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM")
    amy.join(room)
    true(any(entry["event_id"] == event for entry in timeline(amy.sync(), room)), "the notice")
    amy.leave(room)
    boss.post("send_server_notice", body, prefix=synapse).ok()
    same(next(iter(amy.sync()["rooms"]["invite"])), room)
    once = [boss.put("send_server_notice/1", body, prefix=synapse).ok()["event_id"] for _ in range(2)]
    same(once[0], once[1])
