//! Signing in, refreshing, signing out, limits.

use axum::{body::Body, extract::ConnectInfo};
use serde_json::{Value, json};
use wardline_store::{StoreError, audit_log};

use crate::support::{PASSWORD, Server, login_body, request, text};

const WHOAMI: &str = "/_matrix/client/v3/account/whoami";
const LOGIN: &str = "POST /_matrix/client/v3/login";

#[tokio::test]
async fn by_localpart_full_id_and_the_older_field() {
    let server = Server::new().await;
    let flows = server.get("/_matrix/client/v3/login", "").await.ok();
    let kinds: Vec<_> = flows["flows"].as_array().unwrap().iter().map(|flow| flow["type"].clone()).collect();
    assert_eq!(kinds, ["m.login.sso", "m.login.token", "m.login.password"]);
    for user in ["amy", "Amy", "@amy:riverside.example"] {
        let body = server.login(user, json!({ "device_id": "WARD7" })).await.ok();
        assert_eq!(body["user_id"], "@amy:riverside.example");
        assert_eq!(body["device_id"], "WARD7");
        assert!(body.get("refresh_token").is_none() && body.get("expires_in_ms").is_none());
        assert!(text(&body, "access_token").starts_with("wl_"));
    }
    let older = json!({ "type": "m.login.password", "user": "amy", "password": PASSWORD });
    let body = server.call(LOGIN, "", older).await.ok();
    let who = server.get(WHOAMI, &text(&body, "access_token")).await.ok();
    assert_eq!(who["user_id"], "@amy:riverside.example");
    assert_eq!(who["device_id"], body["device_id"]);
}

#[tokio::test]
async fn refusals() {
    let server = Server::new().await;
    for user in ["amy", "nobody", "@amy:elsewhere.example", "", "@", "a\u{0}b"] {
        server.call(LOGIN, "", login_body(user, "wrong password")).await.refused(403, "M_FORBIDDEN");
    }
    let mut body = login_body("amy", PASSWORD);
    body["type"] = json!("m.login.unknown");
    server.call(LOGIN, "", body).await.refused(400, "M_UNKNOWN");
    let mut body = login_body("amy", PASSWORD);
    body["identifier"]["type"] = json!("m.id.thirdparty");
    server.call(LOGIN, "", body).await.refused(400, "M_INVALID_PARAM");
    for device in [String::new(), "x".repeat(256), "a\nb".into()] {
        let body = server.login("amy", json!({ "device_id": device })).await.refused(400, "M_INVALID_PARAM");
        assert!(text(&body, "error").starts_with("device_id: "));
    }
}

#[tokio::test]
async fn signing_in_again_on_a_device_ends_its_earlier_session() {
    let server = Server::new().await;
    let sign_in = json!({ "device_id": "WARD7", "initial_device_display_name": "Ward phone" });
    let first = text(&server.login("amy", sign_in).await.ok(), "access_token");
    server.get(WHOAMI, &first).await.ok();
    let again = json!({ "device_id": "WARD7", "initial_device_display_name": "Other name" });
    let second = text(&server.login("amy", again).await.ok(), "access_token");
    server.get(WHOAMI, &first).await.refused(401, "M_UNKNOWN_TOKEN");
    let device = server.get("/_matrix/client/v3/devices/WARD7", &second).await.ok();
    assert_eq!(device["display_name"], "Ward phone");
}

#[tokio::test]
async fn signing_out_deletes_the_device_and_nobody_elses() {
    let server = Server::new().await;
    let (amy, amy_too, bob) =
        (server.token("amy").await, server.token("amy").await, server.token("bob").await);
    server.call("POST /_matrix/client/v3/logout", &amy, Value::Null).await.ok();
    server.get(WHOAMI, &amy).await.refused(401, "M_UNKNOWN_TOKEN");
    let devices = server.get("/_matrix/client/v3/devices", &amy_too).await.ok();
    assert_eq!(devices["devices"].as_array().unwrap().len(), 1);
    server.call("POST /_matrix/client/v3/logout/all", &amy_too, json!({})).await.ok();
    server.get(WHOAMI, &amy_too).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(WHOAMI, &bob).await.ok();
}

async fn refresh(server: &Server, token: &str) -> crate::support::Answer {
    server.call("POST /_matrix/client/v3/refresh", "", json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn an_expired_token_is_refreshed() {
    let server = Server::new().await;
    let first = server.login("amy", json!({ "refresh_token": true })).await.ok();
    assert_eq!(first["expires_in_ms"], 3_600_000);
    let access = text(&first, "access_token");
    server.get(WHOAMI, &access).await.ok();
    server.clock.advance(3_600_000);
    let body = server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(body["soft_logout"], true);
    let second = refresh(&server, &text(&first, "refresh_token")).await.ok();
    let who = server.get(WHOAMI, &text(&second, "access_token")).await.ok();
    assert_eq!(who["device_id"], first["device_id"]);
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_costs_nothing() {
    let server = Server::new().await;
    let first = server.login("amy", json!({ "refresh_token": true })).await.ok();
    let lost = refresh(&server, &text(&first, "refresh_token")).await.ok();
    // The old pair still works until the new one is used.
    server.get(WHOAMI, &text(&first, "access_token")).await.ok();
    let second = refresh(&server, &text(&first, "refresh_token")).await.ok();
    assert_ne!(lost["access_token"], second["access_token"]);
    server.get(WHOAMI, &text(&second, "access_token")).await.ok();
    server.get(WHOAMI, &text(&second, "access_token")).await.ok();
    for spent in [&first, &lost] {
        server.get(WHOAMI, &text(spent, "access_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    }
    // Refreshing with a pair that was never used otherwise also puts it in force.
    let third = refresh(&server, &text(&second, "refresh_token")).await.ok();
    let fourth = refresh(&server, &text(&third, "refresh_token")).await.ok();
    server.get(WHOAMI, &text(&second, "access_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(WHOAMI, &text(&fourth, "access_token")).await.ok();
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_but_keeps_the_device() {
    let server = Server::new().await;
    let first = server.login("amy", json!({ "refresh_token": true, "device_id": "WARD7" })).await.ok();
    let second = refresh(&server, &text(&first, "refresh_token")).await.ok();
    server.get(WHOAMI, &text(&second, "access_token")).await.ok();
    // The thief comes with the token that the owner has already replaced.
    let body = refresh(&server, &text(&first, "refresh_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(body["soft_logout"], true);
    // The owner is signed out too, but keeps the keys.
    let body = server.get(WHOAMI, &text(&second, "access_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(body["soft_logout"], true);
    refresh(&server, &text(&second, "refresh_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    let other = server.token("amy").await;
    server.get("/_matrix/client/v3/devices/WARD7", &other).await.ok();
    let reused = "session.token-reused refused @amy:riverside.example";
    assert_eq!(actions(&server).iter().filter(|a| *a == reused).count(), 1);
    let again = server.login("amy", json!({ "device_id": "WARD7" })).await.ok();
    server.get(WHOAMI, &text(&again, "access_token")).await.ok();
    refresh(&server, "wlr_nonsense").await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn attempts_are_limited_without_locking_the_owner_out() {
    let server = Server::new().await;
    for _ in 0..5 {
        server.call(LOGIN, "", login_body("amy", "wrong password")).await.refused(403, "M_FORBIDDEN");
    }
    let answer = server.call(LOGIN, "", login_body("amy", PASSWORD)).await;
    assert_eq!(answer.headers["retry-after"], "10");
    let body = answer.refused(429, "M_LIMIT_EXCEEDED");
    assert_eq!(body["retry_after_ms"], 10_000);
    // Another colleague at the same address, and the owner at another, are not touched.
    server.login("bob", Value::Null).await.ok();
    let mut elsewhere = request(LOGIN, "", Body::from(login_body("amy", PASSWORD).to_string()));
    let address: std::net::SocketAddr = "192.0.2.77:1".parse().unwrap();
    elsewhere.extensions_mut().insert(ConnectInfo(address));
    server.send(elsewhere).await.ok();
    server.clock.advance(10_000);
    server.login("amy", Value::Null).await.ok();
    for _ in 0..10 {
        server.login("bob", Value::Null).await.ok();
    }
}

/// Each audit entry as `action outcome actor`.
fn actions(server: &Server) -> Vec<String> {
    let mut all = Vec::new();
    let visit = |row: audit_log::AuditRow| {
        all.push(format!("{} {} {}", row.action, row.outcome, row.actor));
        assert!(!row.detail.contains("password\":\"wrong"));
        Ok(())
    };
    server.store.read_now(|tx| audit_log::for_each(tx, 1, 1000, visit)).unwrap();
    server.store.read_now(|tx| Ok::<_, StoreError>(wardline_audit::verify(tx))).unwrap().unwrap();
    all
}

#[tokio::test]
async fn sign_ins_failures_and_sign_outs_are_audited() {
    let server = Server::new().await;
    let before = actions(&server).len();
    let token = server.token("amy").await;
    server.call(LOGIN, "", login_body("amy", "wrong password")).await.refused(403, "M_FORBIDDEN");
    server.call(LOGIN, "", login_body("my secret password", "x")).await.refused(403, "M_FORBIDDEN");
    server.call("POST /_matrix/client/v3/logout", &token, Value::Null).await.ok();
    assert_eq!(
        actions(&server)[before..],
        [
            "session.sign-in success @amy:riverside.example",
            "session.sign-in refused @amy:riverside.example",
            "session.sign-in refused system:unknown-user",
            "session.sign-out success @amy:riverside.example",
        ]
    );
}
