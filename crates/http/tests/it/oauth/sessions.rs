//! A person's sessions: the list, signing out from elsewhere with erasure, the news of a new device, and step-up.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Browser, WHOAMI, code_for, redeem, refresh, signed_in};
use crate::support::{PASSWORD, Server, text};

const SESSIONS: &str = "/_wardline/client/v1/sessions";
const ERASED: &str = "POST /_wardline/client/v1/erased";

#[tokio::test]
async fn the_list_says_where_and_by_what_a_device_was_last_used() {
    let server = Server::new().await;
    let (_, access, _) = signed_in(&server).await;
    let ward = text(&server.login("amy", json!({ "device_id": "WARDPC" })).await.ok(), "access_token");
    server.login("bob", json!({ "device_id": "BOBS" })).await.ok();
    let list = server.get(SESSIONS, &ward).await.ok();
    let sessions = list["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{list}");
    let phone = sessions.iter().find(|s| s["device_id"] == "PHONE12345").unwrap();
    assert_eq!(phone["client"], json!({ "name": "Ward <App>", "uri": "https://example.com/" }));
    assert_eq!((&phone["this"], &phone["last_seen_ip"]), (&json!(false), &json!("192.0.2.1")));
    assert_eq!(sessions.iter().filter(|s| s["this"] == true).count(), 1);
    server.get(WHOAMI, &access).await.ok();
}

#[tokio::test]
async fn a_device_signed_out_from_elsewhere_is_told_to_erase_and_confirms_it() {
    let server = Server::new().await;
    let (client, access, token) = signed_in(&server).await;
    let ward = text(&server.login("amy", json!({ "device_id": "WARDPC" })).await.ok(), "access_token");
    server.call(&format!("POST {SESSIONS}/PHONE12345/end"), &ward, Value::Null).await.ok();
    server
        .call(&format!("POST {SESSIONS}/PHONE12345/end"), &ward, Value::Null)
        .await
        .refused(404, "M_NOT_FOUND");
    let answer = server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!((&answer["soft_logout"], &answer["org.wardline.erase"]), (&json!(false), &json!(true)));
    let answer = refresh(&server, &client, &token).await;
    super::refused(&answer, 400, "invalid_grant");
    assert_eq!(answer.body["org.wardline.erase"], true);
    let list = server.get(SESSIONS, &ward).await.ok();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(list["erasures"][0]["device_id"], "PHONE12345");
    assert_eq!(list["erasures"][0]["confirmed_ts"], Value::Null);
    let mut browser = Browser::new(&server);
    let devices = "/account?action=org.matrix.devices_list";
    assert!(browser.sign_in(devices).await.html.contains("has not come back yet"));

    server.clock.advance(5000);
    server.call(ERASED, "wl_nobody", Value::Null).await.refused(404, "M_NOT_FOUND");
    server.call(ERASED, &access, Value::Null).await.ok();
    let list = server.get(SESSIONS, &ward).await.ok();
    let confirmed = list["erasures"][0]["confirmed_ts"].as_i64().unwrap();
    server.clock.advance(5000);
    server.call(ERASED, &token, Value::Null).await.ok();
    let list = server.get(SESSIONS, &ward).await.ok();
    assert_eq!(list["erasures"][0]["confirmed_ts"], json!(confirmed), "the first time counts");
    assert!(browser.get(devices).await.html.contains("has erased what it held"));
    // Signing out by oneself asks nobody to erase anything.
    server.call("POST /_matrix/client/v3/logout", &ward, Value::Null).await.ok();
    let answer = server.get(WHOAMI, &ward).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(answer.get("org.wardline.erase"), None);
}

#[tokio::test]
async fn a_locked_device_learns_by_the_hash_of_its_token_that_it_is_to_erase_itself() {
    const ERASURE: &str = "POST /_wardline/client/v1/erasure";
    let server = Server::new().await;
    let (_, _, token) = signed_in(&server).await;
    let ward = text(&server.login("amy", json!({ "device_id": "WARDPC" })).await.ok(), "access_token");
    let hash = hex::encode(Sha256::digest(&token));
    let asked = json!({ "token_sha256": hash });
    assert_eq!(server.call(ERASURE, "", asked.clone()).await.ok(), json!({ "erase": false }));
    server.call(&format!("POST {SESSIONS}/PHONE12345/end"), &ward, Value::Null).await.ok();
    assert_eq!(server.call(ERASURE, "", asked).await.ok(), json!({ "erase": true }));
    let list = server.get(SESSIONS, &ward).await.ok();
    assert_eq!(list["erasures"][0]["confirmed_ts"], Value::Null, "asking confirms nothing");
    let done = json!({ "token_sha256": hash, "done": true });
    assert_eq!(server.call(ERASURE, "", done).await.ok(), json!({ "erase": true }));
    let list = server.get(SESSIONS, &ward).await.ok();
    assert!(list["erasures"][0]["confirmed_ts"].is_i64());
    // Anybody else's hash tells nothing, and what is none is refused by name.
    let other = json!({ "token_sha256": "00".repeat(32), "done": true });
    assert_eq!(server.call(ERASURE, "", other).await.ok(), json!({ "erase": false }));
    let answer = server.call(ERASURE, "", json!({ "token_sha256": "short" })).await;
    let answer = answer.refused(400, "M_INVALID_PARAM");
    assert!(text(&answer, "error").contains("token_sha256"));
}

#[tokio::test]
async fn all_others_are_signed_out_at_once() {
    let server = Server::new().await;
    let (_, access, _) = signed_in(&server).await;
    let ward = text(&server.login("amy", json!({ "device_id": "WARDPC" })).await.ok(), "access_token");
    server.call(&format!("POST {SESSIONS}/end_others"), &ward, Value::Null).await.ok();
    server.get(WHOAMI, &ward).await.ok();
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("/account?action=org.matrix.devices_list").await;
    let mut fields = page.hidden();
    fields.retain(|(name, _)| name == "csrf");
    fields.push(("action".into(), "org.wardline.sign_out_all".into()));
    // A browser that was left open is not enough.
    let page = browser.post("/account", &fields).await;
    assert!(page.status == 403 && page.html.contains("Your devices"), "{}", page.html);
    server.get(WHOAMI, &ward).await.ok();
    fields.push(("password".into(), PASSWORD.into()));
    browser.post("/account", &fields).await.location();
    server.get(WHOAMI, &ward).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn a_stolen_token_does_not_sign_the_owner_out_everywhere() {
    let server = Server::new().await;
    let (_, access, _) = signed_in(&server).await;
    let ward = text(&server.login("amy", json!({ "device_id": "WARDPC" })).await.ok(), "access_token");
    server.clock.advance(10 * 60 * 1000 + 1);
    let all = format!("POST {SESSIONS}/end_others");
    server.call(&all, &access, Value::Null).await.refused(401, "ORG.WARDLINE.STEP_UP");
    server.get(WHOAMI, &ward).await.ok();
    // One device that a thief opened is signed out with no question.
    server.call(&format!("POST {SESSIONS}/WARDPC/end"), &access, Value::Null).await.ok();
    server.get(WHOAMI, &ward).await.refused(401, "M_UNKNOWN_TOKEN");
    // Nor does anybody end a session of somebody else's.
    let bob = server.token("bob").await;
    server
        .call(&format!("POST {SESSIONS}/PHONE12345/end"), &bob, Value::Null)
        .await
        .refused(404, "M_NOT_FOUND");
    server.get(WHOAMI, &access).await.ok();
}

#[tokio::test]
async fn other_devices_are_told_of_a_new_one() {
    let server = Server::new().await;
    let news = "/_matrix/client/v3/user/@amy:riverside.example/account_data/org.wardline.new_devices";
    let first = text(&server.login("amy", json!({ "device_id": "FIRST" })).await.ok(), "access_token");
    server.get(news, &first).await.refused(404, "M_NOT_FOUND");
    let since = text(&server.get("/_matrix/client/v3/sync", &first).await.ok(), "next_batch");
    signed_in(&server).await;
    let sync = server.get(&format!("/_matrix/client/v3/sync?since={since}"), &first).await.ok();
    let event = sync["account_data"]["events"].as_array().unwrap().iter();
    let event = event.into_iter().find(|event| event["type"] == "org.wardline.new_devices");
    assert_eq!(event.unwrap()["content"]["devices"][0]["device_id"], "PHONE12345", "{sync}");
    // Signing in again on the same device is no news.
    server.login("amy", json!({ "device_id": "FIRST" })).await.ok();
    let first = text(&server.login("amy", json!({ "device_id": "FIRST" })).await.ok(), "access_token");
    let told = server.get(news, &first).await.ok();
    assert_eq!(told["devices"].as_array().unwrap().len(), 1);
    server.call(&format!("PUT {news}"), &first, json!({ "devices": [] })).await.ok();
    server.login("amy", json!({ "device_id": "THIRD" })).await.ok();
    let told = server.get(news, &first).await.ok();
    assert_eq!(told["devices"].as_array().unwrap().len(), 1);
    assert_eq!(told["devices"][0]["device_id"], "THIRD");
}

/// What used to ask for the password goes through for a moment after signing in, and then asks again.
#[tokio::test]
async fn grave_actions_need_a_recent_sign_in() {
    let server = Server::new().await;
    let (client, access, _) = signed_in(&server).await;
    let carry = "POST /_matrix/client/v1/login/get_token";
    server.call(carry, &access, Value::Null).await.ok();
    server.clock.advance(10 * 60 * 1000 + 1);
    let answer = server.call(carry, &access, Value::Null).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    assert_eq!(answer.body["flows"], json!([{ "stages": ["m.login.password"] }]));
    // A new sign-in on the same device is the way without typing it into the application.
    let code = code_for(&server, &client, &[("max_age", "0")]).await;
    let fresh = text(&redeem(&server, &client, &code).await.ok(), "access_token");
    server.call(carry, &fresh, Value::Null).await.ok();
    // A session of the legacy login API always gives its password.
    let legacy = server.token("amy").await;
    assert_eq!(server.call(carry, &legacy, Value::Null).await.status, 401);
}
