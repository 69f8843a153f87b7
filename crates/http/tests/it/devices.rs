//! Devices, the password and deactivation: what asks for the password again.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Server, password_auth, text};

const DEVICES: &str = "/_matrix/client/v3/devices";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

async fn two_devices(server: &Server) -> (String, String) {
    let mut tokens = Vec::new();
    for device in ["WARD7", "PHONE"] {
        let body = server.login("amy", json!({ "device_id": device })).await.ok();
        tokens.push(text(&body, "access_token"));
    }
    (tokens.remove(0), tokens.remove(0))
}

#[tokio::test]
async fn list_show_and_rename() {
    let server = Server::new().await;
    let (ward, _) = two_devices(&server).await;
    let list = server.get(DEVICES, &ward).await.ok();
    let ids: Vec<_> = list["devices"].as_array().unwrap().iter().map(|d| text(d, "device_id")).collect();
    assert_eq!(ids, ["PHONE", "WARD7"]);
    let rename = format!("PUT {DEVICES}/PHONE");
    server.call(&rename, &ward, json!({ "display_name": "My phone" })).await.ok();
    server.call(&rename, &ward, json!({})).await.ok();
    assert_eq!(server.get(&format!("{DEVICES}/PHONE"), &ward).await.ok()["display_name"], "My phone");
    server
        .call(&rename, &ward, json!({ "display_name": "x".repeat(257) }))
        .await
        .refused(400, "M_INVALID_PARAM");
    server.get(&format!("{DEVICES}/OTHER"), &ward).await.refused(404, "M_NOT_FOUND");
    let other = format!("PUT {DEVICES}/OTHER");
    server.call(&other, &ward, json!({ "display_name": "x" })).await.refused(404, "M_NOT_FOUND");
    // Bob has no such device.
    let bob = server.token("bob").await;
    server.get(&format!("{DEVICES}/PHONE"), &bob).await.refused(404, "M_NOT_FOUND");
}

fn challenge(answer: Answer) -> Value {
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(answer.body["flows"], json!([{ "stages": ["m.login.password"] }]));
    answer.body["session"].clone()
}

#[tokio::test]
async fn deleting_a_device_asks_for_the_password_of_its_owner() {
    let server = Server::new().await;
    let (ward, phone) = two_devices(&server).await;
    let call = format!("DELETE {DEVICES}/PHONE");
    let session = challenge(server.call(&call, &ward, Value::Null).await);
    let attempt = |user: &str, password: &str| json!({ "auth": password_auth(user, password, &session) });
    server.call(&call, &ward, attempt("amy", "wrong password")).await.refused(401, "M_FORBIDDEN");
    server.call(&call, &ward, attempt("bob", PASSWORD)).await.refused(403, "M_FORBIDDEN");
    server.get(WHOAMI, &phone).await.ok();
    server.call(&call, &ward, attempt("amy", PASSWORD)).await.ok();
    server.get(WHOAMI, &phone).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(&format!("{DEVICES}/PHONE"), &ward).await.refused(404, "M_NOT_FOUND");
    server.get(WHOAMI, &ward).await.ok();
}

#[tokio::test]
async fn many_devices_at_once_and_other_peoples_untouched() {
    let server = Server::new().await;
    let (ward, phone) = two_devices(&server).await;
    let bob = text(&server.login("bob", json!({ "device_id": "BOBS" })).await.ok(), "access_token");
    let call = "POST /_matrix/client/v3/delete_devices";
    let mut body = json!({ "devices": ["PHONE", "BOBS", "NONE"] });
    let session = challenge(server.call(call, &ward, body.clone()).await);
    body["auth"] = password_auth("amy", PASSWORD, &session);
    server.call(call, &ward, body).await.ok();
    server.get(WHOAMI, &phone).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(WHOAMI, &bob).await.ok();
    let wrong = json!({ "devices": [1], "auth": { "type": "m.login.password" } });
    let error = server.call(call, &ward, wrong).await.refused(400, "M_BAD_JSON");
    assert_eq!(error["error"], "devices[0]: expected a string");
}

#[tokio::test]
async fn a_new_password_signs_the_other_devices_out() {
    let server = Server::new().await;
    let (ward, phone) = two_devices(&server).await;
    let call = "POST /_matrix/client/v3/account/password";
    let mut body = json!({ "new_password": "another password" });
    let session = challenge(server.call(call, &ward, body.clone()).await);
    body["auth"] = password_auth("@amy:riverside.example", PASSWORD, &session);
    server.call(call, &ward, body).await.ok();
    server.get(WHOAMI, &ward).await.ok();
    server.get(WHOAMI, &phone).await.refused(401, "M_UNKNOWN_TOKEN");
    server.login("amy", Value::Null).await.refused(403, "M_FORBIDDEN");
    server.login("amy", json!({ "password": "another password" })).await.ok();
}

#[tokio::test]
async fn a_deactivated_account_is_gone_and_its_name_stays_taken() {
    let server = Server::new().await;
    let (ward, phone) = two_devices(&server).await;
    let call = "POST /_matrix/client/v3/account/deactivate";
    challenge(server.call(call, &ward, Value::Null).await);
    let body = json!({ "auth": password_auth("amy", PASSWORD, &Value::Null) });
    server.call(call, &ward, body).await.ok();
    for token in [&ward, &phone] {
        server.get(WHOAMI, token).await.refused(401, "M_UNKNOWN_TOKEN");
    }
    server.login("amy", Value::Null).await.refused(403, "M_FORBIDDEN");
    assert!(server.identity.free_name("amy").is_err());
    let bob = server.token("bob").await;
    server.get("/_matrix/client/v3/profile/@amy:riverside.example", &bob).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn password_attempts_are_limited_here_too() {
    let server = Server::new().await;
    let token = server.token("amy").await;
    let call = format!("DELETE {DEVICES}/PHONE");
    let body = json!({ "auth": password_auth("amy", "wrong password", &Value::Null) });
    for _ in 0..5 {
        server.call(&call, &token, body.clone()).await.refused(401, "M_FORBIDDEN");
    }
    server.call(&call, &token, body).await.refused(429, "M_LIMIT_EXCEEDED");
}
