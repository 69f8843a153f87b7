"""Joining, inviting, leaving, forgetting, kicking, banning, knocking, restricted rooms."""

from people import check, event_ids, has_member, invited, joined, left, same, timeline, true


@check("one joins by id and by alias, with content of one's own, as often as one likes")
def join(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    alias = f"join-{amy.id[1:].split(':')[0]}"
    room = amy.room(preset="public_chat", visibility="public", room_alias_name=alias)
    same(ben.post(["join", f"#{alias}:{hs.name}"], {"foo": "bar"}).ok(), {"room_id": room})
    content = amy.state(room, "m.room.member", ben.id)
    same((content["membership"], content.get("foo")), ("join", "bar"))
    same(cat.post(["rooms", room, "join"], {"reason": "hello"}).ok(), {"room_id": room})
    same(amy.state(room, "m.room.member", cat.id).get("reason"), "hello")
    before = amy.state(room, "m.room.member", cat.id, format="event")["event_id"]
    cat.join(room)
    same(amy.state(room, "m.room.member", cat.id, format="event")["event_id"], before, "joining twice")
    true(has_member(timeline(cat.sync(), room), cat, "join"), "one's own join")
    amy.post(["join", f"#unheard-of:{hs.name}"]).refused(404, "M_NOT_FOUND")
    amy.post(["join", "!unheard:of"]).refused(404)
    amy.post(["join", "nonsense"]).refused(400)


@check("invitations are given, refused, and taken back")
def invite(hs):
    amy, ben, eve = hs.people("amy", "ben", "eve")
    room = amy.room(preset="private_chat", name="Invites room")
    ben.post(["join", room]).refused(403, "M_FORBIDDEN")
    eve.post(["rooms", room, "invite"], {"user_id": ben.id}).refused(403, "M_FORBIDDEN")
    amy.invite(room, ben)
    events = invited(ben.sync(), room)["invite_state"]["events"]
    by_type = {event["type"]: event["content"] for event in events}
    same((by_type["m.room.name"]["name"], by_type["m.room.join_rules"]["join_rule"]), ("Invites room", "invite"))
    since = ben.now()
    ben.leave(room)
    true(left(ben.sync(since), room) is not None, "rejected")
    amy.invite(room, ben)
    ben.join(room)
    amy.post(["rooms", room, "invite"], {"user_id": ben.id}).refused(403, "M_FORBIDDEN")
    amy.post(["rooms", room, "invite"], {"user_id": amy.id}).refused(403, "M_FORBIDDEN")
    amy.post(["rooms", room, "invite"], {"user_id": "nonsense"}).refused(400)
    amy.post(["rooms", room, "invite"], {}).refused(400)


@check("an invitation outlives its room, and a creator can be invited again")
def empty_room(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="private_chat")
    amy.invite(room, ben)
    amy.leave(room)
    since = ben.now()
    ben.leave(room)
    answer = ben.sync(since)
    true(left(answer, room) is not None, answer)
    true(invited(ben.sync(answer["next_batch"]), room) is None, "still invited")
    for version in ["11", "12"]:
        room = amy.room(preset="private_chat", room_version=version)
        amy.invite(room, ben)
        ben.join(room)
        amy.set(room, "m.room.power_levels", {"users": {ben.id: 100} if version == "12" else {ben.id: 100, amy.id: 100}})
        amy.leave(room)
        ben.invite(room, amy)
        true(invited(amy.sync(), room) is not None, "invited again")
        amy.join(room)


@check("kicking and banning need a member and a right")
def kick(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    room = amy.room(preset="public_chat")
    amy.act("kick", room, ben).refused(403, "M_FORBIDDEN")
    ben.join(room)
    ben.leave(room)
    amy.act("kick", room, ben).refused(403, "M_FORBIDDEN")
    ben.join(room)
    ben.act("kick", room, amy).refused(403, "M_FORBIDDEN")
    amy.set(room, "m.room.power_levels", {"users": {cat.id: 100}} if ":" not in room else {"users": {cat.id: 100, amy.id: 100}})
    cat.act("ban", room, ben).refused(403, "M_FORBIDDEN")
    since = ben.now()
    amy.act("ban", room, ben).ok()
    same(amy.state(room, "m.room.member", ben.id)["membership"], "ban")
    true(has_member(left(ben.sync(since), room)["timeline"]["events"], ben, "ban"), "the ban in sync")
    ben.post(["join", room]).refused(403, "M_FORBIDDEN")
    amy.post(["rooms", room, "invite"], {"user_id": ben.id}).refused(403, "M_FORBIDDEN")
    amy.act("kick", room, ben).refused(403)
    amy.act("unban", room, ben).ok()
    amy.act("unban", room, ben).refused(403)
    ben.join(room)
    ben.put(["rooms", room, "state", "m.room.member", amy.id], {"membership": "leave"}).refused(403, "M_FORBIDDEN")


@check("forgetting a room hides it until one is asked in again")
def forget(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    ben.join(room)
    amy.post(["rooms", room, "forget"]).refused(400, "M_UNKNOWN")
    amy.say(room, "Hello world!")
    amy.leave(room)
    amy.post(["rooms", room, "forget"]).ok()
    amy.messages(room, dir="b").refused(403, "M_FORBIDDEN")
    answer = amy.sync(filter={"room": {"include_leave": True}})
    true(left(answer, room) is None, "forgotten rooms are not synced")
    room = ben.room(preset="private_chat")
    ben.invite(room, amy)
    ben.set(room, "m.room.join_rules", {"join_rule": "invite"})
    amy.join(room)
    before = amy.say(room, "Before leave")
    ben.act("kick", room, amy).ok()
    amy.post(["rooms", room, "forget"]).ok()
    amy.post(["rooms", room, "forget"]).ok()
    amy.post(["join", room]).refused(403, "M_FORBIDDEN")
    ben.invite(room, amy)
    amy.join(room)
    true(before in event_ids(amy.messages(room, dir="b", limit=100).ok()["chunk"]), "history after coming back")
    after = amy.say(room, "After rejoin")
    same(event_ids(amy.messages(room, dir="b", limit=1).ok()["chunk"]), [after])
    room = amy.room(preset="private_chat")
    amy.invite(room, ben)
    ben.leave(room)
    ben.post(["rooms", room, "forget"]).ok()
    amy.leave(room)
    amy.post(["rooms", room, "forget"]).ok()


@check("those who left see the room as it was then")
def departed(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    visibility = {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "joined"}}
    room = amy.room(preset="public_chat", initial_state=[visibility])
    ben.join(room)
    amy.set(room, "m.room.name", {"name": "N1"})
    amy.set(room, "made.up", {"body": "S1"})
    said = [amy.say(room, "M1"), amy.say(room, "M2")]
    ben.leave(room)
    since = ben.now()
    amy.set(room, "m.room.name", {"name": "N2"})
    amy.set(room, "made.up", {"body": "S2"})
    amy.say(room, "M3")
    cat.join(room)
    same((ben.state(room, "made.up"), amy.state(room, "made.up")), ({"body": "S1"}, {"body": "S2"}))
    same((ben.state(room, "m.room.name"), amy.state(room, "m.room.name")), ({"name": "N1"}, {"name": "N2"}))
    members = ben.get(["rooms", room, "members"]).ok()["chunk"]
    same(sorted((event["state_key"], event["content"]["membership"]) for event in members), sorted([(amy.id, "join"), (ben.id, "leave")]))
    names = {event["type"]: event["content"] for event in ben.get(["rooms", room, "state"]).ok()}
    same(names["m.room.name"], {"name": "N1"})
    chunk = ben.messages(room, dir="b", limit=3, **{"from": since}).ok()["chunk"]
    same([event["event_id"] for event in chunk][1:], said[::-1])
    same(chunk[0].get("state_key"), ben.id)
    same(ben.messages(room, dir="f", limit=100, **{"from": since}).ok()["chunk"], [])


@check("members are listed, filtered, and as of a point")
def listed(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    amy.say(room, "Hello")
    before = joined(amy.sync(), room)["timeline"]["prev_batch"]
    at = amy.now()
    ben.join(room)
    ben.say(room, "Hello back")

    def names(**query):
        chunk = amy.get(["rooms", room, "members"], **query).ok()["chunk"]
        true(all(event["room_id"] == room and event["type"] == "m.room.member" for event in chunk), chunk)
        return sorted(event["state_key"] for event in chunk)

    same(names(), sorted([amy.id, ben.id]))
    same(names(at=at), [amy.id])
    true(before is None or names(at=before) in ([], [amy.id]), "as of prev_batch")
    ben.leave(room)
    same(names(not_membership="leave"), [amy.id])
    same(names(membership="leave"), [ben.id])
    same(names(membership="join"), [amy.id])
    amy.get(["rooms", room, "members"], membership="nonsense").refused(400)


def knock(person, room, status=200, reason=None):
    answer = person.post(["knock", room], {"reason": reason} if reason else {})
    if status != 200:
        return answer.refused(status, "M_FORBIDDEN")
    same(answer.ok(), {"room_id": room})
    events = person.sync()["rooms"]["knock"][room]["knock_state"]["events"]
    return true(any(event["state_key"] == person.id for event in events), events)


@check("knocking, taking it back, and being let in or not")
def knocking(hs):
    amy, ben = hs.people("amy", "ben")
    for version, rule in [("7", "knock"), ("10", "knock_restricted"), ("12", "knock")]:
        room = amy.room(preset="private_chat", room_version=version)
        knock(ben, room, 403)
        amy.set(room, "m.room.join_rules", {"join_rule": rule})
        ben.post(["join", room]).refused(403, "M_FORBIDDEN")
        since = amy.now()
        knock(ben, room, reason="Let me in")
        knock(ben, room, reason="I really like knock knock jokes")
        told = [event for event in timeline(amy.sync(since), room) if event.get("state_key") == ben.id]
        same([event["content"]["reason"] for event in told], ["Let me in", "I really like knock knock jokes"])
        since = ben.now()
        ben.leave(room)
        true(has_member(left(ben.sync(since), room)["timeline"]["events"], ben, "leave"), "taken back")
        knock(ben, room, reason="again?")
        amy.act("kick", room, ben).ok()
        knock(ben, room)
        amy.invite(room, ben)
        knock(ben, room, 403)
        ben.join(room)
        knock(ben, room, 403)
        amy.act("ban", room, ben).ok()
        knock(ben, room, 403)


@check("restricted rooms let in who is in the room that they name")
def restricted(hs):
    for version, rule in [("8", "restricted"), ("9", "restricted"), ("10", "knock_restricted"), ("12", "restricted")]:
        amy, ben = hs.people("amy", "ben")
        allowed = amy.room(preset="public_chat", name="Allowed Room")
        content = {"join_rule": rule, "allow": [{"type": "m.room_membership", "room_id": allowed, "via": [hs.name]}]}
        state = [{"type": "m.room.join_rules", "state_key": "", "content": content}]
        room = amy.room(preset="public_chat", room_version=version, initial_state=state)
        ben.post(["join", room]).refused(403, "M_FORBIDDEN")
        ben.join(allowed)
        ben.join(room)
        same(amy.state(room, "m.room.member", ben.id).get("join_authorised_via_users_server"), amy.id)
        ben.set(room, "m.room.member", {"membership": "join", "displayname": "Bobby", "join_authorised_via_users_server": "unused"}, ben.id)
        ben.leave(room)
        ben.leave(allowed)
        ben.post(["join", room]).refused(403, "M_FORBIDDEN")
        amy.invite(room, ben)
        ben.join(room)
        ben.leave(room)
        ben.join(allowed)
        for wrong in [["invalid"], "invalid"]:
            amy.set(room, "m.room.join_rules", {"join_rule": rule, "allow": wrong})
            ben.post(["join", room]).refused(403)


@check("nobody can be let into a restricted room when no member may invite")
def restricted_without_host(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    allowed = amy.room(preset="public_chat")
    content = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": allowed}]}
    state = [{"type": "m.room.join_rules", "state_key": "", "content": content}]
    room = amy.room(preset="public_chat", room_version="11", initial_state=state)
    for person in [ben, cat]:
        person.join(allowed)
    ben.join(room)
    amy.set(room, "m.room.power_levels", {"users": {amy.id: 100}, "invite": 50})
    amy.leave(room)
    cat.post(["join", room]).refused(403)
