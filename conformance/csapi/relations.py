"""Relations, threads, polls."""

from people import V1, check, event_ids, joined, same, true


def reply(person, room, target, kind="m.thread", event="m.room.message", **content):
    relation = {"rel_type": kind, "event_id": target, **content.pop("relation", {})}
    return person.send(room, event, {"msgtype": "m.text", "body": "reply", **content, "m.relates_to": relation})


@check("relations are found by kind and type, in pages, and through one another")
def related(hs):
    amy, eve = hs.people("amy", "eve")
    room = amy.room(preset="public_chat")
    root = amy.say(room, "root")
    thread = reply(amy, room, root)
    dummy = reply(amy, room, root, event="m.dummy")
    edit = reply(amy, room, root, "m.replace", **{"m.new_content": {"msgtype": "m.text", "body": "edited"}})
    of_thread = reply(amy, room, thread, "m.annotation", "m.reaction", relation={"key": "x"})

    def found(*more, **query):
        return event_ids(amy.get(["rooms", room, "relations", root, *more], prefix=V1, **query).ok()["chunk"])

    same(found(), [edit, dummy, thread])
    same(found("m.thread"), [dummy, thread])
    same(found("m.thread", "m.room.message"), [thread])
    same(found(dir="f"), [thread, dummy, edit])
    body = amy.get(["rooms", room, "relations", root], prefix=V1, recurse="true").ok()
    same((event_ids(body["chunk"]), body.get("recursion_depth", 0) >= 1), ([of_thread, edit, dummy, thread], True))
    same(found("m.annotation", recurse="true"), [of_thread])
    eve.get(["rooms", room, "relations", root], prefix=V1).refused(404)
    amy.get(["rooms", room, "relations", "$unheard"], prefix=V1).refused(404, "M_NOT_FOUND")
    bundled = amy.get(["rooms", room, "event", root]).ok()
    summary = bundled["unsigned"]["m.relations"]
    same((summary["m.thread"]["count"], summary["m.thread"]["latest_event"]["event_id"]), (2, dummy))
    same(summary["m.thread"]["current_user_participated"], True)
    same(summary["m.replace"]["event_id"], edit)
    same(bundled["content"]["body"], "root", "the content stays as sent")
    reference = reply(amy, room, root, "m.reference")
    same(amy.get(["rooms", room, "event", root]).ok()["unsigned"]["m.relations"]["m.reference"]["chunk"], [{"event_id": reference}])


@check("relations come in pages, also from a sync token on")
def pages(hs):
    amy = hs.person()
    room = amy.room(preset="public_chat")
    root = amy.say(room, "root")
    replies = [reply(amy, room, root) for _ in range(10)]

    def page(**query):
        body = amy.get(["rooms", room, "relations", root], prefix=V1, limit=3, **query).ok()
        return event_ids(body["chunk"]), body.get("next_batch")

    got, more = page()
    same(got, replies[9:6:-1])
    got, more = page(**{"from": more})
    same(got, replies[6:3:-1])
    got, more = page(dir="f")
    same(got, replies[:3])
    same(page(dir="f", **{"from": more})[0], replies[3:6])
    token = amy.now()
    later = [reply(amy, room, root) for _ in range(5)]
    got, more = page(dir="f", **{"from": token})
    same(got, later[:3])
    same(page(dir="f", **{"from": more})[0], later[3:])
    got, more = page(**{"to": token})
    same(got, later[4:1:-1])
    same(page(**{"to": token, "from": more})[0], later[1::-1])


@check("messages are filtered by relation")
def by_relation(hs):
    amy = hs.person()
    room = amy.room(preset="public_chat")
    since = amy.now()
    plain = amy.say(room, "Message without a relation")
    thread, reference = reply(amy, room, plain), reply(amy, room, plain, "m.reference")
    import json

    for prefix in ["org.matrix.msc3874.", ""]:
        for key, kinds, want in [
            ("rel_types", ["m.thread"], [thread]),
            ("rel_types", ["m.reference"], [reference]),
            ("rel_types", ["m.thread", "m.reference"], [thread, reference]),
            ("not_rel_types", ["m.thread"], [plain, reference]),
            ("not_rel_types", ["m.reference"], [plain, thread]),
            ("not_rel_types", ["m.thread", "m.reference"], [plain]),
        ]:
            chosen = json.dumps({prefix + key: kinds})
            same(event_ids(amy.messages(room, dir="f", filter=chosen, **{"from": since}).ok()["chunk"]), want, chosen)


@check("threads are listed by their last word")
def threads(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    ben.join(room)
    one, two = amy.say(room, "Thread 1"), amy.say(room, "Thread 2")
    first, second = reply(amy, room, one), reply(amy, room, two)

    def listed(person=amy, **query):
        body = person.get(["rooms", room, "threads"], prefix=V1, **query).ok()
        return [(root["event_id"], root["unsigned"]["m.relations"]["m.thread"]["latest_event"]["event_id"]) for root in body["chunk"]], body

    same(listed()[0], [(two, second), (one, first)])
    third = reply(amy, room, one)
    same(listed()[0], [(one, third), (two, second)])
    got, body = listed(limit=1)
    same(got, [(one, third)])
    same(listed(limit=1, **{"from": body["next_batch"]})[0], [(two, second)])
    same(listed(ben, include="participated")[0], [])
    reply(ben, room, two)
    same([root for root, _ in listed(ben, include="participated")[0]], [two])
    amy.get(["rooms", room, "threads"], prefix=V1, include="nonsense").refused(400)


@check("nonsense relations are refused")
def nonsense(hs):
    amy = hs.person()
    room = amy.room()
    root = amy.say(room, "root")
    inner = reply(amy, room, root)
    body = {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": inner}}
    amy.put(["rooms", room, "send", "m.room.message", "n"], body).refused(400, "M_UNKNOWN")
    one = {"m.relates_to": {"rel_type": "m.annotation", "event_id": root, "key": "x"}}
    amy.send(room, "m.reaction", one)
    amy.put(["rooms", room, "send", "m.reaction", "again"], one).refused(400, "M_DUPLICATE_ANNOTATION")


@check("polls are asked, answered and closed")
def polls(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    ben.join(room)
    question = {"question": {"m.text": [{"body": "?"}]}, "kind": "m.disclosed", "max_selections": 1, "answers": [{"m.id": "a", "m.text": [{"body": "A"}]}]}
    start = amy.send(room, "m.poll.start", {"m.poll": question, "m.text": [{"body": "?"}]})
    answer = ben.send(room, "m.poll.response", {"m.relates_to": {"rel_type": "m.reference", "event_id": start}, "m.selections": ["a"]})
    end = amy.send(room, "m.poll.end", {"m.relates_to": {"rel_type": "m.reference", "event_id": start}, "m.text": [{"body": "over"}]})
    found = amy.get(["rooms", room, "relations", start, "m.reference"], prefix=V1).ok()["chunk"]
    same(event_ids(found), [end, answer])
    true(joined(ben.sync(), room), "sync")
    rules = amy.get("pushrules/").ok()["global"]
    every = {rule["rule_id"]: rule for kind in rules.values() for rule in kind}
    same(every[".org.matrix.msc3930.rule.poll_response"]["actions"], [])
    for where in ["poll_start", "poll_end"]:
        true(f".org.matrix.msc3930.rule.{where}" in every and f".org.matrix.msc3930.rule.{where}_one_to_one" in every, sorted(every))
