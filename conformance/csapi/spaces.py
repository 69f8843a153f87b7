"""The hierarchy of spaces."""

from people import V1, check, same, true


def link(person, parent, child, **more):
    person.set(parent, "m.space.child", {"via": ["x"], **more}, child)


def tree(person, root, **query):
    body = person.get(["rooms", root, "hierarchy"], prefix=V1, **query).ok()
    links = [(room["room_id"], event["state_key"]) for room in body["rooms"] for event in room["children_state"]]
    return [room["room_id"] for room in body["rooms"]], sorted(links), body


def space(person, name, preset="public_chat", **more):
    return person.room(preset=preset, name=name, creation_content={"type": "m.space"}, **more)


OPEN = [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "world_readable"}}]


@check("a space is walked in depth, with limits, pages and suggestions")
def walk(hs):
    amy, ben = hs.people("amy", "ben")
    root, ss1, ss2 = space(amy, "Root"), space(amy, "SS1", topic="T"), space(amy, "SS2")
    r1, r2, r3 = (amy.room(preset="public_chat", name=name) for name in ["R1", "R2", "R3"])
    r4 = ben.room(preset="public_chat", name="R4", initial_state=OPEN)
    r5 = ben.room(preset="public_chat", name="R5")
    link(amy, root, r1, suggested=True)
    link(amy, root, ss1)
    link(amy, root, r2, suggested=True)
    link(amy, r2, r5)
    amy.set(r2, "m.space.parent", {"via": ["x"]}, root)
    link(amy, ss1, ss2)
    link(amy, ss2, r3)
    link(amy, ss2, r4)
    rooms, links, body = tree(amy, root)
    # Children without `order` follow the time of their links: depth first.
    same(rooms, [root, r1, ss1, ss2, r3, r4, r2])
    same(links, sorted([(root, r1), (root, ss1), (root, r2), (ss1, ss2), (ss2, r3), (ss2, r4)]))
    of_ss1 = next(room for room in body["rooms"] if room["room_id"] == ss1)
    same((of_ss1["room_type"], of_ss1["name"], of_ss1["topic"], of_ss1["num_joined_members"]), ("m.space", "SS1", "T", 1))
    true(all({"type", "state_key", "content", "sender", "origin_server_ts"} == set(event) for event in of_ss1["children_state"]), of_ss1)
    true("next_batch" not in body, body)
    rooms, links, _ = tree(amy, root, max_depth=1)
    same(sorted(rooms), sorted([root, r1, r2, ss1]))
    same(links, sorted([(root, r1), (root, r2), (root, ss1), (ss1, ss2)]))
    rooms, links, _ = tree(amy, root, suggested_only="true")
    same((sorted(rooms), links), (sorted([root, r1, r2]), sorted([(root, r1), (root, r2)])))
    rooms, _, body = tree(amy, root, limit=4)
    same(rooms, [root, r1, ss1, ss2])
    rooms, _, body = tree(amy, root, **{"from": body["next_batch"]})
    same(rooms, [r3, r4, r2])
    same(tree(amy, root, max_depth=0)[0], [root])
    amy.get(["rooms", root, "hierarchy"], prefix=V1, **{"from": "nonsense"}).refused(400, "M_INVALID_PARAM")
    amy.set(root, "m.space.child", {}, ss1)
    rooms, links, _ = tree(amy, root)
    same((rooms, links), ([root, r1, r2], sorted([(root, r1), (root, r2)])))
    amy.set(root, "m.space.child", {"via": ["x"], "order": "a"}, r2)
    same(tree(amy, root)[0], [root, r2, r1])


@check("a space shows only what one may join or look at")
def visible(hs):
    amy, ben, eve = hs.people("amy", "ben", "eve")
    root, ss1 = space(amy, "Root"), space(amy, "SS1", preset="private_chat")
    r1, r3 = amy.room(preset="private_chat"), amy.room(preset="private_chat")
    r2 = amy.room(preset="public_chat", initial_state=OPEN)
    for parent, child in [(root, r1), (root, ss1), (ss1, r2), (ss1, r3)]:
        link(amy, parent, child)
    ben.join(root)
    top = sorted([(root, r1), (root, ss1)])
    same(tree(ben, root)[:2], ([root], top))
    amy.invite(r1, ben)
    amy.invite(r3, ben)
    same(tree(ben, root)[:2], ([root, r1], top))
    amy.invite(ss1, ben)
    same(tree(ben, root)[:2], ([root, r1, ss1, r2, r3], sorted(top + [(ss1, r2), (ss1, r3)])))
    rule = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": root}]}
    inner = amy.room(initial_state=[{"type": "m.room.join_rules", "state_key": "", "content": rule}])
    link(amy, root, inner)
    body = tree(ben, root)[2]
    got = next(room for room in body["rooms"] if room["room_id"] == inner)
    same((got["join_rule"], got.get("allowed_room_ids")), ("restricted", [root]))
    true(inner not in tree(eve, root)[0], "restricted rooms are for those who may join them")
    knock = amy.room(preset="private_chat")
    amy.set(knock, "m.room.join_rules", {"join_rule": "knock"})
    link(amy, root, knock)
    true(knock in tree(eve, root)[0], "rooms to knock at are shown")
    eve.get(["rooms", r1, "hierarchy"], prefix=V1).refused(403, "M_FORBIDDEN")
    eve.get(["rooms", "!unheard:of", "hierarchy"], prefix=V1).refused(403, "M_FORBIDDEN")
