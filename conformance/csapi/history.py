"""Who sees which part of a room's past; pages of it, context, search, jumps to a date."""

import json
import time

from people import V1, check, event_ids, same, true


def made(person, visibility, **more):
    state = [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}]
    return person.room(preset="public_chat", initial_state=state, **more)


@check("history is seen as its visibility says")
def visibility(hs):
    amy, ben = hs.people("amy", "ben")
    for kind, sees in [("joined", 0), ("invited", 1), ("shared", 2), ("world_readable", 2)]:
        room = made(amy, kind)
        before = amy.say(room, "before the invitation")
        outside = ben.get(["rooms", room, "event", before])
        outside.ok() if kind == "world_readable" else outside.refused(404)
        amy.invite(room, ben)
        between = amy.say(room, "between")
        ben.join(room)
        after = amy.say(room, "after")
        for event, visible in [(before, sees >= 2), (between, sees >= 1), (after, True)]:
            answer = ben.get(["rooms", room, "event", event])
            if not visible:
                answer.refused(404, "M_NOT_FOUND")
                continue
            body = answer.ok()
            same((body["room_id"], body["sender"], body["event_id"], body["type"]), (room, amy.id, event, "m.room.message"))
            true(isinstance(body["origin_server_ts"], int), body)
        seen = event_ids(ben.messages(room, dir="b", limit=100).ok()["chunk"])
        same([event in seen for event in [before, between, after]], [sees >= 2, sees >= 1, True], kind)


@check("pages of messages miss nothing and repeat nothing, both ways")
def pages(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    room = amy.room(preset="public_chat")
    sent = []
    for number in range(40):
        sent.append(amy.say(room, str(number)))
        if number % 7 == 0:
            amy.set(room, "m.room.topic", {"topic": str(number)})
        if number % 11 == 0:
            cat.join(room)
            cat.leave(room)
    ben.join(room)
    for limit in [1, 3, 7, 50]:
        for way, want in [("b", sent[::-1]), ("f", sent)]:
            seen, token = [], None
            for _ in range(200):
                body = ben.messages(room, dir=way, limit=limit, **({"from": token} if token else {})).ok()
                true(len(body["chunk"]) <= limit, "too many")
                seen += event_ids(body["chunk"])
                token = body.get("end")
                if token is None:
                    break
            same(len(seen), len(set(seen)), "repeated")
            same([event for event in seen if event in sent], want)
    amy.messages(room, dir="x").refused(400)
    amy.messages(room, dir="b", **{"from": "nonsense"}).refused(400)
    amy.messages(room).refused(400)


@check("messages go on from a sync, with the members that they need")
def lazy(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    room = amy.room(preset="public_chat")
    ben.join(room)
    cat.join(room)
    ben.say(room, "test")
    before = amy.now()
    event = cat.say(room, "test")
    after = amy.now()
    body = amy.messages(room, dir="f", filter='{"lazy_load_members":true}', **{"from": before, "to": after}).ok()
    same(event_ids(body["chunk"]), [event])
    same([(e["type"], e["state_key"], e["content"]["membership"]) for e in body["state"]], [("m.room.member", cat.id, "join")])
    amy.say(room, "own")
    body = amy.messages(room, dir="b", filter='{"lazy_load_members":true}', **{"from": before}).ok()
    true(amy.id in [event["state_key"] for event in body["state"]], body["state"])
    picture = amy.send(room, content={"msgtype": "m.file", "body": "t", "url": "mxc://a/b"})
    body = amy.messages(room, dir="b", filter='{"contains_url":true}').ok()
    same(event_ids(body["chunk"]), [picture])
    true(isinstance(body["start"], str) and isinstance(body.get("end", ""), str), body)
    amy.messages(room, dir="b", filter="nonsense").refused(400)


@check("events come with what is around them")
def context(hs):
    amy, eve = hs.people("amy", "eve")
    room = amy.room(preset="public_chat")
    sent = [amy.say(room, str(number)) for number in range(9)]
    body = amy.get(["rooms", room, "context", sent[4]], limit=4).ok()
    same((event_ids(body["events_before"]), body["event"]["event_id"], event_ids(body["events_after"])), (sent[3:1:-1], sent[4], sent[5:7]))
    same(event_ids(amy.messages(room, dir="b", limit=1, **{"from": body["start"]}).ok()["chunk"]), [sent[1]])
    same(event_ids(amy.messages(room, dir="f", limit=1, **{"from": body["end"]}).ok()["chunk"]), [sent[7]])
    true(any(event["type"] == "m.room.create" for event in body["state"]), body["state"])
    body = amy.get(["rooms", room, "context", sent[4]], limit=0).ok()
    same((body.get("events_before", []), body.get("events_after", [])), ([], []))
    same(event_ids(amy.messages(room, dir="b", limit=1, **{"from": body["end"]}).ok()["chunk"]), [sent[4]])
    eve.get(["rooms", room, "context", sent[4]]).refused(404)
    amy.get(["rooms", room, "context", "$unheard"]).refused(404, "M_NOT_FOUND")


def search(person, term, rooms, token=None, order="recent", limit=None, **more):
    chosen = {"rooms": rooms, **({"limit": limit} if limit else {})}
    criteria = {"keys": ["content.body"], "search_term": term, "order_by": order, "filter": chosen, **more}
    query = {"next_batch": token} if token else {}
    return person.post("search", {"search_categories": {"room_events": criteria}}, **query).ok()["search_categories"]["room_events"]


@check("words are found, with what is around them, in pages")
def searching(hs):
    amy, eve = hs.people("amy", "eve")
    room = amy.room(preset="private_chat")
    sent = [amy.say(room, f"Message number {number}") for number in range(20)]
    found = search(amy, "Message", [room], limit=10)
    same((found["count"], [result["result"]["event_id"] for result in found["results"]]), (20, sent[:9:-1]))
    found = search(amy, "Message", [room], found["next_batch"], limit=10)
    same([result["result"]["event_id"] for result in found["results"]], sent[9::-1])
    true("next_batch" in found, "the end of the results is told by an empty page")
    found = search(amy, "Message", [room], found["next_batch"], limit=10)
    same((found["count"], found["results"], "next_batch" in found), (20, [], False))
    around = {"before_limit": 2, "after_limit": 2}
    found = search(amy, "Message 14", [room], limit=1, event_context=around)
    same((found["count"], found["results"][0]["result"]["content"]["body"]), (1, "Message number 14"))
    bodies = [[event["content"]["body"][-1] for event in found["results"][0]["context"][key]] for key in ["events_before", "events_after"]]
    same(bodies, [["3", "2"], ["5", "6"]])
    same(search(eve, "Message", [room])["count"], 0)
    amy.put(["rooms", room, "redact", sent[17], "r"], {}).ok()
    for order in ["rank", "recent"]:
        same(search(amy, "number 17", [room], order=order)["results"], [])
    amy.post("search", {"search_categories": {"room_events": {}}}).refused(400)


@check("a search looks into the room that an upgraded room replaces")
def search_upgraded(hs):
    amy = hs.person()
    old = amy.room(room_version="8", preset="private_chat")
    before = amy.say(old, "Message before upgrade")
    new = amy.post(["rooms", old, "upgrade"], {"new_version": "9"}).ok()["replacement_room"]
    after = amy.say(new, "Message after upgrade")
    criteria = {"keys": ["content.body"], "search_term": "upgrade", "filter": {"rooms": [old, new]}}
    found = amy.post("search", {"search_categories": {"room_events": criteria}}).ok()["search_categories"]["room_events"]
    same((found["count"], sorted(result["result"]["event_id"] for result in found["results"])), (2, sorted([before, after])))


@check("events are found by their time")
def jump(hs):
    amy, eve = hs.people("amy", "eve")
    begin = int(time.time() * 1000) - 1
    room = amy.room(preset="public_chat")

    def at(person, ts, way):
        return person.get(["rooms", room, "timestamp_to_event"], prefix=V1, ts=ts, dir=way)

    first = amy.say(room, "A")
    stamp = amy.get(["rooms", room, "event", first]).ok()["origin_server_ts"]
    second = amy.say(room, "B")
    body = at(amy, stamp, "f").ok()
    true(body["origin_server_ts"] == stamp, body)
    last = amy.get(["rooms", room, "event", second]).ok()["origin_server_ts"]
    same(at(amy, last + 1000, "b").ok()["event_id"], second)
    at(amy, begin, "b").refused(404, "M_NOT_FOUND")
    at(amy, last + 1, "f").refused(404, "M_NOT_FOUND")
    at(eve, begin, "f").refused(403, "M_FORBIDDEN")
    at(amy, begin, "x").refused(400)
    amy.get(["rooms", room, "timestamp_to_event"], prefix=V1, dir="f").refused(400)


@check("every filter that cannot be is refused, and others are kept")
def filters(hs):
    amy, eve = hs.people("amy", "eve")

    def put(content):
        return amy.post(["user", amy.id, "filter"], content)

    wrong = [{"presence": "x"}, {"event_format": "x"}, {"event_fields": "x"}]
    wrong += [{"room": {part: "x"}} for part in ["timeline", "state", "ephemeral", "account_data"]]
    for key in ["rooms", "not_rooms", "senders", "not_senders", "types", "not_types"]:
        wrong.append({"room": {"timeline": {key: "x"}}})
    wrong += [{"room": {"timeline": {key: ["x"]}}} for key in ["rooms", "senders"]]
    wrong.append({"room": {"timeline": {"types": [1]}}})
    for content in wrong:
        true(400 <= put(content).status < 500, json.dumps(content))
    kept = {"room": {"timeline": {"limit": 10}}}
    ident = put(kept).ok()["filter_id"]
    same(amy.get(["user", amy.id, "filter", ident]).ok(), kept)
    eve.get(["user", amy.id, "filter", ident]).refused(403)
    amy.get(["user", amy.id, "filter", "99999"]).refused(404, "M_NOT_FOUND")
    amy.get("sync", filter="99999").refused(400)
    amy.get("sync", filter="{").refused(400)
    amy.get("sync", since="nonsense").refused(400)
