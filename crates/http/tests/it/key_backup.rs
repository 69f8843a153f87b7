//! The backup of room keys over HTTP: all operations, and the answers that clients depend on.

use serde_json::{Value, json};

use crate::support::Server;

const BASE: &str = "/_matrix/client/v3/room_keys";

fn version(auth_data: Value) -> Value {
    json!({ "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2", "auth_data": auth_data })
}

fn key(index: u64) -> Value {
    json!({
        "first_message_index": index, "forwarded_count": 0, "is_verified": false,
        "session_data": { "ciphertext": format!("at {index}"), "ephemeral": "e", "mac": "m" },
    })
}

#[tokio::test]
async fn versions() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let current = format!("{BASE}/version");
    server.get(&current, &amy).await.refused(404, "M_NOT_FOUND");
    let made = server.call(&format!("POST {current}"), &amy, version(json!({ "a": 1 }))).await.ok();
    assert_eq!(made, json!({ "version": "1" }));
    let mut expected = version(json!({ "a": 1 }));
    expected.as_object_mut().unwrap().extend([
        ("version".to_owned(), json!("1")),
        ("count".to_owned(), json!(0)),
        ("etag".to_owned(), json!("0")),
    ]);
    assert_eq!(server.get(&current, &amy).await.ok(), expected);
    assert_eq!(server.get(&format!("{current}/1"), &amy).await.ok(), expected);
    server.get(&format!("{current}/1"), &bob).await.refused(404, "M_NOT_FOUND");
    for unknown in ["2", "x", "-1"] {
        server.get(&format!("{current}/{unknown}"), &amy).await.refused(404, "M_NOT_FOUND");
    }

    let put = format!("PUT {current}/1");
    server.call(&put, &amy, version(json!({ "a": 2 }))).await.ok();
    assert_eq!(server.get(&current, &amy).await.ok()["auth_data"], json!({ "a": 2 }));
    let mut other = version(json!({}));
    other["version"] = json!("2");
    server.call(&put, &amy, other).await.refused(400, "M_INVALID_PARAM");
    let other = json!({ "algorithm": "other", "auth_data": {} });
    server.call(&put, &amy, other).await.refused(400, "M_INVALID_PARAM");
    server.call(&put, &amy, version(json!([]))).await.refused(400, "M_BAD_JSON");

    server.call(&format!("DELETE {current}/1"), &amy, Value::Null).await.ok();
    server.call(&format!("DELETE {current}/1"), &amy, Value::Null).await.refused(404, "M_NOT_FOUND");
    server.get(&current, &amy).await.refused(404, "M_NOT_FOUND");
    let made = server.call(&format!("POST {current}"), &amy, version(json!({}))).await.ok();
    assert_eq!(made, json!({ "version": "2" }));
}

#[tokio::test]
async fn keys_at_every_level() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    server.call(&format!("POST {BASE}/version"), &amy, version(json!({}))).await.ok();
    let keys = format!("{BASE}/keys");
    // Session ids are base64: a slash in one comes percent-encoded.
    let (all, room, session) = (
        format!("{keys}?version=1"),
        format!("{keys}/!a:x?version=1"),
        format!("{keys}/!a:x/s%2F1?version=1"),
    );
    let put = |path: &str| format!("PUT {path}");
    let body = json!({ "rooms": { "!a:x": { "sessions": { "s/1": key(5) } }, "!b:x": { "sessions": { "s": key(5) } } } });
    assert_eq!(server.call(&put(&all), &amy, body.clone()).await.ok(), json!({ "count": 2, "etag": "1" }));
    let body_of_room = json!({ "sessions": { "s/1": key(6), "s2": key(1) } });
    assert_eq!(server.call(&put(&room), &amy, body_of_room).await.ok(), json!({ "count": 3, "etag": "2" }));
    assert_eq!(server.call(&put(&session), &amy, key(4)).await.ok(), json!({ "count": 3, "etag": "3" }));

    assert_eq!(server.get(&session, &amy).await.ok(), key(4));
    assert_eq!(server.get(&room, &amy).await.ok(), json!({ "sessions": { "s/1": key(4), "s2": key(1) } }));
    let found = server.get(&all, &amy).await.ok();
    assert_eq!(found["rooms"]["!b:x"], body["rooms"]["!b:x"]);
    assert_eq!(server.get(&format!("{keys}/!c:x?version=1"), &amy).await.ok(), json!({ "sessions": {} }));
    server.get(&format!("{keys}/!a:x/none?version=1"), &amy).await.refused(404, "M_NOT_FOUND");

    for (path, count) in [(&session, 2), (&room, 1), (&all, 0)] {
        let left = server.call(&format!("DELETE {path}"), &amy, Value::Null).await.ok();
        assert_eq!(left["count"], count);
    }
    assert_eq!(server.get(&all, &amy).await.ok(), json!({ "rooms": {} }));
}

#[tokio::test]
async fn wrong_versions_and_bodies_are_refused() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    for _ in 0..2 {
        server.call(&format!("POST {BASE}/version"), &amy, version(json!({}))).await.ok();
    }
    let put = |version: &str| format!("PUT {BASE}/keys/!a:x/s?version={version}");
    let refused = server.call(&put("1"), &amy, key(1)).await.refused(403, "M_WRONG_ROOM_KEYS_VERSION");
    assert_eq!(refused["current_version"], "2");
    server.call(&put("9"), &amy, key(1)).await.refused(404, "M_NOT_FOUND");
    let missing = format!("PUT {BASE}/keys/!a:x/s");
    server.call(&missing, &amy, key(1)).await.refused(400, "M_INVALID_PARAM");
    for (member, value) in [
        ("first_message_index", json!(-1)),
        ("forwarded_count", json!("0")),
        ("is_verified", json!(1)),
        ("session_data", json!("text")),
    ] {
        let mut body = key(1);
        body[member] = value;
        let refused = server.call(&put("2"), &amy, body).await.refused(400, "M_BAD_JSON");
        assert!(refused["error"].as_str().unwrap().contains(member), "{refused}");
    }
    assert_eq!(server.get(&format!("{BASE}/version"), &amy).await.ok()["count"], 0);
}
