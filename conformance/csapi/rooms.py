"""Making rooms, aliases, the published directory, upgrades, and what may be sent into a room."""

from people import V1, check, event_ids, joined, same, timeline, true


@check("rooms are made as asked")
def create(hs):
    amy, ben = hs.people("amy", "ben")
    versions = list(amy.get("capabilities").ok()["capabilities"]["m.room_versions"]["available"])
    room = amy.room(visibility="public", room_alias_name="made-alias")
    same(amy.get(["directory", "room", f"#made-alias:{hs.name}"]).ok()["room_id"], room)
    amy.post("createRoom", {"room_alias_name": "made-alias"}).refused(400, "M_ROOM_IN_USE")
    amy.post("createRoom", {"visibility": "private", "room_version": 1}).refused(400, "M_BAD_JSON")
    amy.post("createRoom", {"room_version": "ahfgwjyerhgiuveisbruvybseyrugvi"}).refused(400, "M_UNSUPPORTED_ROOM_VERSION")
    for version in versions:
        room = amy.room(room_version=version, preset="public_chat")
        same(amy.state(room, "m.room.create")["room_version"], version)
        events = timeline(amy.sync(), room)
        same(events[0]["type"], "m.room.create")
        ben.join(room)
        sent = amy.say(room, "hello")
        true(sent in event_ids(timeline(ben.sync(), room)), "a message in version " + version)
        gone = ben.say(room, "to be redacted")
        redaction = ben.put(["rooms", room, "redact", gone, "r"], {"reason": "x"}).ok()["event_id"]
        chunk = amy.messages(room, dir="b").ok()["chunk"]
        same(chunk[0]["event_id"], redaction)
        same(chunk[1]["event_id"], gone)
        same(chunk[1]["unsigned"]["redacted_because"]["event_id"], redaction, "redacted_because")
        same(chunk[0].get("redacts"), gone, "redacts at the top, version " + version)
        same(chunk[0]["content"].get("redacts"), gone, "redacts in the content, whatever the version")
        ben.put(["rooms", room, "redact", sent, "r2"], {}).refused(403, "M_FORBIDDEN")
    room = amy.room(creation_content={"test": "azerty", "room_version": "test", "m.federate": False})
    content = amy.state(room, "m.room.create")
    same((content["test"], content["m.federate"], content["room_version"] == "test"), ("azerty", False, False))
    amy.post("createRoom", {"invite": ["not a user"]}).refused(400)
    amy.post("createRoom", {"preset": "unheard_of"}).refused(400)


@check("topics are written twice, plainly and richly")
def topic(hs):
    amy = hs.person()
    other = {"type": "m.room.topic", "state_key": "", "content": {"topic": "Shenanigans"}}
    for options in [{}, {"initial_state": [other]}]:
        content = amy.state(amy.room(topic="Test Room", preset="public_chat", **options), "m.room.topic")
        same(content["topic"], "Test Room")
        same(len(content["m.topic"]["m.text"]), 1)
        same(content["m.topic"]["m.text"][0]["body"], "Test Room")
        true(content["m.topic"]["m.text"][0].get("mimetype", "text/plain") == "text/plain", content)
    content = amy.state(amy.room(initial_state=[other]), "m.room.topic")
    same(content, {"topic": "Shenanigans"})


@check("presets set the rules of a room")
def presets(hs):
    amy, ben = hs.people("amy", "ben")
    wanted = {
        "private_chat": ("invite", "shared", "can_join"),
        "trusted_private_chat": ("invite", "shared", "can_join"),
        "public_chat": ("public", "shared", "forbidden"),
    }
    for preset, (rule, history, guests) in wanted.items():
        room = amy.room(preset=preset, room_version="11", invite=[ben.id])
        same(amy.state(room, "m.room.join_rules")["join_rule"], rule)
        same(amy.state(room, "m.room.history_visibility")["history_visibility"], history)
        answer = amy.get(["rooms", room, "state", "m.room.guest_access"])
        same(answer.body.get("guest_access", "forbidden"), guests, preset)
        level = amy.state(room, "m.room.power_levels")["users"].get(ben.id, 0)
        same(level, 100 if preset == "trusted_private_chat" else 0)
    room = amy.room(visibility="public")
    same(amy.state(room, "m.room.join_rules")["join_rule"], "public", "the preset follows the visibility")
    room = amy.room(name="A name", power_level_content_override={"events_default": 25})
    same(amy.state(room, "m.room.power_levels")["events_default"], 25)
    same(amy.state(room, "m.room.name"), {"name": "A name"})


@check("one learns of being invited, and whether directly")
def direct(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(invite=[ben.id], is_direct=True)
    answer = ben.wait(None, lambda answer: room in answer.get("rooms", {}).get("invite", {}))
    events = answer["rooms"]["invite"][room]["invite_state"]["events"]
    mine = [event for event in events if event["type"] == "m.room.member" and event["state_key"] == ben.id]
    same(mine[0]["content"].get("is_direct"), True)
    true({"m.room.create", "m.room.join_rules"} <= {event["type"] for event in events}, events)
    true(all("content" in event and "sender" in event and "state_key" in event for event in events), events)
    since = answer["next_batch"]
    ben.join(room)
    events = timeline(ben.sync(since), room)
    same(sum(event.get("state_key") == ben.id and event["content"]["membership"] == "join" for event in events), 1)


def name(person, room, alias):
    return person.put(["directory", "room", alias], {"room_id": room})


@check("aliases are made, listed and deleted by whom they belong to")
def aliases(hs):
    amy, ben, eve = hs.people("amy", "ben", "eve")
    room = amy.room(preset="public_chat")
    ben.join(room)
    own = [f"#老虎Â£я-{room[1:7].lower()}:{hs.name}", f"#plain-{room[1:7].lower()}:{hs.name}"]
    same(amy.get(["rooms", room, "aliases"]).ok(), {"aliases": []})
    for alias in own:
        name(amy, room, alias).ok()
        body = eve.get(["directory", "room", alias]).ok()
        same((body["room_id"], body["servers"]), (room, [hs.name]))
        name(amy, room, alias).refused(409)
    same(sorted(amy.get(["rooms", room, "aliases"]).ok()["aliases"]), sorted(own))
    eve.get(["rooms", room, "aliases"]).refused(403, "M_FORBIDDEN")
    ben.delete(["directory", "room", own[0]]).refused(403, "M_FORBIDDEN")
    of_ben = f"#ben-{room[1:7].lower()}:{hs.name}"
    name(ben, room, of_ben).ok()
    amy.set(room, "m.room.canonical_alias", {"alias": of_ben})
    ben.delete(["directory", "room", of_ben]).ok()
    ben.delete(["directory", "room", of_ben]).refused(404, "M_NOT_FOUND")
    ben.get(["directory", "room", of_ben]).refused(404, "M_NOT_FOUND")
    amy.set(room, "m.room.canonical_alias", {"alias": own[1]})
    since = amy.now()
    amy.delete(["directory", "room", own[1]]).ok()
    amy.wait(since, lambda answer: any(
        event["type"] == "m.room.canonical_alias" and event["content"] == {} for event in timeline(answer, room)))
    amy.set(room, "m.room.power_levels", {"users": {ben.id: 100}})
    ben.delete(["directory", "room", own[0]]).ok()
    name(amy, room, "not an alias").refused(400)
    name(amy, room, "#elsewhere:example.org").refused(400)


@check("canonical aliases must point to their room")
def canonical(hs):
    amy = hs.person()
    room, second = amy.room(), amy.room()
    tag = room[1:8].lower()
    one, two = f"#can-one-{tag}:{hs.name}", f"#can-two-{tag}:{hs.name}"
    name(amy, room, one).ok()
    name(amy, second, two).ok()

    def put(where, **content):
        return amy.put(["rooms", where, "state", "m.room.canonical_alias", ""], content)

    put(room, alias=f"#missing-{tag}:{hs.name}").refused(400, "M_BAD_ALIAS")
    put(room, alias=f"%broken:{hs.name}").refused(400, "M_INVALID_PARAM")
    put(second, alias=one).refused(400, "M_BAD_ALIAS")
    put(room, alias=one).ok()
    put(room, alias=one, alt_aliases=[one]).ok()
    put(room, alias=one, alt_aliases=[f"#missing-{tag}:{hs.name}"]).refused(400, "M_BAD_ALIAS")
    put(room, alias=one, alt_aliases=[f"%broken:{hs.name}"]).refused(400, "M_INVALID_PARAM")
    put(second, alias=two, alt_aliases=[one]).refused(400, "M_BAD_ALIAS")
    amy.delete(["directory", "room", two]).ok()
    put(second, alias=two).refused(400, "M_BAD_ALIAS")


@check("published rooms are found")
def published(hs):
    amy = hs.person()
    word = "wombles" + amy.id[1:].split(":")[0].replace("-", "")
    room = amy.room(visibility="public", name="Test Name", topic=f"Test Topic {word.upper()}")
    found = amy.post("publicRooms", {"filter": {"generic_search_term": word}}).ok()
    same([entry["room_id"] for entry in found["chunk"]], [room])
    entry = found["chunk"][0]
    same((entry["num_joined_members"], entry["world_readable"], entry["guest_can_join"]), (1, False, False))
    true(isinstance(found["total_room_count_estimate"], int), found)
    for version, rule in [("7", "knock"), ("12", "public")]:
        room = amy.room(preset="private_chat", room_version=version, name=f"{word} {rule}")
        amy.set(room, "m.room.join_rules", {"join_rule": rule})
        amy.put(["directory", "list", "room", room], {"visibility": "public"}).ok()
        same(amy.get(["directory", "list", "room", room]).ok(), {"visibility": "public"})
        found = amy.post("publicRooms", {"filter": {"generic_search_term": f"{word} {rule}"}}).ok()["chunk"]
        same([(entry["room_id"], entry.get("join_rule")) for entry in found], [(room, rule)])
    page = amy.get("publicRooms", limit=1).ok()
    same(len(page["chunk"]), 1)
    second = amy.get("publicRooms", limit=1, since=page["next_batch"]).ok()
    true(second["chunk"][0]["room_id"] != page["chunk"][0]["room_id"], "pages overlap")


@check("numbers, sizes and ids that cannot be are refused")
def limits(hs):
    amy = hs.person()
    room = amy.room(room_version="6")
    for number, value in enumerate([b"9007199254740992", b"-9007199254740992", b"1.1"]):
        path = ["rooms", room, "send", "complement.dummy", f"n{number}"]
        amy.call("PUT", path, raw=b'{"body": %s}' % value).refused(400, "M_BAD_JSON")
    for value in [b"Infinity", b"-Infinity", b"NaN"]:
        amy.call("PUT", ["rooms", room, "send", "complement.dummy", "x"], raw=b'{"body": %s}' % value).refused(400, "M_NOT_JSON")
    big = {"msgtype": "m.text", "body": "and they dont stop coming " * 2700}
    amy.put(["rooms", room, "send", "m.room.message", "big"], big).refused(413, "M_TOO_LARGE")
    amy.put(["rooms", room, "state", "marvel.universe.fate", ""], {"body": "Dormammu, I've Come To Bargain.\n" * 2200}).refused(413, "M_TOO_LARGE")
    for path in [["rooms", "!unheard:of", "messages"], ["rooms", "!unheard:of", "state"]]:
        amy.get(path, dir="b").refused(403, "M_FORBIDDEN")
    amy.get("rooms/nonsense/state").refused(400)
    amy.call("PUT", ["rooms", room, "send", "m.room.message", "list"], raw=b"[]").refused(400)


@check("an upgrade carries a room over")
def upgrade(hs):
    amy, ben = hs.people("amy", "ben")
    old = amy.room(room_version="10", preset="public_chat", name="Old", topic="T", visibility="public",
                   room_alias_name=f"up-{amy.id[1:].split(':')[0]}", creation_content={"type": "m.space", "m.federate": False})
    ben.join(old)
    alias = f"#up-{amy.id[1:].split(':')[0]}:{hs.name}"
    amy.set(old, "m.room.avatar", {"url": "mxc://a/b"})
    amy.set(old, "m.room.history_visibility", {"history_visibility": "joined"})
    amy.set(old, "m.room.server_acl", {"allow": ["*"]})
    amy.set(old, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    amy.set(old, "m.space.child", {"via": [hs.name]}, "!child:x")
    eve = hs.person("eve")
    amy.act("ban", old, eve).ok()
    amy.set(old, "m.room.power_levels", {**amy.state(old, "m.room.power_levels"), "users": {amy.id: 100, ben.id: 50}})
    for person in [amy, ben]:
        person.put(["pushrules", "global", "room", old], {"actions": ["dont_notify"]}).ok()
    amy.put(["user", amy.id, "rooms", old, "tags", "u.tag"], {"order": 0.5}).ok()
    amy.put(["user", amy.id, "account_data", "m.direct"], {ben.id: [old]}).ok()
    ben.post(["rooms", old, "upgrade"], {"new_version": "11"}).refused(403, "M_FORBIDDEN")
    amy.post(["rooms", old, "upgrade"], {"new_version": "99"}).refused(400, "M_UNSUPPORTED_ROOM_VERSION")
    since = ben.now()
    new = amy.post(["rooms", old, "upgrade"], {"new_version": "11"}).ok()["replacement_room"]
    same(amy.state(old, "m.room.tombstone")["replacement_room"], new)
    create = amy.state(new, "m.room.create")
    same((create["predecessor"]["room_id"], create["room_version"], create["type"], create["m.federate"]), (old, "11", "m.space", False))
    tombstone = amy.state(old, "m.room.tombstone", format="event")
    true(create["predecessor"]["event_id"].startswith("$"), create)
    same(tombstone["sender"], amy.id)
    for kind in ["m.room.name", "m.room.topic", "m.room.avatar", "m.room.history_visibility", "m.room.server_acl",
                 "m.room.encryption", "m.room.join_rules", "m.room.guest_access"]:
        got = amy.get(["rooms", new, "state", kind]).body
        same(got, amy.get(["rooms", old, "state", kind]).body, kind)
    same(amy.state(new, "m.room.member", eve.id)["membership"], "ban")
    same(amy.state(new, "m.room.power_levels")["users"], {amy.id: 100, ben.id: 50})
    true(amy.state(old, "m.room.power_levels")["events_default"] >= 50, "the old room is closed")
    same(amy.get(["directory", "room", alias]).ok()["room_id"], new)
    same(amy.state(new, "m.room.canonical_alias").get("alias"), alias)
    same(amy.get(["directory", "list", "room", new]).ok(), {"visibility": "public"})
    same(amy.get(["directory", "list", "room", old]).ok(), {"visibility": "private"})
    same(amy.state(new, "m.space.child", "!child:x"), {"via": [hs.name]})
    ben.join(new)
    ben.wait(since, lambda answer: any(event["type"] == "m.room.tombstone" for event in timeline(answer, old)))
    for person in [amy, ben]:
        rules = [rule["rule_id"] for rule in person.get("pushrules/").ok()["global"]["room"]]
        true(old in rules and new in rules, rules)
    same(amy.get(["user", amy.id, "rooms", new, "tags"]).ok()["tags"], {"u.tag": {"order": 0.5}})
    same(amy.get(["user", amy.id, "account_data", "m.direct"]).ok(), {ben.id: [old, new]})


@check("an upgrade made by hand carries push rules over too")
def upgrade_by_hand(hs):
    amy, ben = hs.people("amy", "ben")
    old = amy.room(room_version="10", preset="public_chat")
    ben.join(old)
    for person in [amy, ben]:
        person.put(["pushrules", "global", "room", old], {"actions": ["dont_notify"]}).ok()
    new = amy.room(room_version="11", preset="public_chat", creation_content={"predecessor": {"room_id": old}})
    amy.set(old, "m.room.tombstone", {"body": "replaced", "replacement_room": new})
    ben.join(new)
    for person in [amy, ben]:
        rules = [rule["rule_id"] for rule in person.get("pushrules/").ok()["global"]["room"]]
        true(old in rules and new in rules, rules)


@check("a room's summary tells those who may join or look")
def summary(hs):
    amy, eve = hs.people("amy", "eve")
    room = amy.room(preset="public_chat", name="Sum", topic="T", room_version="12")
    for person in [amy, eve]:
        body = person.get(["room_summary", room], prefix=V1).ok()
        same((body["room_id"], body["name"], body["topic"], body["num_joined_members"]), (room, "Sum", "T", 1))
        same((body["join_rule"], body["world_readable"], body["guest_can_join"], body["room_version"]), ("public", False, False, "12"))
        same(body.get("membership"), "join" if person is amy else "leave")
    private = amy.room(preset="private_chat")
    eve.get(["room_summary", private], prefix=V1).refused(404, "M_NOT_FOUND")
    eve.get(["room_summary", "!unheard:of"], prefix=V1).refused(404, "M_NOT_FOUND")
    amy.invite(private, eve)
    same(eve.get(["room_summary", private], prefix=V1).ok()["membership"], "invite")


@check("reports are taken of rooms, events and users that one sees")
def reports(hs):
    amy, eve = hs.people("amy", "eve")
    room = amy.room(preset="private_chat")
    event = amy.say(room, "rude")
    amy.post(["rooms", room, "report", event], {"reason": "x", "score": -100}).ok()
    amy.post(["rooms", room, "report", event], {}).ok()
    eve.post(["rooms", room, "report", event], {"reason": "x"}).refused(404, "M_NOT_FOUND")
    amy.post(["rooms", room, "report", "$unheard"], {"reason": "x"}).refused(404, "M_NOT_FOUND")
    eve.post(["rooms", room, "report"], {"reason": "x"}).ok()
    amy.post(["rooms", "!unheard:of", "report"], {"reason": "x"}).refused(404, "M_NOT_FOUND")
    amy.post(["users", eve.id, "report"], {"reason": "x"}).ok()


@check("transaction ids make sending repeatable, for each room and type")
def transactions(hs):
    amy = hs.person()
    one, two = amy.room(), amy.room()
    first = amy.send(one, body="first", txn="abc")
    same(amy.send(one, body="first", txn="abc"), first)
    same(amy.send(one, body="second", txn="abc"), first)
    true(amy.send(two, body="first", txn="abc") != first, "another room")
    same(amy.get(["rooms", one, "event", first]).ok()["unsigned"]["transaction_id"], "abc")
    other = hs.device(amy)
    true("transaction_id" not in other.get(["rooms", one, "event", first]).ok().get("unsigned", {}), "another device's")
    true(other.send(one, body="first", txn="abc") != first, "another device")


@check("joined rooms and joined members are listed")
def lists(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    same(amy.get("joined_rooms").ok()["joined_rooms"], [room])
    member = amy.get(["rooms", room, "joined_members"]).ok()["joined"][amy.id]
    true({"display_name", "avatar_url"} >= set(member), member)
    ben.get(["rooms", room, "joined_members"]).refused(403, "M_FORBIDDEN")
    true(isinstance(joined(amy.sync(), room), dict), "sync")
