//! The forms in which clients may want what sync tells: filters of fields and formats, the stable sliding sync.

use serde_json::{Value, json};

use crate::support::{Server, text};

const V3: &str = "/_matrix/client/v3";

async fn room(server: &Server, token: &str) -> String {
    text(&server.call(&format!("POST {V3}/createRoom"), token, json!({ "name": "A" })).await.ok(), "room_id")
}

async fn send(server: &Server, token: &str, room: &str, txn: &str, content: Value) -> String {
    let call = format!("PUT {V3}/rooms/{room}/send/m.room.message/{txn}");
    text(&server.call(&call, token, content).await.ok(), "event_id")
}

async fn sync(server: &Server, token: &str, filter: &Value, more: &str) -> Value {
    let filter =
        percent_encoding::utf8_percent_encode(&filter.to_string(), percent_encoding::NON_ALPHANUMERIC)
            .to_string();
    server.get(&format!("{V3}/sync?filter={filter}{more}"), token).await.ok()
}

#[tokio::test]
async fn a_filter_chooses_fields_and_format() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let room = room(&server, &amy).await;
    send(&server, &amy, &room, "1", json!({ "msgtype": "m.text", "body": "b", "x.y": 1 })).await;
    let limit = json!({ "timeline": { "limit": 1 } });
    let last = |answer: &Value| answer["rooms"]["join"][&room]["timeline"]["events"][0].clone();
    let filter = json!({ "event_fields": ["type", "content.body", "content.x\\.y"], "room": limit });
    let answer = sync(&server, &amy, &filter, "").await;
    assert_eq!(last(&answer), json!({ "type": "m.room.message", "content": { "body": "b", "x.y": 1 } }));
    let state = answer["rooms"]["join"][&room]["state"]["events"].as_array().unwrap();
    assert!(state.iter().all(|event| event.get("sender").is_none() && event.get("type").is_some()));

    let filter = json!({ "event_format": "federation", "room": limit });
    let raw = last(&sync(&server, &amy, &filter, "").await);
    for name in ["hashes", "signatures", "auth_events", "prev_events", "event_id", "unsigned"] {
        assert!(raw.get(name).is_some(), "{name}: {raw}");
    }
    let call = format!("POST {V3}/user/@amy:riverside.example/filter");
    server.call(&call, &amy, json!({ "event_format": "x" })).await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn a_filter_chooses_by_what_relates() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let room = room(&server, &amy).await;
    let body = |body: &str| json!({ "msgtype": "m.text", "body": body });
    let first = send(&server, &amy, &room, "1", body("1")).await;
    send(&server, &amy, &room, "2", body("2")).await;
    let mut reply = body("3");
    reply["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": first });
    send(&server, &amy, &room, "3", reply).await;
    let messages = async |filter: Value| {
        let filter = filter.to_string();
        let filter = percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("{V3}/rooms/{room}/messages?dir=b&filter={filter}");
        let page = server.get(&path, &amy).await.ok();
        page["chunk"].as_array().unwrap().iter().map(|event| text(event, "event_id")).collect::<Vec<_>>()
    };
    assert_eq!(messages(json!({ "related_by_rel_types": ["m.thread"] })).await, std::slice::from_ref(&first));
    assert_eq!(
        messages(json!({ "related_by_senders": ["@amy:riverside.example"] })).await,
        std::slice::from_ref(&first)
    );
    let nobody = json!({ "related_by_senders": ["@bob:riverside.example"] });
    assert!(messages(nobody).await.is_empty());
    let both =
        json!({ "related_by_rel_types": ["m.annotation"], "related_by_senders": ["@amy:riverside.example"] });
    assert!(messages(both).await.is_empty());
    for name in ["", "org.matrix.msc3874."] {
        let threaded = messages(json!({ format!("{name}rel_types"): ["m.thread"] })).await;
        assert_eq!(threaded.len(), 1);
        assert_ne!(threaded, std::slice::from_ref(&first));
        let types = ["m.room.message"];
        let others = messages(json!({ format!("{name}not_rel_types"): ["m.thread"], "types": types })).await;
        assert_eq!(others.len(), 2);
    }
    let timeline = json!({ "room": { "timeline": { "related_by_rel_types": ["m.thread"] } } });
    let answer = sync(&server, &amy, &timeline, "").await;
    let events = answer["rooms"]["join"][&room]["timeline"]["events"].as_array().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], json!(first));
}

#[tokio::test]
async fn full_state_shows_left_rooms_and_invites_again() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let (left, open) = (room(&server, &amy).await, room(&server, &bob).await);
    server.call(&format!("POST {V3}/rooms/{left}/leave"), &amy, json!({})).await.ok();
    let invite = json!({ "user_id": "@amy:riverside.example" });
    server.call(&format!("POST {V3}/rooms/{open}/invite"), &bob, invite).await.ok();
    let filter = json!({ "room": { "include_leave": true } });
    let first = sync(&server, &amy, &json!({}), "").await;
    assert!(first["rooms"]["leave"].is_null() && first["rooms"]["invite"][&open].is_object());
    let since = format!("&since={}", text(&first, "next_batch"));
    let quiet = sync(&server, &amy, &filter, &since).await;
    assert!(quiet.get("rooms").is_none(), "left before: {quiet}");
    let whole = sync(&server, &amy, &filter, &format!("{since}&full_state=true")).await;
    assert!(whole["rooms"]["invite"][&open].is_object());
    let room = &whole["rooms"]["leave"][&left];
    let all = room["state"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .chain(room["timeline"]["events"].as_array().unwrap());
    assert!(all.clone().any(|event| event["type"] == "m.room.name"), "{room}");
    assert!(all.clone().any(|event| event["content"]["membership"] == "leave"), "{room}");
}

#[tokio::test]
async fn the_stable_sliding_sync_has_names_of_its_own() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let (room, other) = (room(&server, &amy).await, room(&server, &bob).await);
    let invite = json!({ "user_id": "@amy:riverside.example" });
    server.call(&format!("POST {V3}/rooms/{other}/invite"), &bob, invite).await.ok();
    send(&server, &amy, &room, "1", json!({ "msgtype": "m.text", "body": "b" })).await;
    let list = |required: Value| {
        json!({ "range": [0, 9], "timeline_limit": 1, "required_state": required,
            "filters": { "is_invited": false } })
    };
    let create = json!({ "include": [{ "type": "m.room.create" }] });
    let all = json!({ "include": [{}], "exclude": [{ "type": "m.room.create" }], "lazy_members": true });
    let body = json!({ "lists": { "a": list(create.clone()), "b": { "timeline_limit": 0 } } });
    let call = "POST /_matrix/client/v4/sync";
    let answer = server.call(call, &amy, body).await.ok();
    assert_eq!((&answer["lists"]["a"]["count"], &answer["lists"]["b"]["count"]), (&json!(1), &json!(2)));
    let shown = &answer["rooms"][&room];
    assert_eq!(shown["lists"], json!(["a", "b"]));
    assert_eq!(shown["timeline_events"].as_array().unwrap().len(), 1);
    assert!(shown.get("timeline").is_none());
    assert_eq!(shown["required_state"].as_array().unwrap().len(), 1);
    let invited = &answer["rooms"][&other];
    assert!(invited["stripped_state"].is_array() && invited.get("invite_state").is_none());
    assert_eq!(invited["lists"], json!(["b"]));

    let mut more = list(all);
    more["timeline_limit"] = json!(3);
    let pos = text(&answer, "pos");
    let next =
        server.call(call, &amy, json!({ "pos": pos, "timeout": 0, "lists": { "a": more } })).await.ok();
    let shown = &next["rooms"][&room];
    assert_eq!(shown["expanded_timeline"], true);
    let kinds: Vec<_> = shown["required_state"].as_array().unwrap().iter().map(|e| text(e, "type")).collect();
    assert!(kinds.contains(&"m.room.name".to_owned()) && !kinds.contains(&"m.room.create".to_owned()));
    let messages = format!("{V3}/rooms/{room}/messages?dir=b&from={pos}&limit=1");
    let page = server.get(&messages, &amy).await.ok();
    assert_eq!(page["chunk"][0]["content"]["body"], "b", "a position is a token for messages");
    let v5 = server.call("POST /_matrix/client/v5/sync", &amy, json!({ "set_presence": "x" })).await;
    v5.refused(400, "M_INVALID_PARAM");
    let gone = server.call(call, &amy, json!({ "pos": "s1_x_1" })).await;
    gone.refused(400, "M_UNKNOWN_POS");
}
