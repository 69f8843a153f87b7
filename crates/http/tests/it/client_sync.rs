//! `/sync` and the endpoints of what it tells, through the router.

use serde_json::{Value, json};

use crate::support::{Server, text};

const USER: &str = "/_matrix/client/v3/user/@amy:riverside.example";

async fn room(server: &Server, token: &str) -> String {
    let body = json!({ "preset": "public_chat" });
    text(&server.call("POST /_matrix/client/v3/createRoom", token, body).await.ok(), "room_id")
}

async fn say(server: &Server, token: &str, room: &str, txn: &str) -> String {
    let call = format!("PUT /_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}");
    let body = json!({ "msgtype": "m.text", "body": "hello" });
    text(&server.call(&call, token, body).await.ok(), "event_id")
}

async fn sync(server: &Server, token: &str, query: &str) -> Value {
    server.get(&format!("/_matrix/client/v3/sync?{query}"), token).await.ok()
}

#[tokio::test]
async fn a_message_is_sent_read_and_told() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy).await;
    server.call(&format!("POST /_matrix/client/v3/join/{room}"), &bob, json!({})).await.ok();
    let first = sync(&server, &amy, "").await;
    let since = text(&first, "next_batch");
    assert_eq!(first["rooms"]["join"][&room]["summary"]["m.joined_member_count"], 2);
    assert_eq!(first["rooms"]["join"][&room]["summary"]["m.heroes"], json!(["@bob:riverside.example"]));

    let event = say(&server, &bob, &room, "t1").await;
    let answer = sync(&server, &amy, &format!("since={since}&timeout=30000")).await;
    let told = &answer["rooms"]["join"][&room];
    assert_eq!(told["timeline"]["events"][0]["event_id"], json!(event));
    assert_eq!(told["unread_notifications"]["notification_count"], 1);
    assert_eq!(sync(&server, &amy, &format!("since={since}")).await["rooms"], answer["rooms"], "asked again");

    let receipt = format!("POST /_matrix/client/v3/rooms/{room}/receipt/m.read/{event}");
    server.call(&receipt, &amy, json!({})).await.ok();
    let markers = format!("POST /_matrix/client/v3/rooms/{room}/read_markers");
    server.call(&markers, &amy, json!({ "m.fully_read": event })).await.ok();
    let typing = format!("PUT /_matrix/client/v3/rooms/{room}/typing/@bob:riverside.example");
    server.call(&typing, &bob, json!({ "typing": true, "timeout": 5000 })).await.ok();
    server.call(&typing, &amy, json!({ "typing": true })).await.refused(403, "M_FORBIDDEN");
    let since = text(&answer, "next_batch");
    let answer = sync(&server, &amy, &format!("since={since}&timeout=30000")).await;
    let told = &answer["rooms"]["join"][&room];
    assert_eq!(told["unread_notifications"]["notification_count"], 0);
    assert_eq!(told["ephemeral"]["events"][0]["type"], "m.receipt");
    assert_eq!(told["ephemeral"]["events"][1]["content"]["user_ids"], json!(["@bob:riverside.example"]));
    assert_eq!(told["account_data"]["events"][0]["content"]["event_id"], json!(event));
    let notifications = server.get("/_matrix/client/v3/notifications", &amy).await.ok();
    assert_eq!(notifications["notifications"][0]["read"], json!(true));
    assert_eq!(notifications["notifications"][0]["event"]["event_id"], json!(event));
}

#[tokio::test]
async fn notifications_are_listed_page_by_page() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy).await;
    server.call(&format!("POST /_matrix/client/v3/join/{room}"), &bob, json!({})).await.ok();
    for n in 0..3 {
        say(&server, &bob, &room, &format!("t{n}")).await;
    }
    let page = server.get("/_matrix/client/v3/notifications?limit=2", &amy).await.ok();
    assert_eq!(page["notifications"].as_array().unwrap().len(), 2);
    assert_eq!(page["notifications"][0]["room_id"], json!(room));
    assert_eq!(page["notifications"][0]["read"], json!(false));
    assert_eq!(page["notifications"][0]["actions"][0], json!("notify"));
    let next = text(&page, "next_token");
    let page = server.get(&format!("/_matrix/client/v3/notifications?limit=2&from={next}"), &amy).await.ok();
    assert_eq!(page["notifications"].as_array().unwrap().len(), 1);
    assert!(page.get("next_token").is_none());
}

#[tokio::test]
async fn invitations_are_among_the_notifications() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy).await;
    say(&server, &amy, &room, "before").await;
    let invite = format!("POST /_matrix/client/v3/rooms/{room}/invite");
    server.call(&invite, &amy, json!({ "user_id": "@bob:riverside.example" })).await.ok();
    say(&server, &amy, &room, "meanwhile").await;
    let list = async || {
        let found = server.get("/_matrix/client/v3/notifications", &bob).await.ok();
        let found = found["notifications"].as_array().unwrap().clone();
        let shown = |one: &Value| {
            assert_eq!(one["room_id"], json!(room));
            (text(&one["event"], "type"), one["read"] == json!(true))
        };
        found.iter().map(shown).collect::<Vec<_>>()
    };
    let member = || "m.room.member".to_owned();
    assert_eq!(list().await, [(member(), false)]);
    server.call(&format!("POST /_matrix/client/v3/join/{room}"), &bob, json!({})).await.ok();
    assert_eq!(list().await, [(member(), true)], "and that it was followed");
    say(&server, &amy, &room, "after").await;
    assert_eq!(list().await, [("m.room.message".to_owned(), false), (member(), true)]);
    let page = server.get("/_matrix/client/v3/notifications?limit=1", &bob).await.ok();
    let next = text(&page, "next_token");
    let page = server.get(&format!("/_matrix/client/v3/notifications?limit=9&from={next}"), &bob).await.ok();
    assert_eq!(page["notifications"].as_array().unwrap().len(), 1);
    server.call(&format!("POST /_matrix/client/v3/rooms/{room}/leave"), &bob, json!({})).await.ok();
    assert!(list().await.is_empty());
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let room = room(&server, &amy).await;
    let get = |query: &'static str| {
        let (server, amy) = (&server, &amy);
        async move { server.get(&format!("/_matrix/client/v3/sync?{query}"), amy).await }
    };
    for query in [
        "since=nonsense",
        "since=s-1",
        "timeout=soon",
        "filter=77",
        "filter=%7B%22room%22%3A7%7D",
        "full_state=x",
    ] {
        get(query).await.refused(400, "M_INVALID_PARAM");
    }
    server.get("/_matrix/client/v3/sync", "").await.refused(401, "M_MISSING_TOKEN");
    let receipt = |kind: &str| format!("POST /_matrix/client/v3/rooms/{room}/receipt/{kind}/$nothing");
    server.call(&receipt("m.nonsense"), &amy, json!({})).await.refused(400, "M_INVALID_PARAM");
    server.call(&receipt("m.read"), &amy, json!({})).await.refused(404, "M_NOT_FOUND");
    server.call(&receipt("m.read"), &amy, json!({ "thread_id": 7 })).await.refused(400, "M_BAD_JSON");
    let typing = "PUT /_matrix/client/v3/rooms/!nowhere/typing/@amy:riverside.example";
    server.call(typing, &amy, json!({ "typing": true })).await.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn account_data_and_tags_are_kept() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let room = room(&server, &amy).await;
    let global = format!("{USER}/account_data/org.example.theme");
    server.get(&global, &amy).await.refused(404, "M_NOT_FOUND");
    server.call(&format!("PUT {global}"), &amy, json!({ "dark": true })).await.ok();
    assert_eq!(server.get(&global, &amy).await.ok(), json!({ "dark": true }));
    server.get(&global, &bob).await.refused(403, "M_FORBIDDEN");
    server.call(&format!("PUT {global}"), &amy, json!([1])).await.refused(400, "M_BAD_JSON");
    let rules = format!("PUT {USER}/account_data/m.push_rules");
    server.call(&rules, &amy, json!({})).await.refused(405, "M_BAD_JSON");
    let pin = format!("{USER}/rooms/{room}/account_data/org.example.pin");
    server.call(&format!("PUT {pin}"), &amy, json!({ "at": 1 })).await.ok();
    assert_eq!(server.get(&pin, &amy).await.ok(), json!({ "at": 1 }));

    let tags = format!("{USER}/rooms/{room}/tags");
    server.call(&format!("PUT {tags}/u.work"), &amy, json!({ "order": 0.5 })).await.ok();
    server
        .call(&format!("PUT {tags}/u.bad"), &amy, json!({ "order": "first" }))
        .await
        .refused(400, "M_BAD_JSON");
    assert_eq!(server.get(&tags, &amy).await.ok(), json!({ "tags": { "u.work": { "order": 0.5 } } }));
    server.call(&format!("DELETE {tags}/u.work"), &amy, Value::Null).await.ok();
    assert_eq!(server.get(&tags, &amy).await.ok(), json!({ "tags": {} }));
}

#[tokio::test]
async fn filters_are_stored_and_used() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let room = room(&server, &amy).await;
    say(&server, &amy, &room, "t1").await;
    let filter = json!({ "room": { "timeline": { "limit": 1, "types": ["m.room.message"] } } });
    let call = format!("POST {USER}/filter");
    let id = text(&server.call(&call, &amy, filter.clone()).await.ok(), "filter_id");
    assert_eq!(text(&server.call(&call, &amy, filter.clone()).await.ok(), "filter_id"), id);
    assert_eq!(server.get(&format!("{USER}/filter/{id}"), &amy).await.ok(), filter);
    server.get(&format!("{USER}/filter/99"), &amy).await.refused(404, "M_NOT_FOUND");
    let wrong = json!({ "room": { "timeline": { "limit": "one" } } });
    server.call(&call, &amy, wrong).await.refused(400, "M_INVALID_PARAM");
    let answer = sync(&server, &amy, &format!("filter={id}")).await;
    assert_eq!(answer["rooms"]["join"][&room]["timeline"]["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn push_rules_are_read_and_changed() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let base = "/_matrix/client/v3/pushrules";
    let all = server.get(&format!("{base}/"), &amy).await.ok();
    for kind in ["override", "content", "room", "sender", "underride"] {
        assert!(all["global"][kind].is_array(), "{kind}");
    }
    assert_eq!(server.get(&format!("{base}/global/"), &amy).await.ok(), all["global"]);
    assert_eq!(server.get(&format!("{base}/global/override/"), &amy).await.ok(), all["global"]["override"]);

    let rule = format!("{base}/global/content/bleep");
    let body = json!({ "pattern": "bleep", "actions": ["notify"] });
    server.call(&format!("PUT {rule}"), &amy, body.clone()).await.ok();
    let stored = server.get(&rule, &amy).await.ok();
    assert_eq!((&stored["pattern"], &stored["enabled"]), (&json!("bleep"), &json!(true)));
    server.call(&format!("PUT {rule}/enabled"), &amy, json!({ "enabled": false })).await.ok();
    assert_eq!(server.get(&format!("{rule}/enabled"), &amy).await.ok(), json!({ "enabled": false }));
    server.call(&format!("PUT {rule}/actions"), &amy, json!({ "actions": [] })).await.ok();
    assert_eq!(server.get(&format!("{rule}/actions"), &amy).await.ok(), json!({ "actions": [] }));
    server.call(&format!("PUT {rule}?after=nobody"), &amy, body).await.refused(400, "M_UNKNOWN");
    server.call(&format!("DELETE {rule}"), &amy, Value::Null).await.ok();
    server.get(&rule, &amy).await.refused(404, "M_NOT_FOUND");
    server.call(&format!("PUT {rule}"), &amy, json!({ "actions": 1 })).await.refused(400, "M_BAD_JSON");
    server.get(&format!("{base}/global/nonsense/x"), &amy).await.refused(400, "M_INVALID_PARAM");
    server
        .call(&format!("DELETE {base}/global/override/.m.rule.master"), &amy, Value::Null)
        .await
        .refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn sliding_sync_tells_what_is_in_the_window() {
    const SLIDING: &str = "POST /_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let versions = server.get("/_matrix/client/versions", &amy).await.ok();
    assert_eq!(versions["unstable_features"]["org.matrix.simplified_msc3575"], true);
    let room = room(&server, &amy).await;
    server.call(&format!("POST /_matrix/client/v3/join/{room}"), &bob, json!({})).await.ok();
    let body = json!({
        "conn_id": "rooms", "txn_id": "t",
        "lists": { "all": {
            "ranges": [[0, 19]], "timeline_limit": 1, "required_state": [["m.room.create", ""]],
            "filters": { "not_room_types": ["m.space"] }
        } },
        "extensions": { "to_device": { "enabled": true }, "e2ee": { "enabled": true } }
    });
    let first = server.call(SLIDING, &amy, body.clone()).await.ok();
    assert_eq!(first["txn_id"], "t");
    assert_eq!(first["lists"]["all"]["count"], 1);
    assert_eq!(first["rooms"][&room]["required_state"][0]["type"], "m.room.create");
    let event = say(&server, &bob, &room, "t1").await;
    let call = format!("{SLIDING}?pos={}&timeout=30000", text(&first, "pos"));
    let answer = server.call(&call, &amy, body.clone()).await.ok();
    let told = &answer["rooms"][&room];
    assert_eq!(told["timeline"][0]["event_id"], json!(event));
    assert_eq!((&told["num_live"], &told["notification_count"]), (&json!(1), &json!(1)));
    server.call(&format!("{SLIDING}?pos=x.1"), &amy, body).await.refused(400, "M_UNKNOWN_POS");
    let wrong = json!({ "lists": { "all": { "ranges": "all" } } });
    server.call(SLIDING, &amy, wrong).await.refused(400, "M_BAD_JSON");
    server.call(SLIDING, "", json!({})).await.refused(401, "M_MISSING_TOKEN");
}
