//! Whom a provider vouches for has no other way in.

use wardline_domain::Timestamp;
use wardline_identity::upstream::Poll;

use super::*;
use crate::{
    oauth::{CALLBACK, form, passkey::SoftPasskey},
    support::{PASSWORD, password_auth},
};

const SECURITY: &str = "/account?action=org.wardline.security";
const GET_TOKEN: &str = "POST /_matrix/client/v1/login/get_token";
const LOGIN: &str = "POST /_matrix/client/v3/login";

/// Makes amy, who has a password here, a person at the provider.
async fn join_amy(server: &Server) {
    let joined = server.store.write(|tx| {
        let amy = wardline_store::users::find(tx, "@amy:riverside.example".try_into().unwrap())?.unwrap();
        wardline_store::upstream::link(tx, "trust", "sub-amy", amy, Timestamp(0))
    });
    joined.await.unwrap();
}

async fn by_password(server: &Server) -> Shown {
    let mut browser = Browser::new(server);
    let page = browser.get("/account").await;
    let fields = [("method", "password"), ("username", "amy"), ("password", PASSWORD)];
    browser.login(&page, "/account", &fields).await
}

#[tokio::test]
async fn a_password_and_a_passkey_are_no_way_round_the_provider() {
    let (server, _provider) = house(Profile::Generic, None, |_| {}).await;
    let mut browser = Browser::new(&server);
    browser.sign_in(SECURITY).await;
    let mut passkey = SoftPasskey::add(&mut browser, SECURITY).await;
    let session = server.token("amy").await;
    join_amy(&server).await;
    let page = by_password(&server).await;
    assert_eq!(page.status, 401);
    assert!(page.html.contains("Use “Sign in with Riverside”"), "{}", page.html);
    assert_eq!(passkey.sign_in(&mut Browser::new(&server), "/account").await.status, 401);
    server.login("amy", Value::Null).await.refused(403, "M_FORBIDDEN");
    let refused: Vec<_> = audited(&server, "session.sign-in")
        .into_iter()
        .filter(|(outcome, _)| outcome == "refused")
        .map(|(_, detail)| (detail["method"].clone(), detail["why"].clone(), detail["address"].clone()))
        .collect();
    let each = |method: &str| (json!(method), json!("elsewhere"), json!("192.0.2.1"));
    assert_eq!(refused, [each("password"), each("passkey"), each("password")]);
    // A wrong password says nothing of whose account it is.
    server.login("amy", json!({ "password": "wrong" })).await.refused(403, "M_FORBIDDEN");
    assert_eq!(audited(&server, "session.sign-in").pop().unwrap().1.get("why"), None);
    // Nor does it prove anything of a session from before.
    let asked = server.call(GET_TOKEN, &session, json!({})).await;
    assert_eq!(asked.body["flows"], json!([{ "stages": ["m.oauth"] }]));
    let auth = json!({ "auth": password_auth("amy", PASSWORD, &asked.body["session"]) });
    assert_eq!(server.call(GET_TOKEN, &session, auth).await.status, 401);
}

#[tokio::test]
async fn nothing_to_sign_in_with_is_added_beside_the_provider() {
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    let mut browser = Browser::new(&server);
    come_back(&mut browser, &provider, SECURITY, |_| {}).await;
    let page = browser.get(SECURITY).await;
    assert!(page.html.contains("<strong>Sign in with Riverside</strong> only"), "{}", page.html);
    assert!(!page.html.contains("/account/security"), "{}", page.html);
    let csrf = page.hidden().into_iter().find(|(name, _)| name == "csrf").unwrap();
    for what in ["password", "passkey-add", "totp-begin", "totp-finish", "recovery-renew"] {
        let fields = [("do", what), ("new_password", PASSWORD)];
        let mut all = vec![csrf.clone()];
        all.extend(fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let page = browser.post("/account/security", &all).await;
        assert!(page.html.contains("Sign in with Riverside</strong> only"), "{what}: {}", page.html);
    }
    let (_, access, _) = signed_in(&server, &provider, |_| {}).await;
    let change = json!({ "new_password": PASSWORD });
    let answer = server.call("POST /_matrix/client/v3/account/password", &access, change).await;
    answer.refused(400, "M_INVALID_PARAM");
    assert_eq!(audited(&server, "factor.changed"), []);
}

#[tokio::test]
async fn where_the_operator_allows_both_the_password_is_good_too() {
    let (server, _provider) = house(Profile::Generic, None, |config| config.local_sign_in = true).await;
    join_amy(&server).await;
    assert_eq!(by_password(&server).await.location(), "/account");
    server.login("amy", Value::Null).await.ok();
    for profile in [Profile::Cis2, Profile::NhsLogin] {
        let secret = ClientAuthentication::SecretBasic("s".into());
        let mut config = ProviderConfig::new(profile, "p", "https://p.example", CLIENT, secret);
        config.local_sign_in = true;
        assert_eq!(config.check().unwrap_err().0, "local_sign_in");
    }
}

/// What a signed-in client lets another one in with.
async fn carried(server: &Server, access: &str) -> String {
    let given = server.call(GET_TOKEN, access, json!({})).await.ok();
    let body = json!({ "type": "m.login.token", "token": given["login_token"], "device_id": "SECOND" });
    text(&server.call(LOGIN, "", body).await.ok(), "access_token")
}

#[tokio::test]
async fn a_device_that_another_one_let_in_ends_with_the_same_sign_in() {
    let (server, provider) = house(Profile::Generic, None, |config| config.poll = Poll::Introspection).await;
    let (_, first, _) = signed_in(&server, &provider, |_| {}).await;
    let second = carried(&server, &first).await;
    server.get(WHOAMI, &second).await.ok();
    provider.says.lock().holds = false;
    server.clock.advance(5 * 60 * 1000);
    assert_eq!(server.identity.ask_providers().await.unwrap(), 2);
    for token in [&first, &second] {
        server.get(WHOAMI, token).await.refused(401, "M_UNKNOWN_TOKEN");
    }
    // Nor does it outlive what the provider's rules give the first.
    let (server, provider) = house(Profile::Generic, None, |config| config.idle_s = Some(1800)).await;
    let (_, first, _) = signed_in(&server, &provider, |_| {}).await;
    let second = carried(&server, &first).await;
    server.clock.advance(31 * 60 * 1000);
    server.get(WHOAMI, &second).await.refused(401, "M_UNKNOWN_TOKEN");
}

/// A master key of zoe's; only its shape matters here.
fn identity(key: &str) -> Value {
    json!({ "master_key": {
        "user_id": "@zoe.ng:riverside.example", "usage": ["master"],
        "keys": { (format!("ed25519:{key}")): key },
    }})
}

#[tokio::test]
async fn the_legacy_bridge_and_the_identity_of_somebody_without_a_password() {
    const UPLOAD: &str = "POST /_matrix/client/v3/keys/device_signing/upload";
    let (server, provider) = house(Profile::Generic, None, |_| {}).await;
    // m.login.sso: through the provider and back to the client.
    let mut browser = Browser::new(&server);
    let to = form(&[("redirectUrl", CALLBACK)]);
    let start = browser.get(&format!("/_matrix/client/v3/login/sso/redirect?{to}")).await.location();
    let back = come_back(&mut browser, &provider, &start, |_| {}).await;
    let ask = browser.get(&back.location()).await;
    let back = browser.fill(&ask, "/oauth/sso", &[("decision", "allow")]).await.location();
    let token = back.split_once("loginToken=").unwrap().1;
    let body = json!({ "type": "m.login.token", "token": token, "device_id": "LEGACY" });
    let access = text(&server.call(LOGIN, "", body).await.ok(), "access_token");
    assert_eq!(server.get(WHOAMI, &access).await.ok()["user_id"], "@zoe.ng:riverside.example");
    let (_, detail) = audited(&server, "session.sign-in").pop().unwrap();
    assert_eq!((&detail["method"], &detail["address"]), (&json!("oidc:trust"), &json!("192.0.2.1")));
    // Having just signed in replaces nobody's identity: not here, and not for a token of OAuth.
    let (first, second) = ("A".repeat(43), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned());
    let (_, fresh, _) = signed_in(&server, &provider, |_| {}).await;
    server.call(UPLOAD, &fresh, identity(&first)).await.ok();
    let mut url = String::new();
    for token in [&fresh, &access] {
        let asked = server.call(UPLOAD, token, identity(&second)).await;
        assert_eq!((asked.status.as_u16(), &asked.body["flows"][0]["stages"][0]), (401, &json!("m.oauth")));
        url = text(&asked.body["params"]["m.oauth"], "url");
    }
    // On the account page the person shows anew that it is them.
    let path = url.strip_prefix("https://chat.riverside.example").unwrap();
    let mut browser = Browser::new(&server);
    come_back(&mut browser, &provider, path, |_| {}).await;
    let page = browser.get(path).await;
    assert_eq!(browser.fill(&page, "/account", &[]).await.status, 200);
    server.call(UPLOAD, &access, identity(&second)).await.ok();
    assert_eq!(server.call(UPLOAD, &fresh, identity(&first)).await.status, 401);
}
