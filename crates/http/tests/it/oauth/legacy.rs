//! The bridge to the legacy login API.

use serde_json::{Value, json};

use super::{Browser, WHOAMI};
use crate::support::{PASSWORD, Server, password_auth, text};

const LOGIN: &str = "POST /_matrix/client/v3/login";

fn with_token(token: &str) -> Value {
    json!({ "type": "m.login.token", "token": token, "device_id": "BROUGHT" })
}

/// The login token that the pages give for an address.
async fn token_for(server: &Server, address: &str) -> String {
    let mut browser = Browser::new(server);
    let query = super::form(&[("redirectUrl", address)]);
    let start = browser.get(&format!("/_matrix/client/v3/login/sso/redirect?{query}")).await;
    let ask = browser.sign_in(&start.location()).await;
    assert!(ask.html.contains("<strong>client.example</strong>"), "{}", ask.html);
    let back = browser.fill(&ask, "/oauth/sso", &[("decision", "allow")]).await.location();
    let (before, token) = back.split_once("loginToken=").unwrap();
    assert!(before.starts_with("https://client.example/"), "{back}");
    token.to_owned()
}

#[tokio::test]
async fn through_the_browser_to_one_sign_in() {
    let server = Server::new().await;
    let token = token_for(&server, "https://client.example/?a=b&loginToken=old").await;
    let signed = server.call(LOGIN, "", with_token(&token)).await.ok();
    let me = server.get(WHOAMI, &text(&signed, "access_token")).await.ok();
    assert_eq!((&me["user_id"], &me["device_id"]), (&json!("@amy:riverside.example"), &json!("BROUGHT")));
    server.call(LOGIN, "", with_token(&token)).await.refused(403, "M_FORBIDDEN");
    let late = token_for(&server, "https://client.example/").await;
    server.clock.advance(30_000);
    server.call(LOGIN, "", with_token(&late)).await.refused(403, "M_FORBIDDEN");
    server.call(LOGIN, "", json!({ "type": "m.login.token" })).await.refused(400, "M_MISSING_PARAM");
}

#[tokio::test]
async fn addresses_that_are_no_clients() {
    let server = Server::new().await;
    let start = "/_matrix/client/v3/login/sso/redirect";
    server.get(start, "").await.refused(400, "M_MISSING_PARAM");
    for bad in ["javascript:alert(1)", "data:text/html,x", "nonsense", "https://a:b@client.example/"] {
        let query = super::form(&[("redirectUrl", bad)]);
        server.get(&format!("{start}?{query}"), "").await.refused(400, "M_INVALID_PARAM");
        assert_eq!(Browser::new(&server).get(&format!("/oauth/sso?{query}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_signed_in_client_lets_another_one_in() {
    const GET_TOKEN: &str = "POST /_matrix/client/v1/login/get_token";
    let server = Server::new().await;
    let access = server.token("amy").await;
    let asked = server.call(GET_TOKEN, &access, json!({})).await;
    assert_eq!(asked.status, 401);
    let auth = json!({ "auth": password_auth("amy", PASSWORD, &asked.body["session"]) });
    let given = server.call(GET_TOKEN, &access, auth.clone()).await.ok();
    assert_eq!(given["expires_in_ms"], 120_000);
    let token = text(&given, "login_token");
    server.call(LOGIN, "", with_token(&token)).await.ok();
    server.call(LOGIN, "", with_token(&token)).await.refused(403, "M_FORBIDDEN");
    // Each token asks anew.
    server.call(GET_TOKEN, &access, json!({ "auth": { "session": asked.body["session"] } })).await;
    let again = server.call(GET_TOKEN, &access, json!({})).await;
    assert_eq!(again.status, 401);
}
