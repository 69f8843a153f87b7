//! Spaces, summaries of rooms, knocking and restricted rooms.

use serde_json::{Value, json};

use crate::support::{Server, text};

const V1: &str = "/_matrix/client/v1";
const V3: &str = "/_matrix/client/v3";

async fn create(server: &Server, token: &str, body: Value) -> String {
    text(&server.call(&format!("POST {V3}/createRoom"), token, body).await.ok(), "room_id")
}

/// Puts rooms under a space, in the order of the slice.
async fn adopt(server: &Server, token: &str, space: &str, children: &[(&str, Value)]) {
    for (at, (child, more)) in children.iter().enumerate() {
        let mut content = json!({ "via": ["riverside.example"], "order": format!("{at}") });
        content.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let call = format!("PUT {V3}/rooms/{space}/state/m.space.child/{child}");
        server.call(&call, token, content).await.ok();
    }
}

fn ids(page: &Value) -> Vec<&str> {
    page["rooms"].as_array().unwrap().iter().map(|room| room["room_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_tree_of_rooms() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let space =
        json!({ "preset": "public_chat", "creation_content": { "type": "m.space" }, "name": "Medicine" });
    let root = create(&server, &amy, space.clone()).await;
    let inner = create(&server, &amy, space).await;
    let open = create(&server, &amy, json!({ "preset": "public_chat", "topic": "Beds" })).await;
    let leaf = create(&server, &amy, json!({ "preset": "public_chat" })).await;
    let closed = create(&server, &amy, json!({})).await;
    let suggested = json!({ "suggested": true });
    adopt(&server, &amy, &root, &[(&inner, Value::Null), (&closed, Value::Null), (&open, suggested)]).await;
    adopt(&server, &amy, &inner, &[(&leaf, Value::Null), (&root, Value::Null)]).await;

    let tree = format!("{V1}/rooms/{root}/hierarchy");
    let all = server.get(&tree, &bob).await.ok();
    assert_eq!(ids(&all), [&root, &inner, &leaf, &open], "the closed room is not shown");
    let first = &all["rooms"][0];
    assert_eq!((&first["room_type"], &first["name"]), (&json!("m.space"), &json!("Medicine")));
    let children = first["children_state"].as_array().unwrap();
    assert_eq!(children.len(), 3);
    assert_eq!(children[0]["state_key"], inner.as_str());
    assert!(children[0]["origin_server_ts"].is_i64());
    assert_eq!(all["rooms"][3]["topic"], "Beds");
    assert_eq!(all["rooms"][3]["children_state"], json!([]));
    assert!(all.get("next_batch").is_none());
    assert!(ids(&server.get(&tree, &amy).await.ok()).contains(&closed.as_str()));

    let near = server.get(&format!("{tree}?max_depth=1"), &bob).await.ok();
    assert_eq!(ids(&near), [&root, &inner, &open]);
    let good = server.get(&format!("{tree}?suggested_only=true"), &bob).await.ok();
    assert_eq!(ids(&good), [&root, &open]);

    let mut found = Vec::new();
    let mut from = String::new();
    for _ in 0..4 {
        let page = server.get(&format!("{tree}?limit=1{from}"), &bob).await.ok();
        found.extend(ids(&page).into_iter().map(str::to_owned));
        from = page["next_batch"].as_str().map_or_else(String::new, |next| format!("&from={next}"));
    }
    assert_eq!(found, [&*root, &*inner, &*leaf, &*open]);
    assert_eq!(from, "", "the last page says that it is the last");

    let page = server.get(&format!("{tree}?limit=1"), &bob).await.ok();
    let from = text(&page, "next_batch");
    let other = format!("{tree}?max_depth=1&from={from}");
    server.get(&other, &bob).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{tree}?from=x"), &bob).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{tree}?limit=-1"), &bob).await.refused(400, "M_INVALID_PARAM");
    let hidden = format!("{V1}/rooms/{closed}/hierarchy");
    server.get(&hidden, &bob).await.refused(403, "M_FORBIDDEN");
    server.get(&format!("{V1}/rooms/!no:where/hierarchy"), &bob).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn a_summary_is_for_those_who_may_know() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let open = json!({ "preset": "public_chat", "name": "Canteen", "room_alias_name": "canteen" });
    let room = create(&server, &amy, open).await;
    for path in [
        format!("{V1}/room_summary/{room}"),
        format!("{V1}/room_summary/%23canteen:riverside.example"),
        format!("/_matrix/client/unstable/im.nheko.summary/summary/{room}"),
        format!("/_matrix/client/unstable/im.nheko.summary/rooms/{room}/summary"),
    ] {
        let summary = server.get(&path, &bob).await.ok();
        assert_eq!(
            summary,
            json!({
                "room_id": room, "room_version": "12", "name": "Canteen",
                "canonical_alias": "#canteen:riverside.example", "num_joined_members": 1,
                "join_rule": "public", "guest_can_join": false, "world_readable": false, "membership": "leave",
            })
        );
    }
    let closed = create(&server, &amy, json!({})).await;
    let path = format!("{V1}/room_summary/{closed}");
    server.get(&path, &bob).await.refused(404, "M_NOT_FOUND");
    assert_eq!(server.get(&path, &amy).await.ok()["membership"], "join");
    let invite = format!("POST {V3}/rooms/{closed}/invite");
    server.call(&invite, &amy, json!({ "user_id": "@bob:riverside.example" })).await.ok();
    assert_eq!(server.get(&path, &bob).await.ok()["membership"], "invite");
    server.get(&format!("{V1}/room_summary/nonsense"), &bob).await.refused(400, "M_INVALID_PARAM");
    server.get(&path, "").await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn knocking() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let rule = json!({ "type": "m.room.join_rules", "content": { "join_rule": "knock" } });
    let room = create(&server, &amy, json!({ "initial_state": [rule], "name": "Theatre 2" })).await;
    let knock = format!("POST {V3}/knock/{room}");
    let reason = json!({ "reason": "I am the new porter" });
    assert_eq!(server.call(&knock, &bob, reason).await.ok()["room_id"], room.as_str());
    let sync = server.get(&format!("{V3}/sync"), &bob).await.ok();
    let state = sync["rooms"]["knock"][&room]["knock_state"]["events"].as_array().unwrap();
    assert!(state.iter().any(|event| event["content"]["name"] == "Theatre 2"));
    let own: Vec<_> = state.iter().filter(|event| event["state_key"] == "@bob:riverside.example").collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["content"]["membership"], "knock");
    assert_eq!(own[0]["content"]["reason"], "I am the new porter");

    server.call(&format!("POST {V3}/rooms/{room}/join"), &bob, json!({})).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("POST {V3}/rooms/{room}/leave"), &bob, json!({})).await.ok();
    server.call(&knock, &bob, Value::Null).await.ok();
    let invite = format!("POST {V3}/rooms/{room}/invite");
    server.call(&invite, &amy, json!({ "user_id": "@bob:riverside.example" })).await.ok();
    server.call(&knock, &bob, json!({})).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("POST {V3}/rooms/{room}/join"), &bob, json!({})).await.ok();
    server.call(&knock, &bob, json!({})).await.refused(403, "M_FORBIDDEN");

    let closed = create(&server, &amy, json!({})).await;
    server.call(&format!("POST {V3}/knock/{closed}"), &bob, json!({})).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("POST {V3}/knock/!no:where"), &bob, json!({})).await.refused(404, "M_NOT_FOUND");
    server.call(&knock, &bob, json!({ "reason": 1 })).await.refused(400, "M_BAD_JSON");
}

#[tokio::test]
async fn restricted_rooms_let_members_of_other_rooms_in() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let ward = create(&server, &amy, json!({ "preset": "public_chat" })).await;
    for rule in ["restricted", "knock_restricted"] {
        let allow = json!([{ "type": "m.room_membership", "room_id": ward }]);
        let rules = json!({ "type": "m.room.join_rules", "content": { "join_rule": rule, "allow": allow } });
        let room = create(&server, &amy, json!({ "initial_state": [rules] })).await;
        let join = format!("POST {V3}/rooms/{room}/join");
        server.call(&join, &bob, json!({})).await.refused(403, "M_FORBIDDEN");
        server.call(&format!("POST {V3}/rooms/{ward}/join"), &bob, json!({})).await.ok();
        let summary = server.get(&format!("{V1}/room_summary/{room}"), &bob).await.ok();
        assert_eq!(summary["allowed_room_ids"], json!([ward]));
        server.call(&join, &bob, json!({})).await.ok();
        let path = format!("{V3}/rooms/{room}/state/m.room.member/@bob:riverside.example");
        let member = server.get(&path, &amy).await.ok();
        assert_eq!(member["join_authorised_via_users_server"], "@amy:riverside.example");
        server.call(&format!("POST {V3}/rooms/{ward}/leave"), &bob, json!({})).await.ok();
        let again = server.call(&join, &bob, json!({})).await.ok();
        assert_eq!(again["room_id"], room.as_str(), "who is in stays in");
    }
}
