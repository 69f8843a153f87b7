//! Sign-in of a device without a browser.

use super::{Browser, SCOPE, TOKEN, WHOAMI, metadata, post, refused, register};
use crate::support::{Answer, Server, text};
use serde_json::{Value, json};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) async fn begin(server: &Server, client: &str) -> Value {
    post(server, "/oauth/device_authorization", &[("client_id", client), ("scope", SCOPE)]).await.ok()
}

pub(crate) async fn poll(server: &Server, client: &str, device: &Value) -> Answer {
    let code = text(device, "device_code");
    let fields = [("grant_type", GRANT), ("client_id", client), ("device_code", &*code)];
    post(server, TOKEN, &fields).await
}

/// The path of an address of this server.
pub(crate) fn path_of(uri: &Value) -> String {
    uri.as_str().unwrap().strip_prefix("https://chat.riverside.example").unwrap().to_owned()
}

#[tokio::test]
async fn a_device_waits_until_it_is_allowed() {
    let server = Server::new().await;
    let client = register(&server).await;
    let device = begin(&server, &client).await;
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(900), &json!(5)));
    refused(&poll(&server, &client, &device).await, 400, "authorization_pending");
    refused(&poll(&server, &client, &device).await, 400, "slow_down");
    // Now it must wait ten seconds.
    server.clock.advance(6000);
    refused(&poll(&server, &client, &device).await, 400, "slow_down");
    server.clock.advance(15_000);
    refused(&poll(&server, &client, &device).await, 400, "authorization_pending");

    let mut browser = Browser::new(&server);
    let confirm = browser.sign_in(&path_of(&device["verification_uri_complete"])).await;
    assert!(confirm.html.contains(&text(&device, "user_code")), "{}", confirm.html);
    assert!(confirm.html.contains("(example.com)"));
    let done = browser.fill(&confirm, "/oauth/link", &[("decision", "allow")]).await;
    assert_eq!(done.status, 200, "{}", done.html);

    let answer = poll(&server, &client, &device).await.ok();
    assert_eq!(answer["scope"], SCOPE);
    let me = server.get(WHOAMI, &text(&answer, "access_token")).await.ok();
    assert_eq!(me["device_id"], "PHONE12345");
    refused(&poll(&server, &client, &device).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_code_is_typed_in_any_way_and_the_person_may_say_no() {
    let server = Server::new().await;
    let client = register(&server).await;
    let device = begin(&server, &client).await;
    let mut browser = Browser::new(&server);
    let ask = browser.sign_in(&path_of(&device["verification_uri"])).await;
    assert!(ask.html.contains("Type the code"), "{}", ask.html);
    let typed = text(&device, "user_code").to_lowercase().replace('-', "%20");
    let confirm = browser.get(&format!("/oauth/link?code={typed}")).await;
    assert_eq!(confirm.status, 200, "{}", confirm.html);
    let refused_page = browser.fill(&confirm, "/oauth/link", &[("decision", "refuse")]).await;
    assert!(refused_page.html.contains("Cancelled"));
    refused(&poll(&server, &client, &device).await, 400, "access_denied");
    refused(&poll(&server, &client, &device).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_device_code_ends_and_belongs_to_its_client() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut other = metadata();
    other["client_name"] = json!("Thief");
    let thief = text(&server.call("POST /oauth/register", "", other).await.body, "client_id");
    let device = begin(&server, &client).await;
    refused(&poll(&server, &thief, &device).await, 400, "invalid_grant");
    server.clock.advance(15 * 60 * 1000);
    refused(&poll(&server, &client, &device).await, 400, "expired_token");
    let mut browser = Browser::new(&server);
    let late = browser.sign_in(&path_of(&device["verification_uri_complete"])).await;
    assert_eq!(late.status, 400, "{}", late.html);
}

#[tokio::test]
async fn user_codes_cannot_be_guessed() {
    let server = Server::new().await;
    let client = register(&server).await;
    begin(&server, &client).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("/oauth/link").await;
    for _ in 0..5 {
        assert_eq!(browser.get("/oauth/link?code=BBBB-BBBB").await.status, 400);
    }
    assert_eq!(browser.get("/oauth/link?code=BBBB-BBBB").await.status, 429);
}

#[tokio::test]
async fn only_clients_that_registered_for_it_and_good_scopes() {
    let server = Server::new().await;
    let mut plain = metadata();
    plain["grant_types"] = json!(["authorization_code", "refresh_token"]);
    let id = text(&server.call("POST /oauth/register", "", plain).await.body, "client_id");
    let fields = [("client_id", &*id), ("scope", SCOPE)];
    refused(&post(&server, "/oauth/device_authorization", &fields).await, 400, "unauthorized_client");
    let client = register(&server).await;
    let fields = [("client_id", &*client), ("scope", "openid")];
    refused(&post(&server, "/oauth/device_authorization", &fields).await, 400, "invalid_scope");
}
