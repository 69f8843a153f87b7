//! The account page, and what it allows clients.

use serde_json::json;

use super::{Browser, WHOAMI, code_for, redeem, signed_in};
use crate::support::{PASSWORD, Server, password_auth, text};

#[tokio::test]
async fn the_name_and_the_devices() {
    let server = Server::new().await;
    let (_, access, _) = signed_in(&server).await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("/account?action=org.matrix.profile").await;
    browser.fill(&page, "/account", &[("displayname", "Amy <RN>")]).await.location();
    let profile = "/_matrix/client/v3/profile/@amy:riverside.example/displayname";
    assert_eq!(server.get(profile, &access).await.ok()["displayname"], "Amy <RN>");
    assert!(browser.get("/account").await.html.contains("value=\"Amy &lt;RN&gt;\""));

    let list = browser.get("/account?action=org.matrix.devices_list").await;
    assert!(list.html.contains("device_id=PHONE12345"), "{}", list.html);
    let one = browser.get("/account?action=org.matrix.session_view&device_id=PHONE12345").await;
    assert!(one.html.contains("Ward &lt;App&gt; (https://example.com/)"), "{}", one.html);
    let ask = browser.get("/account?action=org.matrix.device_delete&device_id=PHONE12345").await;
    server.get(WHOAMI, &access).await.ok();
    browser.fill(&ask, "/account", &[]).await.location();
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    // Bob's device cannot be seen or signed out from here.
    let bob = text(&server.login("bob", json!({ "device_id": "BOBS" })).await.ok(), "access_token");
    let other = browser.get("/account?action=org.matrix.device_view&device_id=BOBS").await;
    assert!(other.html.contains("no such device"), "{}", other.html);
    let mut fields = browser.get("/account").await.hidden();
    fields.retain(|(name, _)| name == "csrf");
    fields.push(("action".into(), "org.matrix.device_delete".into()));
    fields.push(("device_id".into(), "BOBS".into()));
    browser.post("/account", &fields).await.location();
    server.get(WHOAMI, &bob).await.ok();
}

#[tokio::test]
async fn closing_the_account_asks_for_the_password_again() {
    let server = Server::new().await;
    let (_, access, _) = signed_in(&server).await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("/account?action=org.matrix.account_deactivate").await;
    let wrong = browser.fill(&page, "/account", &[("password", "wrong"), ("sure", "yes")]).await;
    assert_eq!(wrong.status, 403);
    let unsure = browser.fill(&page, "/account", &[("password", PASSWORD)]).await;
    assert_eq!(unsure.status, 403);
    server.get(WHOAMI, &access).await.ok();
    let done = browser.fill(&page, "/account", &[("password", PASSWORD), ("sure", "yes")]).await;
    assert!(done.html.contains("Your account is closed."), "{}", done.html);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert!(browser.get("/account").await.html.contains("<h1>Sign in</h1>"));
    server.login("amy", serde_json::Value::Null).await.refused(403, "M_FORBIDDEN");
}

/// A master key of amy's; only its shape matters here.
fn keys(key: &str) -> serde_json::Value {
    json!({ "master_key": {
        "user_id": "@amy:riverside.example",
        "usage": ["master"],
        "keys": { (format!("ed25519:{key}")): key },
    }})
}

#[tokio::test]
async fn cross_signing_keys_are_replaced_after_the_account_page_allowed_it() {
    const UPLOAD: &str = "POST /_matrix/client/v3/keys/device_signing/upload";
    let server = Server::new().await;
    let (client, access, _) = signed_in(&server).await;
    let (first, second) = ("A".repeat(43), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned());
    server.call(UPLOAD, &access, keys(&first)).await.ok();
    let answer = server.call(UPLOAD, &access, keys(&second)).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    let stages = json!([{ "stages": ["m.oauth"] }, { "stages": ["org.matrix.cross_signing_reset"] }]);
    assert_eq!(answer.body["flows"], stages);
    let url = text(&answer.body["params"]["m.oauth"], "url");
    assert_eq!(answer.body["params"]["org.matrix.cross_signing_reset"]["url"], url);
    // The password is no way round it.
    let mut body = keys(&second);
    body["auth"] = password_auth("amy", PASSWORD, &answer.body["session"]);
    assert_eq!(server.call(UPLOAD, &access, body).await.status, 401);

    let mut browser = Browser::new(&server);
    let page = browser.sign_in(url.strip_prefix("https://chat.riverside.example").unwrap()).await;
    assert_eq!(browser.fill(&page, "/account", &[("password", "wrong")]).await.status, 403);
    assert_eq!(server.call(UPLOAD, &access, keys(&second)).await.status, 401);
    assert_eq!(browser.fill(&page, "/account", &[("password", PASSWORD)]).await.status, 200);
    let mut body = keys(&second);
    body["auth"] = json!({ "session": answer.body["session"] });
    server.call(UPLOAD, &access, body).await.ok();
    // Once only, and not after ten minutes.
    assert_eq!(server.call(UPLOAD, &access, keys(&first)).await.status, 401);
    browser.fill(&page, "/account", &[("password", PASSWORD)]).await;
    server.clock.advance(10 * 60 * 1000);
    assert_eq!(server.call(UPLOAD, &access, keys(&first)).await.status, 401);
    // A session of the legacy login API gives its password as before.
    let legacy = server.token("amy").await;
    let answer = server.call(UPLOAD, &legacy, keys(&first)).await;
    assert_eq!(answer.body["flows"], json!([{ "stages": ["m.login.password"] }]));
    let code = code_for(&server, &client, &[]).await;
    redeem(&server, &client, &code).await.ok();
}
