"""State events and power levels."""

from people import check, event_ids, same, timeline, true


@check("state is read in both forms and set once")
def forms(hs):
    amy, eve = hs.people("amy", "eve")
    room = amy.room(preset="public_chat", name="room_test", topic="room_topic_test")
    event = amy.state(room, "m.room.member", amy.id, format="event")
    same((event["sender"], event["room_id"], event["content"]["membership"]), (amy.id, room, "join"))
    true({"m.room.create", "m.room.join_rules", "m.room.name", "m.room.power_levels"} <= {e["type"] for e in amy.get(["rooms", room, "state"]).ok()}, "state")
    for kind, content in [("m.room.name", {"name": "new"}), ("m.room.topic", {"topic": "new"})]:
        amy.put(["rooms", room, "state", kind], content).ok()
        same(amy.get(["rooms", room, "state", kind]).ok(), content)
        same(amy.get(["rooms", room, "state", kind, ""]).ok(), content)
    first = amy.set(room, "a.test", {"a_key": "a_value"})
    same(amy.set(room, "a.test", {"a_key": "a_value"}), first, "state set twice")
    true(amy.set(room, "a.test", {"a_key": "other"}) != first, "state changed")
    amy.get(["rooms", room, "state", "unheard.of"]).refused(404, "M_NOT_FOUND")
    eve.get(["rooms", room, "state"]).refused(403, "M_FORBIDDEN")
    eve.get(["rooms", room, "state", "m.room.name"]).refused(403, "M_FORBIDDEN")
    amy.put(["rooms", room, "state", "a.test", f"@other:{hs.name}"], {}).refused(403, "M_FORBIDDEN")
    events = timeline(amy.sync(filter={"room": {"timeline": {"limit": 50}}}), room)
    same(events[0]["type"], "m.room.create")
    true(all("room_id" not in event for event in events), "room_id in sync")


@check("power levels are complete, changeable and guarded")
def levels(hs):
    amy, ben = hs.people("amy", "ben")
    for version in ["11", "12"]:
        room = amy.room(room_version=version)
        content = amy.state(room, "m.room.power_levels")
        for key in ["ban", "kick", "redact", "invite", "state_default", "events_default", "users_default"]:
            true(isinstance(content[key], int), f"{key} in {content}")
        true(all(isinstance(level, int) for level in content["events"].values()), content)
        same(content["users"], {} if version == "12" else {amy.id: 100})
        me = {} if version == "12" else {amy.id: 100}
        new = {"invite": 100, "users": {**me, "@random-other-user:their.home": 20}}
        event = amy.set(room, "m.room.power_levels", new)
        same(amy.get(["rooms", room, "event", event]).ok()["content"], new)
        amy.set(room, "m.room.power_levels", {"users": me})
        amy.set(room, "m.room.power_levels", {})
        if version == "12":
            amy.put(["rooms", room, "state", "m.room.power_levels"], {"users": {amy.id: 100}}).refused(400)
        else:
            amy.put(["rooms", room, "state", "m.room.power_levels"], {"users": {}}).refused(403)
        same(amy.state(room, "m.room.power_levels"), {})
        override = {"users_default": 100, "users": {ben.id: 100, **me}, "events": {}, "notifications": {}}
        room = amy.room(room_version=version, preset="public_chat", power_level_content_override=override)
        ben.join(room)
        ben.set(room, "m.room.power_levels", {**override, "users_default": 40})
    room = amy.room(room_version="10")
    amy.put(["rooms", room, "state", "m.room.power_levels", ""], {"users": {amy.id: "100"}}).refused(400)


@check("redaction empties an event for everybody and keeps what its version keeps")
def redaction(hs):
    amy, ben = hs.people("amy", "ben")
    for version in ["6", "8", "9", "10", "11", "12"]:
        room = amy.room(room_version=version, preset="public_chat")
        ben.join(room)
        event = amy.say(room, "expected message body")
        same(ben.get(["rooms", room, "event", event]).ok()["content"]["body"], "expected message body")
        redaction = amy.put(["rooms", room, "redact", event, "1"], {"reason": "reasons"}).ok()["event_id"]
        same(amy.put(["rooms", room, "redact", event, "1"], {"reason": "reasons"}).ok()["event_id"], redaction, "repeated")
        after = ben.get(["rooms", room, "event", event]).ok()
        same(after["content"], {})
        same(after["unsigned"]["redacted_because"]["content"].get("reason"), "reasons")

        def emptied(kind, content, key="", prepared=None):
            event = prepared or amy.set(room, kind, content, key)
            amy.put(["rooms", room, "redact", event, f"{kind}{key}"], {}).ok()
            return amy.get(["rooms", room, "event", event]).ok()["content"]

        number = int(version)
        kept = emptied("m.room.join_rules", {"join_rule": "public", "allow": [], "x": 1})
        same(kept, {"join_rule": "public", **({"allow": []} if number >= 8 else {})}, f"join rules, {version}")
        kept = emptied("m.room.history_visibility", {"history_visibility": "shared", "x": 1})
        same(kept, {"history_visibility": "shared"}, f"history visibility, {version}")
        kept = emptied("m.room.aliases", {"aliases": ["#a:b"]}, hs.name)
        same(kept, {"aliases": ["#a:b"]} if number < 6 else {}, f"aliases, {version}")
        kept = emptied("m.room.topic", {"topic": "x"})
        same(kept, {})
        mine = {} if number >= 12 else {amy.id: 100}
        content = {"users": mine, "ban": 50, "invite": 10, "notifications": {"room": 20}, "x": 1}
        kept = emptied("m.room.power_levels", content)
        wanted = {"users": mine, "ban": 50, **({"invite": 10} if number >= 11 else {})}
        same(kept, wanted, f"power levels, {version}")
        member = {"membership": "join", "displayname": "A", "join_authorised_via_users_server": amy.id}
        kept = emptied("m.room.member", member, amy.id)
        same(set(kept) - {"join_authorised_via_users_server"}, {"membership"}, f"member, {version}")
    missing = amy.put(["rooms", room, "redact", "$unheard-of", "2"], {})
    true(missing.status in (400, 404), missing.raw.decode())


@check("delayed events are sent, cancelled and listed")
def delayed(hs):
    amy = hs.person()
    room = amy.room()
    unstable = "/_matrix/client/unstable/org.matrix.msc4140"

    def listed():
        return amy.get("delayed_events", prefix=unstable).ok()["delayed_events"]

    def later(key, value, delay):
        path = ["rooms", room, "state", "com.example.test", key]
        return amy.call("PUT", path, {"setter": value}, {"org.matrix.msc4140.delay": delay}).ok()["delay_id"]

    same(listed(), [])
    since = amy.now()
    later("timeout", "on_timeout", 300)
    same([event["content"] for event in listed()], [{"setter": "on_timeout"}])
    amy.get(["rooms", room, "state", "com.example.test", "timeout"]).refused(404)
    amy.wait(since, lambda answer: any(event["type"] == "com.example.test" for event in timeline(answer, room)))
    same(listed(), [])
    same(amy.state(room, "com.example.test", "timeout"), {"setter": "on_timeout"})
    later("cancelled", "on_timeout", 900_000)
    amy.set(room, "com.example.test", {"setter": "manual"}, "cancelled")
    same(len(listed()), 1, "state that one sets oneself meanwhile cancels nothing")
    ben = hs.person("ben")
    amy.invite(room, ben)
    ben.join(room)
    amy.set(room, "m.room.power_levels", {"users_default": 50, "users": {}})
    ben.set(room, "com.example.test", {"setter": "ben"}, "cancelled")
    same(listed(), [], "state that somebody else sets meanwhile cancels")
    ident = later("acted", "on_timeout", 900_000)
    for action in ["restart", "send"]:
        answer = amy.post(["delayed_events", ident], {"action": action}, prefix=unstable)
        if answer.status == 404:
            answer = amy.post(["delayed_events", ident, action], {}, prefix=unstable)
        answer.ok()
    same(amy.state(room, "com.example.test", "acted"), {"setter": "on_timeout"})
    true(amy.say(room, "x") in event_ids(timeline(amy.sync(), room)), "still works")
