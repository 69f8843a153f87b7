//! `GET /pushers` and `POST /pushers/set`.

use serde_json::{Value, json};

use crate::support::Server;

const SET: &str = "POST /_matrix/client/v3/pushers/set";
const LIST: &str = "/_matrix/client/v3/pushers";

fn pusher() -> Value {
    json!({
        "kind": "http", "app_id": "org.example.app", "pushkey": "key", "app_display_name": "App",
        "device_display_name": "Phone", "profile_tag": "tag", "lang": "en",
        "data": { "url": "https://push.example/_matrix/push/v1/notify", "format": "event_id_only" }
    })
}

#[tokio::test]
async fn pushers_are_set_listed_and_removed() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    server.call(SET, &amy, pusher()).await.ok();
    assert_eq!(server.get(LIST, &amy).await.ok(), json!({ "pushers": [pusher()] }));
    assert_eq!(server.get(LIST, &bob).await.ok(), json!({ "pushers": [] }));
    let none = json!({ "kind": null, "app_id": "org.example.app", "pushkey": "key" });
    server.call(SET, &bob, none.clone()).await.ok();
    assert_eq!(server.get(LIST, &amy).await.ok()["pushers"][0]["lang"], "en", "another's is not touched");
    server.call(SET, &amy, none).await.ok();
    assert_eq!(server.get(LIST, &amy).await.ok(), json!({ "pushers": [] }));

    server.call(SET, &amy, pusher()).await.ok();
    let again = server.token("amy").await;
    assert_eq!(server.get(LIST, &again).await.ok()["pushers"].as_array().unwrap().len(), 1);
    server.call("POST /_matrix/client/v3/logout", &amy, json!({})).await.ok();
    assert_eq!(server.get(LIST, &again).await.ok(), json!({ "pushers": [] }), "signing out ends them");
}

#[tokio::test]
async fn bad_pushers_are_refused() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let without = |field: &str| {
        let mut body = pusher();
        body.as_object_mut().unwrap().remove(field);
        body
    };
    for field in ["app_display_name", "device_display_name", "lang", "data"] {
        server.call(SET, &amy, without(field)).await.refused(400, "M_MISSING_PARAM");
    }
    for field in ["app_id", "pushkey", "kind"] {
        server.call(SET, &amy, without(field)).await.refused(400, "M_BAD_JSON");
    }
    let mut elsewhere = pusher();
    elsewhere["data"]["url"] = json!("https://push.example/notify");
    server.call(SET, &amy, elsewhere).await.refused(400, "M_INVALID_PARAM");
    server.call(SET, "", pusher()).await.refused(401, "M_MISSING_TOKEN");
    let ack = json!({ "app_id": "org.example.app", "ack_token": "x" });
    let path = "POST /_matrix/client/v3/pushers/ack";
    server.call(path, &amy, ack.clone()).await.refused(404, "M_NOT_FOUND");
    server.call(SET, &amy, pusher()).await.ok();
    server.call(path, &amy, ack).await.refused(400, "M_UNKNOWN_ACTIVATION_TOKEN");
}
