//! Registration: closed, open, and by the operator's secret.

use serde_json::{Value, json};

use crate::support::{Server, text};

const REGISTER: &str = "POST /_matrix/client/v3/register";
const SECRET: &str = "POST /_synapse/admin/v1/register";

fn with_dummy(mut body: Value) -> Value {
    body["auth"] = json!({ "type": "m.login.dummy" });
    body
}

#[tokio::test]
async fn closed_unless_configured() {
    let server = Server::new().await;
    let body = with_dummy(json!({ "username": "cat", "password": "long enough" }));
    server.call(REGISTER, "", body).await.refused(403, "M_FORBIDDEN");
    let available = "/_matrix/client/v3/register/available?username=amy";
    server.get(available, "").await.refused(403, "M_FORBIDDEN");
    server.get("/_synapse/admin/v1/register", "").await.refused(400, "M_UNKNOWN");
}

#[tokio::test]
async fn open_registration_goes_through_the_dummy_stage() {
    let server = Server::with(|config| config.registration_open = true).await;
    let mut body = json!({ "username": "Cat", "password": "long enough", "device_id": "PHONE" });
    let challenge = server.call(REGISTER, "", body.clone()).await;
    assert_eq!(challenge.status, 401);
    assert!(challenge.body.get("errcode").is_none());
    assert_eq!(challenge.body["flows"], json!([{ "stages": ["m.login.dummy"] }]));
    body["auth"] = json!({ "type": "m.login.dummy", "session": challenge.body["session"] });
    let answer = server.call(REGISTER, "", body).await.ok();
    assert_eq!(answer["user_id"], "@cat:riverside.example");
    assert_eq!(answer["device_id"], "PHONE");
    server.get("/_matrix/client/v3/account/whoami", &text(&answer, "access_token")).await.ok();

    let quiet = with_dummy(json!({ "username": "dan", "password": "long enough", "inhibit_login": true }));
    let answer = server.call(REGISTER, "", quiet).await.ok();
    assert!(answer.get("access_token").is_none());
    server
        .call("POST /_matrix/client/v3/register?kind=guest", "", json!({}))
        .await
        .refused(403, "M_GUEST_ACCESS_FORBIDDEN");
}

#[tokio::test]
async fn names_and_passwords_are_checked() {
    let server = Server::with(|config| config.registration_open = true).await;
    let long = "x".repeat(250);
    for (name, code) in [
        ("", "M_INVALID_USERNAME"),
        ("a b", "M_INVALID_USERNAME"),
        ("é", "M_INVALID_USERNAME"),
        ("_service", "M_INVALID_USERNAME"),
        ("a:b", "M_INVALID_USERNAME"),
        (&*long, "M_INVALID_USERNAME"),
        ("amy", "M_USER_IN_USE"),
        ("AMY", "M_USER_IN_USE"),
    ] {
        let body = with_dummy(json!({ "username": name, "password": "long enough" }));
        server.call(REGISTER, "", body).await.refused(400, code);
    }
    for password in ["short", &"x".repeat(513)] {
        let body = with_dummy(json!({ "username": "cat", "password": password }));
        server.call(REGISTER, "", body).await.refused(400, "M_WEAK_PASSWORD");
    }
    server.get("/_matrix/client/v3/register/available?username=cat", "").await.ok();
    server.get("/_matrix/client/v3/register/available?username=amy", "").await.refused(400, "M_USER_IN_USE");
    let body = server.get("/_matrix/client/v3/register/available", "").await.refused(400, "M_INVALID_PARAM");
    assert!(text(&body, "error").contains("username"));
}

#[tokio::test]
async fn the_shared_secret_must_be_known() {
    let server = Server::with(|config| config.registration_shared_secret = Some("secret".into())).await;
    let nonce = server.get("/_synapse/admin/v1/register", "").await.ok()["nonce"].clone();
    let body =
        json!({ "nonce": nonce, "username": "cat", "password": "long enough", "mac": "00".repeat(20) });
    let wrong = server.call(SECRET, "", body.clone()).await.refused(403, "M_FORBIDDEN");
    assert_eq!(wrong["error"], "mac: wrong");
    let again = server.call(SECRET, "", body).await.refused(403, "M_FORBIDDEN");
    assert_eq!(again["error"], "nonce: unknown or expired");
}
