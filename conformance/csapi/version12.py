"""Rooms of version 12: creators of infinite power, and ids that are hashes."""

from people import check, same, true

MAX = 2**53 - 1


@check("creators stand above every power level")
def creators(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(room_version="12")
    levels = amy.state(room, "m.room.power_levels")
    same(levels["users"], {})
    same(levels["events"]["m.room.tombstone"], 150)
    for level in [100, 949342, MAX]:
        room = amy.room(room_version="12", invite=[ben.id])
        ben.join(room)
        amy.set(room, "m.room.power_levels", {"users": {ben.id: level}})
        ben.act("kick", room, amy).refused(403, "M_FORBIDDEN")
        amy.act("kick", room, ben).ok()

    def put(**content):
        return amy.put(["rooms", room, "state", "m.room.power_levels", ""], content)

    put(users={amy.id: 100}).refused(400)
    put(users={ben.id: MAX + 1}).refused(400)
    override = {"users": {ben.id: 100}}
    room = amy.room(room_version="12", invite=[ben.id], power_level_content_override=override)
    same(amy.state(room, "m.room.power_levels")["users"], {ben.id: 100})
    amy.post("createRoom", {"room_version": "12", "power_level_content_override": {"users": {amy.id: 100}}}).refused(400)


@check("further creators are creators too")
def additional(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    more = {"additional_creators": [ben.id]}
    room = amy.room(room_version="12", preset="public_chat", creation_content=more)
    ben.join(room)
    amy.act("kick", room, ben).refused(403, "M_FORBIDDEN")
    ben.set(room, "m.room.name", {"name": "Ben's"})
    amy.put(["rooms", room, "state", "m.room.power_levels", ""], {"users": {ben.id: 100}}).refused(400)
    trusted = {"room_version": "12", "preset": "trusted_private_chat", "is_direct": True, "invite": [ben.id]}
    same(amy.state(amy.room(**trusted), "m.room.create")["additional_creators"], [ben.id])
    room = amy.room(**trusted, creation_content={"additional_creators": [cat.id]})
    same(sorted(amy.state(room, "m.room.create")["additional_creators"]), sorted([ben.id, cat.id]))
    for wrong in ["x", ["@foo:example.com", 42], ["@foo:example.com", "x"], ["@invalid:dom$ain$.com"]]:
        body = {"room_version": "12", "creation_content": {"additional_creators": wrong}}
        amy.post("createRoom", body).refused(400)
    amy.room(room_version="12", creation_content={"additional_creators": ["@foo:example.com", "@bar:baz.code"]})


@check("upgrades name the new creators")
def upgrades(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    cases = [
        ("11", {ben.id: 100}, ben, None, None, {}),
        ("11", {ben.id: 100, cat.id: 100}, ben, None, None, {cat.id: 100}),
        ("12", {ben.id: 150}, ben, [cat.id], [cat.id], {}),
        ("12", {ben.id: 150, cat.id: 50}, ben, [cat.id], [cat.id], {}),
        ("11", {amy.id: 100, ben.id: 100}, amy, [ben.id], [ben.id], {}),
        ("11", {amy.id: 100, ben.id: 100, cat.id: 50}, amy, [ben.id], [ben.id], {cat.id: 50}),
    ]
    for version, users, who, asked, creators, left in cases:
        room = amy.room(room_version=version, preset="public_chat")
        ben.join(room)
        cat.join(room)
        amy.set(room, "m.room.power_levels", {"users": users})
        body = {"new_version": "12", **({"additional_creators": asked} if asked else {})}
        new = who.post(["rooms", room, "upgrade"], body).ok()["replacement_room"]
        create = who.state(new, "m.room.create")
        same(create.get("additional_creators"), creators)
        same(create["room_version"], "12")
        same(create["predecessor"], {"room_id": room})
        same(who.state(new, "m.room.power_levels").get("users", {}), left)


@check("the id of a room is that of its first event, which bears it everywhere")
def ids(hs):
    amy = hs.person()
    room = amy.room(room_version="12")
    event = amy.say(room, "Hello")
    first = "$" + room[1:]
    context = ["rooms", room, "context", event]
    found = [
        next(e for e in amy.get(["rooms", room, "state"]).ok() if e["type"] == "m.room.create"),
        next(e for e in amy.messages(room, dir="b", limit=100).ok()["chunk"] if e["type"] == "m.room.create"),
        amy.get(["rooms", room, "event", first]).ok(),
        amy.get(["rooms", room, "context", first]).ok()["event"],
        next(e for e in amy.get(context, limit=100).ok()["events_before"] if e["type"] == "m.room.create"),
        next(e for e in amy.get(context, limit=100).ok()["state"] if e["type"] == "m.room.create"),
        amy.state(room, "m.room.create", format="event"),
    ]
    for event in found:
        same((event["event_id"], event["room_id"]), (first, room))
    for version in ["11", "12"]:
        room = amy.room(room_version=version)
        body = {"room_version": version, "entropy": 100}
        amy.put(["rooms", room, "state", "m.room.create", ""], body).refused(400)
    true(":" not in amy.room(room_version="12"), "no server in the id")
