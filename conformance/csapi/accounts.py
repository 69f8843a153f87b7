"""Registration, signing in and out, passwords, profiles, presence, account data, the directory of users."""

from people import PASSWORD, V3, check, same, true

DUMMY = {"type": "m.login.dummy"}


@check("registration says its stages")
def stages(hs):
    answer = hs.nobody.post("register")
    body = answer.refused(401)
    true(answer.headers["Content-Type"].startswith("application/json"), "not JSON")
    true(body["flows"] and all(isinstance(flow["stages"], list) for flow in body["flows"]), body)
    true(isinstance(body["session"], str) and isinstance(body["params"], dict), body)
    answer = hs.nobody.call("POST", "register", raw=b'{ "test":"a\x81" }')
    answer.refused(400, "M_NOT_JSON")
    hs.nobody.call("POST", "register", raw=b'["not an object"]').refused(400)


@check("registration makes accounts as asked, and in two steps")
def register(hs):
    body = hs.nobody.post("register", {"auth": DUMMY, "username": "Reg-UPPER", "password": PASSWORD}).ok()
    same(body["user_id"], f"@reg-upper:{hs.name}")
    true(body["access_token"] and body["device_id"], body)
    hs.nobody.post("register", {"auth": DUMMY, "username": "reg-upper", "password": PASSWORD}).refused(400, "M_USER_IN_USE")
    hs.nobody.post("register", {"username": "reg-upper", "password": PASSWORD}).refused(400, "M_USER_IN_USE")
    asked = {"username": "reg-two", "password": "übers3kr1t", "device_id": "xyzzy", "initial_device_display_name": "Mine"}
    session = hs.nobody.post("register", asked).refused(401)["session"]
    body = hs.nobody.post("register", {**asked, "auth": {**DUMMY, "session": session}}).ok()
    same(body["device_id"], "xyzzy")
    same(hs.signed_in(body).get("devices/xyzzy").ok()["display_name"], "Mine")
    body = hs.nobody.post("register", {"auth": DUMMY, "username": "reg-quiet", "password": PASSWORD, "inhibit_login": True}).ok()
    true("access_token" not in body and "device_id" not in body and body["user_id"], body)
    body = hs.nobody.post("register", {"auth": DUMMY, "password": PASSWORD}).ok()
    true(body["user_id"].startswith("@"), body)


@check("registration takes and refuses user names as specified")
def names(hs):
    for char in "!\":?\\@[]{|}£é\n'":
        body = {"auth": DUMMY, "username": f"user-{char}-no", "password": PASSWORD}
        hs.nobody.post("register", body).refused(400, "M_INVALID_USERNAME")
    for char in "q3._=-/+":
        body = {"auth": DUMMY, "username": f"chr{char}", "password": PASSWORD}
        same(hs.nobody.post("register", body).ok()["user_id"], f"@chr{char}:{hs.name}")
    hs.nobody.get("register/available", username="chrq").refused(400, "M_USER_IN_USE")
    hs.nobody.get("register/available", username="a b").refused(400, "M_INVALID_USERNAME")
    same(hs.nobody.get("register/available", username="chr-free").ok(), {"available": True})


@check("registration with the shared secret")
def shared_secret(hs):
    same(hs.shared_secret("Shared-UP", False).ok()["user_id"], f"@shared-up:{hs.name}")
    hs.shared_secret("us,er", False).refused(400, "M_INVALID_USERNAME")
    hs.shared_secret("shared-up", False).refused(400, "M_USER_IN_USE")
    body = hs.shared_secret("shared-admin", True).ok()
    true(body["access_token"] and body["home_server"] == hs.name, body)
    boss, other = hs.signed_in(body), hs.person()
    true("devices" in boss.get(["admin", "whois", other.id]).ok(), "whois")
    other.get(["admin", "whois", boss.id]).refused(403, "M_FORBIDDEN")


@check("signing in")
def login(hs):
    flows = hs.nobody.get("login").ok()["flows"]
    true(any(flow["type"] == "m.login.password" for flow in flows), flows)
    amy = hs.person("Login")
    local = amy.id[1:].split(":")[0]
    for user in [amy.id, local, local.upper(), amy.id.replace("login", "Login")]:
        who = {"type": "m.id.user", "user": user}
        body = {"type": "m.login.password", "identifier": who, "password": PASSWORD}
        same(hs.nobody.post("login", body).ok()["user_id"], amy.id)
    old = {"type": "m.login.password", "user": local, "password": PASSWORD}
    body = hs.nobody.post("login", old).ok()
    same(body.get("home_server"), hs.name, "home_server, which old clients look for")
    same(hs.device(amy, device_id="MINE").device, "MINE")
    hs.login(amy, "wrong").refused(403, "M_FORBIDDEN")
    who = {"type": "m.id.user", "user": "nobody-at-all"}
    hs.nobody.post("login", {"type": "m.login.password", "identifier": who, "password": "x"}).refused(403, "M_FORBIDDEN")
    hs.nobody.post("login", {"type": "m.login.unheard.of"}).refused(400, "M_UNKNOWN")
    hs.nobody.post("login", {"type": "m.login.password", "password": "x"}).refused(400)
    same(amy.get("account/whoami").ok()["user_id"], amy.id)


@check("signing out")
def logout(hs):
    amy = hs.person()
    other = hs.device(amy)
    same(len(other.get("devices").ok()["devices"]), 2)
    other.post("logout").ok()
    other.get("sync").refused(401, "M_UNKNOWN_TOKEN")
    same([device["device_id"] for device in amy.get("devices").ok()["devices"]], [amy.device])
    other = hs.device(amy)
    other.post("logout/all").ok()
    for person in [other, amy]:
        person.get("sync").refused(401, "M_UNKNOWN_TOKEN")
    other.token = "invalid"
    other.post("logout").refused(401, "M_UNKNOWN_TOKEN")
    hs.nobody.post("logout").refused(401, "M_MISSING_TOKEN")
    hs.nobody.get("capabilities").refused(401, "M_MISSING_TOKEN")


def change(person, old, new, **more):
    auth = {"type": "m.login.password", "user": person.id, "password": old}
    return person.post("account/password", {"auth": auth, "new_password": new, **more})


@check("changing the password ends other sessions and their pushers")
def password(hs):
    amy = hs.person()
    other = hs.device(amy)
    pusher = {
        "app_id": "suite", "pushkey": "k", "kind": "http", "lang": "en", "app_display_name": "a", "profile_tag": "t",
        "device_display_name": "d", "data": {"url": "https://push.invalid/_matrix/push/v1/notify"},
    }
    other.post("pushers/set", pusher).ok()
    same(len(amy.get("pushers").ok()["pushers"]), 1)
    change(amy, "wrong", "a new long password").refused(401, "M_FORBIDDEN")
    change(amy, PASSWORD, "a new long password").ok()
    hs.login(amy).refused(403, "M_FORBIDDEN")
    hs.login(amy, "a new long password").ok()
    amy.get("account/whoami").ok()
    other.get("account/whoami").refused(401)
    same(amy.get("pushers").ok()["pushers"], [])
    amy.post("pushers/set", pusher).ok()
    kept = hs.signed_in(hs.login(amy, "a new long password").ok())
    change(amy, "a new long password", PASSWORD, logout_devices=False).ok()
    kept.get("account/whoami").ok()
    same(len(amy.get("pushers").ok()["pushers"]), 1)
    amy.post("pushers/set", {**pusher, "kind": None}).ok()
    same(amy.get("pushers").ok()["pushers"], [])


@check("deactivating an account")
def deactivate(hs):
    amy, ben = hs.people("gone", "ben")
    room = ben.room(preset="public_chat")
    amy.join(room)

    def auth(password):
        return {"auth": {"type": "m.login.password", "user": amy.id, "password": password}}

    amy.post("account/deactivate", auth("wrong")).refused(401, "M_FORBIDDEN")
    same(amy.post("account/deactivate").refused(401).get("errcode"), None)
    since = ben.now()
    true("id_server_unbind_result" in amy.post("account/deactivate", auth(PASSWORD)).ok(), "id_server_unbind_result")
    hs.login(amy).refused(403)
    amy.get("sync").refused(401)
    ben.wait(since, lambda answer: any(e.get("state_key") == amy.id for e in answer["rooms"]["join"][room]["timeline"]["events"]))
    local = amy.id[1:].split(":")[0]
    hs.nobody.post("register", {"auth": DUMMY, "username": local, "password": PASSWORD}).refused(400)


@check("profiles are readable and change the memberships")
def profile(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    for field, value in [("displayname", "LemurLover"), ("avatar_url", "mxc://x/LemurLover")]:
        since = amy.now()
        amy.put(["profile", amy.id, field], {field: value}).ok()
        same(hs.nobody.get(["profile", amy.id, field]).ok(), {field: value})

        def seen(answer):
            events = answer["rooms"]["join"].get(room, {}).get("timeline", {}).get("events", [])
            return any(event["content"].get(field) == value for event in events)

        amy.wait(since, seen)
    same(amy.get(["profile", amy.id]).ok(), {"displayname": "LemurLover", "avatar_url": "mxc://x/LemurLover"})
    ben.put(["profile", amy.id, "displayname"], {"displayname": "x"}).refused(403, "M_FORBIDDEN")
    ben.get(["profile", f"@unheard-of:{hs.name}"]).refused(404, "M_NOT_FOUND")
    ben.get(["profile", f"@unheard-of:{hs.name}", "displayname"]).refused(404, "M_NOT_FOUND")
    amy.put(["profile", amy.id, "m.tz"], {"m.tz": "Europe/London"}).ok()
    same(ben.get(["profile", amy.id, "m.tz"]).ok(), {"m.tz": "Europe/London"})
    amy.delete(["profile", amy.id, "m.tz"]).ok()
    ben.get(["profile", amy.id, "m.tz"]).refused(404, "M_NOT_FOUND")


@check("presence is set, read and told")
def presence(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    ben.join(room)
    true("presence" in amy.get(["presence", amy.id, "status"]).ok(), "no presence")

    def seen(state, words=None):
        def found(answer):
            return any(
                event["type"] == "m.presence" and event["sender"] == amy.id
                and event["content"]["presence"] == state and (not words or event["content"].get("status_msg") == words)
                for event in answer.get("presence", {}).get("events", [])
            )
        return found

    since = ben.now()
    amy.put(["presence", amy.id, "status"], {"presence": "online", "status_msg": "Testing"}).ok()
    same(amy.get(["presence", amy.id, "status"]).ok().get("status_msg"), "Testing")
    ben.wait(since, seen("online", "Testing"))
    since = ben.now()
    amy.sync(set_presence="unavailable")
    ben.wait(since, seen("unavailable"))
    ben.put(["presence", amy.id, "status"], {"presence": "online"}).refused(403, "M_FORBIDDEN")
    amy.put(["presence", amy.id, "status"], {"presence": "asleep"}).refused(400)


@check("those who join see one another's presence")
def presence_on_join(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room(preset="public_chat")
    since, bens = amy.now(), ben.now()
    ben.join(room)

    def sees(other):
        return lambda answer: any(event["sender"] == other.id for event in answer.get("presence", {}).get("events", []))

    answer = amy.wait(since, sees(ben))
    amy.wait(None, sees(ben))
    ben.wait(bens, sees(amy))
    true(not sees(ben)(amy.sync(answer["next_batch"])), "told twice")


@check("account data is kept, told and deleted")
def account_data(hs):
    amy, ben = hs.people("amy", "ben")
    room = amy.room()
    for path in [["user", amy.id, "account_data", "a.b"], ["user", amy.id, "rooms", room, "account_data", "a.b"]]:

        def told(content):
            def found(answer):
                events = answer.get("account_data", {}).get("events", [])
                if "rooms" in path:
                    events = answer.get("rooms", {}).get("join", {}).get(room, {}).get("account_data", {}).get("events", [])
                return {"type": "a.b", "content": content} in events
            return found

        amy.get(path).refused(404, "M_NOT_FOUND")
        for content in [{"value": "first"}, {"value": "second"}]:
            since = amy.now()
            amy.put(path, content).ok()
            same(amy.get(path).ok(), content)
            amy.wait(since, told(content))
        for remove in ["PUT", "DELETE"]:
            amy.put(path, {"value": 1}).ok()
            since = amy.now()
            if remove == "PUT":
                amy.put(path, {}).ok()
            else:
                amy.delete(path, prefix="/_matrix/client/unstable/org.matrix.msc3391").ok()
            amy.wait(since, told({}))
            amy.get(path).refused(404, "M_NOT_FOUND")
            true(not told({})(amy.sync()), "deleted data in an initial sync")
        ben.put(path, {}).refused(403, "M_FORBIDDEN")
    amy.put(["user", amy.id, "account_data", "m.fully_read"], {}).refused(405)
    amy.put(["user", amy.id, "account_data", "m.push_rules"], {}).refused(405)


@check("a device's own notification settings go with it")
def local_settings(hs):
    amy = hs.person()
    other = hs.device(amy)
    for prefix in ["m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."]:
        path = ["user", amy.id, "account_data", prefix + other.device]
        amy.put(path, {"is_silenced": True}).ok()
        same(amy.get(path).ok(), {"is_silenced": True})
    other.post("logout").ok()
    for prefix in ["m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."]:
        amy.get(["user", amy.id, "account_data", prefix + other.device]).refused(404, "M_NOT_FOUND")


@check("the directory of users does not tell a room's own names")
def user_directory(hs):
    amy, ben, eve = hs.people("dirty", "ben", "eve")
    room = ben.room()
    ben.invite(room, amy)
    amy.join(room)
    amy.set(room, "m.room.member", {"membership": "join", "displayname": "Secret Cooper"}, amy.id)
    local = amy.id[1:].split(":")[0]
    found = [who for who in eve.post("user_directory/search", {"search_term": local}).ok()["results"] if who["user_id"] == amy.id]
    true(all(who.get("display_name") in (None, local) for who in found), found)
    same(eve.post("user_directory/search", {"search_term": "Secret Cooper"}).ok()["results"], [])
    if found:
        same(found[0].get("display_name"), local, "a new account's display name")
    true("limited" in eve.post("user_directory/search", {"search_term": "zz", "limit": 1}).ok(), "limited")


@check("versions and capabilities have their shapes")
def versions(hs):
    import re

    body = hs.nobody.get("versions", prefix="/_matrix/client").ok()
    true(all(re.fullmatch(r"r0\.\d+\.\d+|v[1-9]\d*\.\d+(-\S+)?", version) for version in body["versions"]), body)
    true(all(isinstance(value, bool) for value in body.get("unstable_features", {}).values()), body)
    capabilities = hs.person().get("capabilities").ok()["capabilities"]
    true("m.room_versions" in capabilities and "m.change_password" in capabilities, capabilities)
    true(capabilities["m.room_versions"]["default"] in capabilities["m.room_versions"]["available"], capabilities)


@check("unknown paths and methods are told apart")
def unknown(hs):
    amy = hs.person()
    for prefix in [V3, "/_matrix/client", "/_matrix", "/_matrix/federation/v1", "/_matrix/key/v2", "/_matrix/media/v3"]:
        amy.get("no/such/thing", prefix=prefix).refused(404, "M_UNRECOGNIZED")
    amy.put("login", {}).refused(405, "M_UNRECOGNIZED")
    amy.delete("sync").refused(405, "M_UNRECOGNIZED")
    amy.put("createRoom", {}).refused(405, "M_UNRECOGNIZED")
    answer = hs.nobody.call("OPTIONS", "sync")
    true(answer.status in (200, 204) and answer.headers["Access-Control-Allow-Origin"] == "*", dict(answer.headers))
