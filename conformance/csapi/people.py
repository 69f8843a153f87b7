"""A small Matrix client, and what the checks say about its answers. Standard library only."""

import hashlib
import hmac
import http.client
import itertools
import json
import threading
import urllib.parse

V3 = "/_matrix/client/v3"
V1 = "/_matrix/client/v1"
PASSWORD = "correct horse battery staple"
NUMBERS = itertools.count(1)
CHECKS = []


class Wrong(AssertionError):
    """The server did not do what it should."""


def check(title):
    """Marks a check: a function of the server (`House`)."""

    def mark(function):
        CHECKS.append((function.__module__, title, function))
        return function

    return mark


def same(got, want, what="value"):
    if got != want:
        raise Wrong(f"{what}: got {json.dumps(got)[:600]}, want {json.dumps(want)[:600]}")


def true(condition, what):
    if not condition:
        raise Wrong(what if isinstance(what, str) else json.dumps(what)[:800])


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, call, response):
        self.call, self.status, self.headers = call, response.status, response.headers
        self.raw = response.read()
        try:
            self.body = json.loads(self.raw)
        except ValueError:
            self.body = None

    def ok(self):
        """The JSON body of a 200."""
        if self.status != 200:
            raise Wrong(f"{self.call}: {self.status} {self.raw[:400]!r}")
        return self.body

    def refused(self, status, code=None):
        """Demands a refusal with this status and, unless it is left open, `errcode`."""
        got = self.body.get("errcode") if isinstance(self.body, dict) else None
        if self.status != status or (code and got != code):
            raise Wrong(f"{self.call}: {self.status} {self.raw[:400]!r}, want {status} {code or ''}")
        return self.body


class Person:
    """One signed-in device, or nobody (without a token)."""

    def __init__(self, house, user_id="", token=None, device_id=""):
        self.house, self.id, self.token, self.device = house, user_id, token, device_id
        self.local = threading.local()

    def call(self, method, path, body=None, query=None, prefix=V3, raw=None, kind="application/json"):
        """Sends a request. `path` is a list of segments, or one string with slashes in it."""
        parts = path.split("/") if isinstance(path, str) else path
        url = prefix + "/" + "/".join(urllib.parse.quote(part, safe="") for part in parts)
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = kind
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection(self.house.host, timeout=40)
        try:
            connection.request(method, url, data, headers)
            return Answer(f"{method} {url}", connection.getresponse())
        except (http.client.HTTPException, ConnectionError):
            connection.close()
            connection.request(method, url, data, headers)
            return Answer(f"{method} {url}", connection.getresponse())

    def get(self, path, prefix=V3, **query):
        return self.call("GET", path, query=query, prefix=prefix)

    def post(self, path, body=None, prefix=V3, **query):
        return self.call("POST", path, {} if body is None else body, query, prefix)

    def put(self, path, body, prefix=V3, **query):
        return self.call("PUT", path, body, query, prefix)

    def delete(self, path, prefix=V3, **query):
        return self.call("DELETE", path, query=query, prefix=prefix)

    # --- rooms ---------------------------------------------------------------------------------------------------

    def room(self, **options):
        return self.post("createRoom", options).ok()["room_id"]

    def send(self, room, kind="m.room.message", content=None, txn=None, **fields):
        content = {"msgtype": "m.text", **fields} if content is None else content
        return self.put(["rooms", room, "send", kind, txn or f"t{next(NUMBERS)}"], content).ok()["event_id"]

    def say(self, room, words):
        return self.send(room, body=words)

    def set(self, room, kind, content, key=""):
        return self.put(["rooms", room, "state", kind, key], content).ok()["event_id"]

    def state(self, room, kind, key="", **query):
        return self.get(["rooms", room, "state", kind, key], **query).ok()

    def join(self, room):
        return self.post(["join", room]).ok()["room_id"]

    def invite(self, room, other):
        return self.post(["rooms", room, "invite"], {"user_id": other.id}).ok()

    def leave(self, room):
        return self.post(["rooms", room, "leave"]).ok()

    def act(self, verb, room, other):
        """Kick, ban or unban."""
        return self.post(["rooms", room, verb], {"user_id": other.id, "reason": "testing"})

    def messages(self, room, **query):
        return self.get(["rooms", room, "messages"], **query)

    # --- sync ----------------------------------------------------------------------------------------------------

    def sync(self, since=None, **query):
        query.setdefault("timeout", 0)
        if since:
            query["since"] = since
        if isinstance(query.get("filter"), dict):
            query["filter"] = json.dumps(query["filter"])
        return self.get("sync", **query).ok()

    def now(self):
        return self.sync()["next_batch"]

    def wait(self, since, found, **query):
        """Syncs until `found(answer)`; gives that answer. Six seconds of nothing new is a failure."""
        for _ in range(40):
            answer = self.sync(since, timeout=0 if since is None else 6000, **query)
            if found(answer):
                return answer
            if since is not None and answer["next_batch"] == since:
                break
            since = answer["next_batch"]
        raise Wrong(f"never seen in /sync; last: {json.dumps(answer)[:600]}")

    def upload(self, content, kind="text/plain", **query):
        answer = self.call("POST", "upload", query=query, prefix="/_matrix/media/v3", raw=content, kind=kind)
        return answer.ok()["content_uri"]


class House:
    """The server under test."""

    def __init__(self, url, secret):
        self.host, self.secret = urllib.parse.urlparse(url).netloc, secret
        self.nobody = Person(self)
        probe = self.person("probe")
        self.name = probe.id.split(":", 1)[1]

    def person(self, name="amy", password=PASSWORD):
        """Registers somebody new, named like `name`."""
        auth = {"type": "m.login.dummy"}
        body = {"auth": auth, "username": f"{name}-{next(NUMBERS)}", "password": password}
        return self.signed_in(self.nobody.post("register", body).ok())

    def people(self, *names):
        return [self.person(name) for name in names]

    def signed_in(self, body):
        return Person(self, body["user_id"], body["access_token"], body["device_id"])

    def login(self, person, password=PASSWORD, **more):
        who = {"type": "m.id.user", "user": person.id}
        body = {"type": "m.login.password", "identifier": who, "password": password, **more}
        return self.nobody.post("login", body)

    def device(self, person, **more):
        """Another device of the same person."""
        return self.signed_in(self.login(person, **more).ok())

    def admin(self, name="boss", admin=True):
        """Registers with the shared secret."""
        return self.signed_in(self.shared_secret(f"{name}-{next(NUMBERS)}", admin).ok())

    def shared_secret(self, name, admin):
        path, prefix = "register", "/_synapse/admin/v1"
        nonce = self.nobody.get(path, prefix).ok()["nonce"]
        role = "admin" if admin else "notadmin"
        mac = hmac.new(self.secret.encode(), "\0".join([nonce, name, PASSWORD, role]).encode(), hashlib.sha1)
        body = {"nonce": nonce, "username": name, "password": PASSWORD, "admin": admin, "mac": mac.hexdigest()}
        return self.nobody.post(path, body, prefix)


def joined(answer, room):
    return answer.get("rooms", {}).get("join", {}).get(room, {})


def left(answer, room):
    return answer.get("rooms", {}).get("leave", {}).get(room)


def invited(answer, room):
    return answer.get("rooms", {}).get("invite", {}).get(room)


def timeline(answer, room):
    return joined(answer, room).get("timeline", {}).get("events", [])


def event_ids(events):
    return [event["event_id"] for event in events]


def has_member(events, who, membership):
    return any(
        event["type"] == "m.room.member"
        and event["state_key"] == who.id
        and event["content"].get("membership") == membership
        for event in events
    )
