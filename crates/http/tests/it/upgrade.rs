//! Upgrading rooms.

use serde_json::{Value, json};

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";
const BOB: &str = "@bob:riverside.example";

async fn state(server: &Server, token: &str, room: &str, kind: &str) -> Value {
    server.get(&format!("{V3}/rooms/{room}/state/{kind}"), token).await.ok()
}

/// Upgrades a room from one version to another and gives the new one.
async fn upgraded(server: &Server, amy: &str, from: &str, to: &str) -> (String, String) {
    let body = json!({
        "room_version": from, "preset": "public_chat", "name": "Ward 7", "topic": "Beds", "visibility": "public",
        "room_alias_name": format!("w{from}-{to}"), "creation_content": { "type": "org.test", "m.federate": false },
        "initial_state": [
            { "type": "org.wardline.role", "state_key": "a", "content": { "role": "registrar" } },
            { "type": "org.test.other", "content": {} },
        ],
        "power_level_content_override": { "events": { "m.room.name": 75 }, "users_default": 3 },
    });
    let old = text(&server.call(&format!("POST {V3}/createRoom"), amy, body).await.ok(), "room_id");
    let ban = json!({ "user_id": "@carol:riverside.example", "reason": "left the Trust" });
    server.call(&format!("POST {V3}/rooms/{old}/ban"), amy, ban).await.ok();
    let call = format!("POST {V3}/rooms/{old}/upgrade");
    let body = json!({ "new_version": to, "additional_creators": [BOB] });
    (text(&server.call(&call, amy, body).await.ok(), "replacement_room"), old)
}

#[tokio::test]
async fn everything_is_carried_over() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    for (from, to) in [("10", "11"), ("11", "12"), ("12", "12"), ("12", "11")] {
        let (new, old) = upgraded(&server, &amy, from, to).await;
        let create = state(&server, &amy, &new, "m.room.create").await;
        assert_eq!(create["room_version"], to);
        assert_eq!((&create["type"], &create["m.federate"]), (&json!("org.test"), &json!(false)));
        assert_eq!(create["predecessor"]["room_id"], old.as_str());
        assert_eq!(create["predecessor"].get("event_id").is_some(), to != "12");
        let creators = if to == "12" { json!([BOB]) } else { Value::Null };
        assert_eq!(create["additional_creators"], creators);
        assert_eq!(state(&server, &amy, &new, "m.room.name").await["name"], "Ward 7");
        assert_eq!(state(&server, &amy, &new, "m.room.topic").await["topic"], "Beds");
        assert_eq!(state(&server, &amy, &new, "org.wardline.role/a").await["role"], "registrar");
        let other = server.get(&format!("{V3}/rooms/{new}/state/org.test.other"), &amy).await;
        other.refused(404, "M_NOT_FOUND");
        let carol = state(&server, &amy, &new, "m.room.member/@carol:riverside.example").await;
        assert_eq!((&carol["membership"], &carol["reason"]), (&json!("ban"), &json!("left the Trust")));
        let powers = state(&server, &amy, &new, "m.room.power_levels").await;
        assert_eq!((&powers["events"]["m.room.name"], &powers["users_default"]), (&json!(75), &json!(3)));
        assert_eq!(powers["users"].get("@amy:riverside.example").is_some(), to != "12");

        let tombstone = state(&server, &amy, &old, "m.room.tombstone").await;
        assert_eq!(tombstone["replacement_room"], new.as_str());
        let closed = state(&server, &amy, &old, "m.room.power_levels").await;
        assert_eq!((&closed["events_default"], &closed["invite"]), (&json!(50), &json!(50)));
        assert_eq!(state(&server, &amy, &old, "m.room.canonical_alias").await, json!({}));
        let alias = format!("#w{from}-{to}:riverside.example");
        assert_eq!(state(&server, &amy, &new, "m.room.canonical_alias").await["alias"], alias.as_str());
        let path = format!("{V3}/directory/room/{}", alias.replace('#', "%23"));
        assert_eq!(server.get(&path, &amy).await.ok()["room_id"], new.as_str());
        for (room, visibility) in [(&new, "public"), (&old, "private")] {
            let listed = server.get(&format!("{V3}/directory/list/room/{room}"), &amy).await.ok();
            assert_eq!(listed["visibility"], visibility);
        }
    }
}

#[tokio::test]
async fn what_people_have_set_for_a_room_follows_them() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let body = json!({ "preset": "public_chat" });
    let old = text(&server.call(&format!("POST {V3}/createRoom"), &amy, body).await.ok(), "room_id");
    server.call(&format!("POST {V3}/join/{old}"), &bob, json!({})).await.ok();
    let people = [(&amy, "@amy:riverside.example"), (&bob, BOB)];
    for (token, user) in people {
        let put = async |path: String, body: Value| {
            server.call(&format!("PUT {V3}/{path}"), token, body).await.ok();
        };
        put(format!("user/{user}/rooms/{old}/tags/m.favourite"), json!({ "order": 0.5 })).await;
        put(format!("user/{user}/account_data/m.direct"), json!({ BOB: [old] })).await;
        put(format!("pushrules/global/room/{old}"), json!({ "actions": [] })).await;
        let named = json!([{ "kind": "event_match", "key": "room_id", "pattern": old }]);
        put(format!("pushrules/global/override/{old}"), json!({ "actions": [], "conditions": named })).await;
        put(format!("pushrules/global/override/{old}/enabled"), json!({ "enabled": false })).await;
    }
    let upgrade = format!("POST {V3}/rooms/{old}/upgrade");
    let new = server.call(&upgrade, &amy, json!({ "new_version": "12" })).await.ok();
    let new = text(&new, "replacement_room");
    server.call(&format!("POST {V3}/join/{new}"), &bob, json!({})).await.ok();
    for (token, user) in people {
        let get = async |path: String| server.get(&format!("{V3}/{path}"), token).await.ok();
        let tags = get(format!("user/{user}/rooms/{new}/tags")).await;
        assert_eq!(tags, json!({ "tags": { "m.favourite": { "order": 0.5 } } }));
        let direct = get(format!("user/{user}/account_data/m.direct")).await;
        assert_eq!(direct, json!({ BOB: [old, new] }));
        assert_eq!(get(format!("pushrules/global/room/{new}")).await["actions"], json!([]));
        let rule = get(format!("pushrules/global/override/{new}")).await;
        assert_eq!((&rule["enabled"], &rule["conditions"][0]["pattern"]), (&json!(false), &json!(new)));
    }
    // Somebody who took the tag away and comes back does not find it again.
    server
        .call(&format!("DELETE {V3}/user/{BOB}/rooms/{new}/tags/m.favourite"), &bob, Value::Null)
        .await
        .ok();
    server.call(&format!("POST {V3}/rooms/{new}/leave"), &bob, json!({})).await.ok();
    server.call(&format!("POST {V3}/join/{new}"), &bob, json!({})).await.ok();
    let tags = server.get(&format!("{V3}/user/{BOB}/rooms/{new}/tags"), &bob).await.ok();
    assert_eq!(tags, json!({ "tags": {} }));
}

#[tokio::test]
async fn only_who_may_bury_the_old_room_can_upgrade_it() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let body = json!({ "room_version": "11", "preset": "public_chat" });
    let room = text(&server.call(&format!("POST {V3}/createRoom"), &amy, body).await.ok(), "room_id");
    let call = format!("POST {V3}/rooms/{room}/upgrade");
    let wish = json!({ "new_version": "12" });
    server.call(&call, &bob, wish.clone()).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("POST {V3}/rooms/{room}/join"), &bob, json!({})).await.ok();
    server.call(&call, &bob, wish).await.refused(403, "M_FORBIDDEN");
    server.call(&call, &amy, json!({ "new_version": "1" })).await.refused(400, "M_UNSUPPORTED_ROOM_VERSION");
    server.call(&call, &amy, json!({})).await.refused(400, "M_BAD_JSON");

    // Bob may send the tombstone and not much else: the new room is made with borrowed power.
    let mut powers = state(&server, &amy, &room, "m.room.power_levels").await;
    powers["users"] = json!({ "@amy:riverside.example": 100, BOB: 60 });
    powers["events"]["m.room.tombstone"] = json!(60);
    server.call(&format!("PUT {V3}/rooms/{room}/state/m.room.power_levels"), &amy, powers).await.ok();
    let new = server.call(&call, &bob, json!({ "new_version": "11" })).await.ok();
    let powers = state(&server, &bob, &text(&new, "replacement_room"), "m.room.power_levels").await;
    assert_eq!(powers["users"], json!({ "@amy:riverside.example": 100, BOB: 60 }));
}
