//! Profiles.

use serde_json::{Value, json};

use crate::support::{Server, text};

const AMY: &str = "/_matrix/client/v3/profile/@amy:riverside.example";

#[tokio::test]
async fn set_show_and_remove() {
    let server = Server::new().await;
    let token = server.token("amy").await;
    assert_eq!(server.get(AMY, &token).await.ok(), json!({}));
    for (field, value) in [
        ("displayname", json!("Amy Ward RN")),
        ("avatar_url", json!("mxc://riverside.example/abc")),
        ("org.wardline.bleep", json!({ "number": "1234" })),
    ] {
        server.call(&format!("PUT {AMY}/{field}"), &token, json!({ field: value })).await.ok();
    }
    let bob = server.token("bob").await;
    let profile = server.get(AMY, &bob).await.ok();
    assert_eq!(profile["displayname"], "Amy Ward RN");
    assert_eq!(profile["org.wardline.bleep"]["number"], "1234");
    let encoded = "/_matrix/client/v3/profile/%40amy%3Ariverside.example/displayname";
    assert_eq!(server.get(encoded, &bob).await.ok(), json!({ "displayname": "Amy Ward RN" }));
    server.call(&format!("DELETE {AMY}/displayname"), &token, Value::Null).await.ok();
    server.get(&format!("{AMY}/displayname"), &bob).await.refused(404, "M_NOT_FOUND");
    server.call(&format!("PUT {AMY}/avatar_url"), &token, json!({ "avatar_url": "" })).await.ok();
    server.get(&format!("{AMY}/avatar_url"), &bob).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn bad_input_changes_nothing() {
    let server = Server::new().await;
    let token = server.token("amy").await;
    let put = async |field: &str, value: Value| {
        server.call(&format!("PUT {AMY}/{field}"), &token, json!({ field: value })).await
    };
    for (field, value) in [
        ("displayname", json!(7)),
        ("displayname", json!("x".repeat(257))),
        ("avatar_url", json!("https://elsewhere.example/a.png")),
        ("avatar_url", json!(["mxc://a/b"])),
        ("Upper", json!(1)),
        ("1st", json!(1)),
    ] {
        let error = put(field, value).await.refused(400, "M_INVALID_PARAM");
        let named = if field.ends_with(['r', 't']) { "keyName" } else { field };
        assert!(text(&error, "error").starts_with(named), "{error}");
    }
    put(&"k".repeat(256), json!(1)).await.refused(400, "M_KEY_TOO_LARGE");
    put("org.wardline.big", json!("x".repeat(64 * 1024))).await.refused(400, "M_PROFILE_TOO_LARGE");
    let call = format!("PUT {AMY}/displayname");
    server.call(&call, &token, json!({ "name": "Amy" })).await.refused(400, "M_MISSING_PARAM");
    let bob = server.token("bob").await;
    server.call(&call, &bob, json!({ "displayname": "Bob" })).await.refused(403, "M_FORBIDDEN");
    assert_eq!(server.get(AMY, &token).await.ok(), json!({}));
    assert_eq!(server.get(AMY, "").await.ok(), json!({}), "the specification asks for no token");
    let strict = Server::with(|config| config.directory_asks_for_token = true).await;
    strict.get(AMY, "").await.refused(401, "M_MISSING_TOKEN");
    let nobody = "/_matrix/client/v3/profile/@nobody:riverside.example";
    server.get(nobody, &token).await.refused(404, "M_NOT_FOUND");
}
