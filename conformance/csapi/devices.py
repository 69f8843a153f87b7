"""Devices, their keys, lists of devices, messages to devices, key backup."""

import base64
import itertools
import os

from people import check, same, true

MEGOLM = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]


def key():
    return base64.b64encode(os.urandom(32)).decode().rstrip("=")


def device_keys(person):
    keys = {f"ed25519:{person.device}": key(), f"curve25519:{person.device}": key()}
    return {"user_id": person.id, "device_id": person.device, "algorithms": MEGOLM, "keys": keys}


def upload(person, **body):
    return person.post("keys/upload", body)


def one_time(numbers):
    return {f"signed_curve25519:{number}": {"key": key(), "signatures": {"@a:b": {"ed25519:X": key()}}} for number in numbers}


@check("devices are listed, named and deleted")
def managing(hs):
    amy, eve = hs.people("amy", "eve")
    other = hs.device(amy, device_id="login_device", initial_device_display_name="device display")
    body = amy.get("devices/login_device").ok()
    same((body["device_id"], body["display_name"]), ("login_device", "device display"))
    amy.get("devices/unknown_device").refused(404, "M_NOT_FOUND")
    amy.put("devices/unknown_device", {"display_name": "x"}).refused(404, "M_NOT_FOUND")
    amy.put("devices/login_device", {"display_name": "new"}).ok()
    same(amy.get("devices/login_device").ok()["display_name"], "new")
    amy.put("devices/login_device", {}).ok()
    same(amy.get("devices/login_device").ok()["display_name"], "new")
    session = amy.delete("devices/login_device").refused(401)["session"]
    for who, password in [(eve, "correct horse battery staple"), (amy, "wrong")]:
        auth = {"type": "m.login.password", "session": session, "identifier": {"type": "m.id.user", "user": who.id}, "password": password}
        true(amy.call("DELETE", "devices/login_device", {"auth": auth}).status in (401, 403), who.id)
    auth = {"type": "m.login.password", "session": session, "identifier": {"type": "m.id.user", "user": amy.id}, "password": "correct horse battery staple"}
    amy.call("DELETE", "devices/login_device", {"auth": auth}).ok()
    amy.get("devices/login_device").refused(404)
    other.get("sync").refused(401, "M_UNKNOWN_TOKEN")


@check("keys are uploaded, counted, queried and claimed once, in their order")
def keys(hs):
    amy, ben = hs.people("amy", "ben")
    mine, one = device_keys(amy), one_time([0])
    answer = upload(amy, device_keys=mine, one_time_keys=one)
    same(answer.ok()["one_time_key_counts"].get("signed_curve25519"), 1)
    body = ben.post("keys/query", {"device_keys": {amy.id: []}}).ok()
    got = body["device_keys"][amy.id][amy.device]
    same({part: got[part] for part in mine}, mine)
    body = ben.post("keys/query", {"device_keys": {amy.id: [amy.device], ben.id: []}}).ok()
    true(amy.device in body["device_keys"][amy.id], body)
    same(body["device_keys"].get(ben.id), {}, "nobody's keys")
    claim = {"one_time_keys": {amy.id: {amy.device: "signed_curve25519"}}}
    same(ben.post("keys/claim", claim).ok()["one_time_keys"], {amy.id: {amy.device: one}})
    body = ben.post("keys/claim", claim).ok()
    true(amy.id not in body["one_time_keys"], body)
    upload(ben, device_keys={"user_id": ben.id, "device_id": ben.device}).refused(400, "M_BAD_JSON")
    upload(ben, device_keys={"user_id": amy.id, "device_id": amy.device}).refused(400)
    upload(ben, device_keys={**device_keys(ben), "user_id": amy.id}).refused(400)
    ben.post("keys/query", {"device_keys": {amy.id: {"device_id1": True}}}).refused(400, "M_BAD_JSON")
    later = one_time([5, 4])
    for number in [5, 4]:
        upload(amy, one_time_keys={f"signed_curve25519:{number}": later[f"signed_curve25519:{number}"]}).ok()
    for number in [5, 4]:
        name = f"signed_curve25519:{number}"
        same(ben.post("keys/claim", claim).ok()["one_time_keys"][amy.id][amy.device], {name: later[name]}, "order")
    every = one_time("ABCD")
    for part, count in [("ABC", 3), ("ABC", 3), ("BCD", 4)]:
        body = upload(amy, one_time_keys={f"signed_curve25519:{name}": every[f"signed_curve25519:{name}"] for name in part}).ok()
        same(body["one_time_key_counts"]["signed_curve25519"], count)
    changed = {"signed_curve25519:A": one_time("A")["signed_curve25519:A"]}
    upload(amy, one_time_keys=changed).refused(400)


def changed(person, since, other, section="changed"):
    def found(answer):
        return other.id in answer.get("device_lists", {}).get(section, [])
    return person.wait(since, found)["next_batch"]


@check("device lists tell who begins, changes and ceases to matter")
def device_lists(hs):
    for who_moves in ["other", "self"]:
        amy, ben = hs.people("amy", "ben")
        mover, stayer = (ben, amy) if who_moves == "other" else (amy, ben)
        upload(ben, device_keys=device_keys(ben)).ok()
        room = stayer.room(preset="public_chat")
        since = amy.now()
        mover.join(room)
        since = changed(amy, since, ben)
        new = device_keys(ben)
        upload(ben, device_keys=new).ok()
        since = changed(amy, since, ben)
        got = amy.post("keys/query", {"device_keys": {ben.id: []}}).ok()["device_keys"][ben.id][ben.device]
        same(got["keys"], new["keys"], "the keys last uploaded")
        before = since
        mover.leave(room)
        since = changed(amy, since, ben, "left")
        upload(ben, device_keys=device_keys(ben)).ok()
        true(ben.id not in amy.sync(since).get("device_lists", {}).get("changed", []), "told without a room in common")
        if who_moves == "other":
            ben.join(room)
            changed(amy, before, ben)
            changed(amy, since, ben)


@check("a new device and one that goes are changes")
def key_changes(hs):
    amy, ben = hs.people("amy", "ben")
    upload(ben, device_keys=device_keys(ben)).ok()
    room = amy.room(preset="public_chat")
    ben.join(room)
    since = amy.now()
    second = hs.device(ben)
    upload(second, device_keys=device_keys(second)).ok()
    to = changed(amy, since, ben)
    same(amy.get("keys/changes", **{"from": since, "to": to}).ok()["changed"], [ben.id])
    same(len(amy.post("keys/query", {"device_keys": {ben.id: []}}).ok()["device_keys"][ben.id]), 2)
    second.post("logout").ok()
    changed(amy, to, ben)
    same(len(amy.post("keys/query", {"device_keys": {ben.id: []}}).ok()["device_keys"][ben.id]), 1)


@check("messages to devices arrive once, in order, and again when a sync is repeated")
def to_device(hs):
    amy, ben, cat = hs.people("amy", "ben", "cat")
    numbers = itertools.count()

    def send(txn=None, **to):
        path = ["sendToDevice", "my.test.type", txn or f"x{next(numbers)}"]
        return amy.put(path, {"messages": to}).ok()

    bens, cats = ben.now(), cat.now()
    amy.put(["sendToDevice", "my.test.type", "one"], {"messages": {ben.id: {ben.device: {"n": 1}}, cat.id: {"*": {"n": 1}}}}).ok()
    amy.put(["sendToDevice", "my.test.type", "one"], {"messages": {ben.id: {ben.device: {"n": 1}}}}).ok()
    want = [{"type": "my.test.type", "sender": amy.id, "content": {"n": 1}}]
    first = ben.sync(bens)
    same(first["to_device"]["events"], want)
    same(ben.sync(bens)["to_device"]["events"], want, "repeated")
    same(cat.sync(cats)["to_device"]["events"], want)
    same(ben.sync(first["next_batch"]).get("to_device", {}).get("events", []), [])
    for number in range(2, 12):
        send(**{ben.id: {ben.device: {"n": number}}})
    got = ben.sync(first["next_batch"])["to_device"]["events"]
    same([event["content"]["n"] for event in got], list(range(2, 12)))


@check("the better of two backed up keys is kept")
def backup(hs):
    amy = hs.person()
    version = amy.post("room_keys/version", {"algorithm": "m.megolm_backup.v1", "auth_data": {"foo": "bar"}}).ok()["version"]

    def put(session, index, forwarded, verified):
        path = ["room_keys", "keys", "!foo:hs1", session]
        body = {"first_message_index": index, "forwarded_count": forwarded, "is_verified": verified, "session_data": {"a": "b"}}
        amy.put(path, body, version=version).ok()
        kept = amy.get(path, version=version).ok()
        return kept["first_message_index"], kept["forwarded_count"], kept["is_verified"]

    for session, verified in [("a", False), ("b", True)]:
        same(put(session, 10, 5, verified), (10, 5, verified))
        for index, forwarded in [(11, 5), (10, 6), (11, 6)]:
            for claim in {False, verified}:
                same(put(session, index, forwarded, claim), (10, 5, verified))
    same(put("b", 9, 5, True), (9, 5, True))
    same(put("a", 20, 20, True), (20, 20, True))
    body = amy.get(["room_keys", "version"]).ok()
    same((body["count"], body["version"]), (2, version))
    amy.put(["room_keys", "keys", "!foo:hs1", "a"], {"first_message_index": 1, "forwarded_count": 1, "is_verified": True, "session_data": {}}, version="99").refused(404)
    amy.get("room_keys/version/99").refused(404, "M_NOT_FOUND")


@check("keys to sign with are set up freely once and replaced after asking")
def cross_signing(hs):
    amy = hs.person()

    def master(name):
        return {"master_key": {"user_id": amy.id, "usage": ["master"], "keys": {f"ed25519:{name}": name}}}

    one, two = key(), key()
    amy.post("keys/device_signing/upload", master(one)).ok()
    amy.post("keys/device_signing/upload", master(one)).ok()
    body = amy.post("keys/device_signing/upload", master(two)).refused(401)
    auth = {"type": "m.login.password", "session": body["session"], "identifier": {"type": "m.id.user", "user": amy.id}, "password": "correct horse battery staple"}
    amy.post("keys/device_signing/upload", {**master(two), "auth": auth}).ok()
    got = amy.post("keys/query", {"device_keys": {amy.id: []}}).ok()["master_keys"][amy.id]
    same(got["keys"], master(two)["master_key"]["keys"])
