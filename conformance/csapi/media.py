"""Files: up, down, announced, small."""

import base64
import email.message
import struct
import zlib

from people import V1, check, same, true

OLD = "/_matrix/media/v3"


def png(side=64):
    rows = b"".join(b"\0" + bytes([x % 256, y % 256, 99] * 1)[:3] * side for y in range(side) for x in [y])
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def place(uri):
    return uri.removeprefix("mxc://").split("/")


def disposition(answer):
    message = email.message.Message()
    message["Content-Disposition"] = answer.headers["Content-Disposition"]
    return message.get_content_disposition(), message.get_filename()


@check("files come back as they were, under their names")
def names(hs):
    amy = hs.person()
    for name in ["ascii", "name with spaces", "name;with;semicolons", "\U0001f414", None]:
        uri = amy.upload(png(), "image/png", **({"filename": name} if name else {}))
        for prefix in [V1 + "/media", OLD]:
            answer = amy.call("GET", ["download", *place(uri)], prefix=prefix)
            true(answer.status == 200 and answer.raw == png(), f"{prefix} {answer.status}")
            same(answer.headers["Content-Type"], "image/png")
            kind, got = disposition(answer)
            true(kind in ("inline", "attachment"), kind)
            if name and kind == "attachment":
                same(got, name)
            answer = amy.call("GET", ["download", *place(uri), "\u2615"], prefix=prefix)
            kind, got = disposition(answer)
            true(kind == "inline" or got == "\u2615", f"{kind} {got}")
    uri = amy.upload(b"<svg/>", "image/svg+xml")
    same(disposition(amy.call("GET", ["download", *place(uri)], prefix=V1 + "/media"))[0], "attachment")
    hs.nobody.call("GET", ["media", "download", *place(uri)], prefix=V1).refused(401, "M_MISSING_TOKEN")
    amy.call("GET", ["media", "download", hs.name, "unheard"], prefix=V1).refused(404, "M_NOT_FOUND")
    text = amy.upload(b"Hello World!")
    answer = amy.call("GET", ["media", "download", *place(text)], prefix=V1)
    same((answer.raw, answer.headers["Content-Type"].split(";")[0]), (b"Hello World!", "text/plain"))
    for prefix in [OLD, V1 + "/media"]:
        true(isinstance(amy.get("config", prefix=prefix).ok()["m.upload.size"], int), "m.upload.size")


@check("uploads may be announced and come later, once")
def announced(hs):
    amy, eve = hs.people("amy", "eve")

    def create():
        body = amy.post("create", prefix="/_matrix/media/v1").ok()
        true("unused_expires_at" in body, body)
        return place(body["content_uri"])

    where = create()
    for prefix in [V1 + "/media", OLD]:
        amy.get(["download", *where], prefix=prefix, timeout_ms=1).refused(504, "M_NOT_YET_UPLOADED")
    eve.call("PUT", ["upload", *where], prefix=OLD, raw=b"x").refused(403, "M_FORBIDDEN")
    amy.call("PUT", ["upload", *where], prefix=OLD, raw=png(), kind="image/png", query={"filename": "test.png"}).ok()
    amy.call("PUT", ["upload", *where], prefix=OLD, raw=b"").refused(409, "M_CANNOT_OVERWRITE_MEDIA")
    answer = amy.call("GET", ["media", "download", *where], prefix=V1)
    same((answer.raw == png(), answer.headers["Content-Type"]), (True, "image/png"))
    amy.call("PUT", ["upload", hs.name, "unheard"], prefix=OLD, raw=b"x").refused(404, "M_NOT_FOUND")


@check("pictures have small versions")
def thumbnails(hs):
    amy = hs.person()
    uri = amy.upload(png(400), "image/png")
    for prefix in [V1 + "/media", OLD]:
        for method in ["scale", "crop"]:
            answer = amy.get(["thumbnail", *place(uri)], prefix=prefix, width=32, height=32, method=method)
            true(answer.status == 200 and answer.headers["Content-Type"].split(";")[0] in ("image/png", "image/jpeg", "image/webp"), f"{answer.status} {answer.raw[:200]!r}")
    hs.nobody.get(["media", "thumbnail", *place(uri)], prefix=V1, width=32, height=32).refused(401)
    amy.get(["media", "thumbnail", *place(uri)], prefix=V1).refused(400)
    text = amy.upload(b"not a picture")
    true(amy.get(["media", "thumbnail", *place(text)], prefix=V1, width=32, height=32).status in (400, 404), "no picture")
    true(base64.b64encode(png())[:4] == b"iVBO", "png")
