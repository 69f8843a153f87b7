//! The endpoints of rooms.

use serde_json::{Value, json};

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";

/// A room that amy made and bob joined.
async fn room(server: &Server, amy: &str, bob: &str) -> String {
    let body = json!({ "invite": ["@bob:riverside.example"], "name": "Ward 7", "room_alias_name": "ward7" });
    let room = text(&server.call(&format!("POST {V3}/createRoom"), amy, body).await.ok(), "room_id");
    server.call(&format!("POST {V3}/rooms/{room}/join"), bob, json!({})).await.ok();
    room
}

#[tokio::test]
async fn a_conversation() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let rooms = format!("{V3}/rooms/{room}");
    let joined = server.get(&format!("{V3}/joined_rooms"), &bob).await.ok();
    assert_eq!(joined["joined_rooms"], json!([room]));

    let say = format!("PUT {rooms}/send/m.room.message/t1");
    let message = json!({ "msgtype": "m.text", "body": "hello" });
    let event = text(&server.call(&say, &amy, message.clone()).await.ok(), "event_id");
    assert_eq!(text(&server.call(&say, &amy, message).await.ok(), "event_id"), event);

    let seen = server.get(&format!("{rooms}/event/{event}"), &bob).await.ok();
    assert_eq!(seen["content"]["body"], "hello");
    assert_eq!(seen["room_id"], room.as_str());
    let page = server.get(&format!("{rooms}/messages?dir=b&limit=1"), &bob).await.ok();
    assert_eq!(page["chunk"][0]["event_id"], event.as_str());
    let older = format!("{rooms}/messages?dir=b&from={}&limit=500", text(&page, "end"));
    let older = server.get(&older, &bob).await.ok();
    assert!(older.get("end").is_none());
    assert_eq!(older["chunk"].as_array().unwrap().last().unwrap()["type"], "m.room.create");
    let around = server.get(&format!("{rooms}/context/{event}?limit=2"), &bob).await.ok();
    assert_eq!(around["event"]["event_id"], event.as_str());
    assert_eq!(around["events_before"][0]["type"], "m.room.member");

    let react = json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": event, "key": "+1" } });
    server.call(&format!("PUT {rooms}/send/m.reaction/t2"), &bob, react).await.ok();
    let relations = format!("/_matrix/client/v1/rooms/{room}/relations/{event}");
    for path in ["", "/m.annotation", "/m.annotation/m.reaction", "?recurse=true&dir=f"] {
        let found = server.get(&format!("{relations}{path}"), &amy).await.ok();
        assert_eq!(found["chunk"].as_array().unwrap().len(), 1, "{path}");
    }
    let none = server.get(&format!("{relations}/m.thread"), &amy).await.ok();
    assert_eq!(none["chunk"], json!([]));

    let redact = format!("PUT {rooms}/redact/{event}/t3");
    server.call(&redact, &bob, json!({})).await.refused(403, "M_FORBIDDEN");
    server.call(&redact, &amy, json!({ "reason": "wrong patient" })).await.ok();
    let seen = server.get(&format!("{rooms}/event/{event}"), &bob).await.ok();
    assert_eq!(seen["content"], json!({}));
}

#[tokio::test]
async fn state_members_and_aliases() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let rooms = format!("{V3}/rooms/{room}");
    for path in ["m.room.name", "m.room.name/"] {
        let name = server.get(&format!("{rooms}/state/{path}"), &bob).await.ok();
        assert_eq!(name, json!({ "name": "Ward 7" }));
    }
    let event = server.get(&format!("{rooms}/state/m.room.name?format=event"), &bob).await.ok();
    assert_eq!(event["state_key"], "");
    server.get(&format!("{rooms}/state/m.room.avatar"), &bob).await.refused(404, "M_NOT_FOUND");
    let put = format!("PUT {rooms}/state/org.test/key");
    server.call(&put, &bob, json!({ "a": 1 })).await.refused(403, "M_FORBIDDEN");
    server.call(&put, &amy, json!({ "a": 1 })).await.ok();
    server.call(&put, &amy, json!({ "a": 1.5 })).await.refused(400, "M_BAD_JSON");
    assert_eq!(server.get(&format!("{rooms}/state/org.test/key"), &bob).await.ok(), json!({ "a": 1 }));
    let all = server.get(&format!("{rooms}/state"), &bob).await.ok();
    assert!(all.as_array().unwrap().iter().any(|event| event["type"] == "org.test"));

    let joined = server.get(&format!("{rooms}/joined_members"), &bob).await.ok();
    assert_eq!(joined["joined"].as_object().unwrap().len(), 2);
    let members = server.get(&format!("{rooms}/members?membership=join"), &bob).await.ok();
    assert_eq!(members["chunk"].as_array().unwrap().len(), 2);
    server.get(&format!("{rooms}/members?membership=joined"), &bob).await.refused(400, "M_INVALID_PARAM");

    let alias = format!("{V3}/directory/room/%23ward7:riverside.example");
    assert_eq!(server.get(&alias, &bob).await.ok()["room_id"], room.as_str());
    let body = json!({ "room_id": room });
    server.call(&format!("PUT {alias}"), &amy, body.clone()).await.refused(409, "M_ROOM_IN_USE");
    let other = format!("{V3}/directory/room/%23other:riverside.example");
    server.call(&format!("PUT {other}"), &bob, body).await.ok();
    let known = server.get(&format!("{rooms}/aliases"), &bob).await.ok();
    assert_eq!(known["aliases"].as_array().unwrap().len(), 2);
    server.call(&format!("DELETE {alias}"), &bob, Value::Null).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("DELETE {other}"), &bob, Value::Null).await.ok();
    server.get(&other, &bob).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn membership_over_the_wire() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy, &bob).await;
    let rooms = format!("POST {V3}/rooms/{room}");
    let target = json!({ "user_id": "@bob:riverside.example" });
    for (path, who, status) in [
        ("kick", &bob, 403),
        ("kick", &amy, 200),
        ("invite", &amy, 200),
        ("ban", &amy, 200),
        ("invite", &amy, 403),
        ("unban", &amy, 200),
        ("invite", &amy, 200),
    ] {
        let body = if who == &bob { json!({ "user_id": "@amy:riverside.example" }) } else { target.clone() };
        let answer = server.call(&format!("{rooms}/{path}"), who, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    let by_alias = format!("POST {V3}/join/%23ward7:riverside.example");
    assert_eq!(server.call(&by_alias, &bob, json!({})).await.ok()["room_id"], room.as_str());
    server.call(&format!("{rooms}/forget"), &bob, json!({})).await.refused(400, "M_UNKNOWN");
    server.call(&format!("{rooms}/leave"), &bob, Value::Null).await.ok();
    server.call(&format!("{rooms}/forget"), &bob, Value::Null).await.ok();
    server.call(&format!("POST {V3}/knock/{room}"), &bob, json!({})).await.refused(403, "M_FORBIDDEN");
    let nobody = json!({ "user_id": "@nobody:riverside.example" });
    server.call(&format!("{rooms}/invite"), &amy, nobody).await.refused(404, "M_NOT_FOUND");
    let stranger = json!({ "user_id": "@a:elsewhere.example" });
    server.call(&format!("{rooms}/invite"), &amy, stranger).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("{rooms}/invite"), &amy, json!({})).await.refused(400, "M_BAD_JSON");
}

#[tokio::test]
async fn bad_requests_are_named() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = text(&server.call(&format!("POST {V3}/createRoom"), &amy, json!({})).await.ok(), "room_id");
    let create = format!("POST {V3}/createRoom");
    for (body, errcode) in [
        (json!({ "room_version": "1" }), "M_UNSUPPORTED_ROOM_VERSION"),
        (json!({ "preset": "x" }), "M_INVALID_PARAM"),
        (json!({ "visibility": "x" }), "M_INVALID_PARAM"),
        (json!({ "name": 1 }), "M_BAD_JSON"),
        (json!({ "invite": ["bob"] }), "M_BAD_JSON"),
        (json!({ "initial_state": [{ "type": "m.room.topic" }] }), "M_BAD_JSON"),
        (
            json!({ "power_level_content_override": { "users": { "@amy:riverside.example": 100 } } }),
            "M_INVALID_ROOM_STATE",
        ),
    ] {
        server.call(&create, &amy, body).await.refused(400, errcode);
    }
    let rooms = format!("{V3}/rooms/{room}");
    let send = format!("PUT {rooms}/send/m.room.message");
    let large = json!({ "body": "x".repeat(70_000) });
    server.call(&format!("{send}/1"), &amy, large).await.refused(413, "M_TOO_LARGE");
    server.call(&format!("{send}/2"), &amy, json!([])).await.refused(400, "M_BAD_JSON");
    server.call(&format!("{send}/3"), &bob, json!({})).await.refused(403, "M_FORBIDDEN");
    let unknown = format!("PUT {V3}/rooms/!unknown/send/m.room.message/1");
    server.call(&unknown, &amy, json!({})).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("POST {V3}/join/!unknown"), &amy, json!({})).await.refused(404, "M_NOT_FOUND");
    server.call(&format!("POST {V3}/join/nonsense"), &amy, json!({})).await.refused(400, "M_INVALID_PARAM");
    for (query, errcode) in [
        ("", "M_MISSING_PARAM"),
        ("?dir=x", "M_INVALID_PARAM"),
        ("?dir=b&from=x", "M_INVALID_PARAM"),
        ("?dir=b&limit=x", "M_INVALID_PARAM"),
        ("?dir=b&filter=x", "M_INVALID_PARAM"),
    ] {
        server.get(&format!("{rooms}/messages{query}"), &amy).await.refused(400, errcode);
    }
    server.get(&format!("{rooms}/messages?dir=b"), &bob).await.refused(403, "M_FORBIDDEN");
    server.get(&format!("{rooms}/state"), &bob).await.refused(403, "M_FORBIDDEN");
    server.get(&format!("{rooms}/event/$nothing"), &amy).await.refused(404, "M_NOT_FOUND");
    server.get(&format!("{rooms}/state"), "").await.refused(401, "M_MISSING_TOKEN");
}
