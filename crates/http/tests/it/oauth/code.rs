//! The authorisation code, the tokens it gives, and those who try to steal them.

use serde_json::json;

use super::{
    Browser, CALLBACK, CHALLENGE, SCOPE, TOKEN, VERIFIER, WHOAMI, answer_of, authorize_path, code_for, form,
    metadata, post, redeem, refresh, refused, register, signed_in,
};
use crate::support::{Server, text};

#[tokio::test]
async fn a_client_signs_in_on_the_device_that_its_scope_names() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.sign_in(&authorize_path(&client, &[])).await;
    // The name is escaped, and the host beside it cannot be claimed.
    assert!(consent.html.contains("<strong>Ward &lt;App&gt;</strong> (example.com)"), "{}", consent.html);
    let back = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    assert!(back.starts_with(&format!("{CALLBACK}#")), "{back}");
    let found = answer_of(&back);
    assert_eq!(found["state"], "st<a>te");
    assert_eq!(found["iss"], "https://chat.riverside.example/");

    let answer = redeem(&server, &client, &found["code"]).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let answer = answer.ok();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["scope"], SCOPE);
    let access = text(&answer, "access_token");
    let me = server.get(WHOAMI, &access).await.ok();
    assert_eq!((&me["user_id"], &me["device_id"]), (&json!("@amy:riverside.example"), &json!("PHONE12345")));
    let device = server.get("/_matrix/client/v3/devices/PHONE12345", &access).await.ok();
    assert_eq!(device["display_name"], "Ward <App>");
}

#[tokio::test]
async fn the_query_mode_keeps_the_query_and_an_own_device_is_used_again() {
    let server = Server::new().await;
    let old = text(&server.login("amy", json!({ "device_id": "PHONE12345" })).await.ok(), "access_token");
    let mut given = metadata();
    given["redirect_uris"] = json!(["https://example.com/callback?a=1"]);
    let client = text(&server.call("POST /oauth/register", "", given).await.body, "client_id");
    let mut browser = Browser::new(&server);
    let redirect = ("redirect_uri", "https://example.com/callback?a=1");
    let consent = browser.sign_in(&authorize_path(&client, &[("response_mode", "query"), redirect])).await;
    let back = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
    assert!(back.starts_with("https://example.com/callback?a=1&code="), "{back}");
    let code = answer_of(&back)["code"].clone();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &*client),
        ("code", &code),
        redirect,
        ("code_verifier", VERIFIER),
    ];
    post(&server, TOKEN, &fields).await.ok();
    // The device has one session: its earlier one has ended.
    server.get(WHOAMI, &old).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn an_application_on_the_device_is_reached_by_its_loopback_or_scheme() {
    let server = Server::new().await;
    let mut native = metadata();
    native["application_type"] = json!("native");
    native["redirect_uris"] =
        json!(["com.example.app:/callback", "http://127.0.0.1/callback", "http://[::1]/callback"]);
    let client = text(&server.call("POST /oauth/register", "", native).await.body, "client_id");
    for (redirect, source) in [
        ("com.example.app:/callback", "com.example.app:;"),
        ("http://127.0.0.1:49152/callback", "http://127.0.0.1:49152;"),
        ("http://[::1]:49152/callback", "http:;"),
    ] {
        let changes = [("redirect_uri", redirect), ("response_mode", "query")];
        let mut browser = Browser::new(&server);
        let consent = browser.sign_in(&authorize_path(&client, &changes)).await;
        let policy = consent.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains(&format!("form-action 'self' {source}")), "{policy}");
        assert!(consent.html.contains("that you trust on this computer or phone"));
        let back = browser.fill(&consent, "/oauth/authorize", &[("decision", "allow")]).await.location();
        assert!(back.starts_with(&format!("{redirect}?code=")), "{back}");
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &*client),
            ("code", &answer_of(&back)["code"]),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
        ];
        post(&server, TOKEN, &fields).await.ok();
    }
}

#[tokio::test]
async fn a_code_used_twice_ends_the_session_that_it_opened() {
    let server = Server::new().await;
    let client = register(&server).await;
    let code = code_for(&server, &client, &[]).await;
    let answer = redeem(&server, &client, &code).await.ok();
    let (access, token) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    server.get(WHOAMI, &access).await.ok();
    refused(&redeem(&server, &client, &code).await, 400, "invalid_grant");
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    refused(&refresh(&server, &client, &token).await, 400, "invalid_grant");
    refused(&redeem(&server, &client, &code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_reused_code_does_not_touch_later_sessions() {
    let server = Server::new().await;
    let client = register(&server).await;
    let first = code_for(&server, &client, &[]).await;
    redeem(&server, &client, &first).await.ok();
    let second = code_for(&server, &client, &[]).await;
    let access = text(&redeem(&server, &client, &second).await.ok(), "access_token");
    refused(&redeem(&server, &client, &first).await, 400, "invalid_grant");
    server.get(WHOAMI, &access).await.ok();
}

#[tokio::test]
async fn a_stolen_code_is_good_for_nothing_and_spent_by_the_attempt() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut other = metadata();
    other["client_name"] = json!("Thief");
    let thief = text(&server.call("POST /oauth/register", "", other).await.body, "client_id");
    let wrong_verifier = "x".repeat(43);
    for (client_id, redirect_uri, verifier) in [
        (&*thief, CALLBACK, VERIFIER),
        (&*client, "https://app.example.com/other", VERIFIER),
        (&*client, CALLBACK, &*wrong_verifier),
        (&*client, CALLBACK, CHALLENGE),
        (&*client, CALLBACK, ""),
    ] {
        let code = code_for(&server, &client, &[]).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", &code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        refused(&post(&server, TOKEN, &fields).await, 400, "invalid_grant");
        refused(&redeem(&server, &client, &code).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let server = Server::new().await;
    let client = register(&server).await;
    let code = code_for(&server, &client, &[]).await;
    server.clock.advance(10 * 60 * 1000);
    refused(&redeem(&server, &client, &code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_changed_password_makes_unused_codes_useless() {
    let server = Server::new().await;
    let client = register(&server).await;
    let code = code_for(&server, &client, &[]).await;
    let access = server.token("amy").await;
    let session = server.identity.verify_token(&access).await.unwrap();
    server.identity.change_password(&session, "another password", false).await.unwrap();
    refused(&redeem(&server, &client, &code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn an_unknown_client_or_redirect_is_shown_and_never_followed() {
    let server = Server::new().await;
    let client = register(&server).await;
    for changes in [
        ("client_id", "unknown"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.com/callback"),
        ("redirect_uri", "https://app.example.com/callback/"),
        ("redirect_uri", "https://app.example.com/callback?x=1"),
        ("redirect_uri", "https://app.example.com:444/callback"),
        ("redirect_uri", "https://app.example.com@evil.com/callback"),
    ] {
        let page = Browser::new(&server).get(&authorize_path(&client, &[changes])).await;
        assert_eq!(page.status, 400, "{changes:?}");
        assert!(!page.headers.contains_key("location"), "{changes:?}");
    }
    let twice = format!("{}&scope=x", authorize_path(&client, &[]));
    assert_eq!(Browser::new(&server).get(&twice).await.status, 400);
}

#[tokio::test]
async fn other_faults_are_told_to_the_client() {
    let server = Server::new().await;
    let client = register(&server).await;
    for (changes, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "form_post"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "openid"), "invalid_scope"),
        (("scope", "urn:matrix:client:api:*"), "invalid_scope"),
    ] {
        let page = Browser::new(&server).get(&authorize_path(&client, &[changes])).await;
        let found = answer_of(&page.location());
        assert_eq!(found["error"], error, "{changes:?}");
        assert_eq!(found["state"], "st<a>te");
    }
}

#[tokio::test]
async fn who_says_no_gives_nothing() {
    let server = Server::new().await;
    let client = register(&server).await;
    let mut browser = Browser::new(&server);
    let consent = browser.sign_in(&authorize_path(&client, &[])).await;
    let back = browser.fill(&consent, "/oauth/authorize", &[("decision", "refuse")]).await.location();
    let found = answer_of(&back);
    assert_eq!(found["error"], "access_denied");
    assert_eq!(found.get("code"), None);
}

#[tokio::test]
async fn the_unstable_scopes_are_understood() {
    let server = Server::new().await;
    let client = register(&server).await;
    let scope = "openid urn:matrix:org.matrix.msc2967.client:api:* \
                 urn:matrix:org.matrix.msc2967.client:device:OLDNAME123";
    let code = code_for(&server, &client, &[("scope", scope)]).await;
    let answer = redeem(&server, &client, &code).await.ok();
    assert_eq!(answer["scope"], scope.strip_prefix("openid ").unwrap());
    let me = server.get(WHOAMI, &text(&answer, "access_token")).await.ok();
    assert_eq!(me["device_id"], "OLDNAME123");
}

#[tokio::test]
async fn a_refresh_may_be_repeated_until_its_answer_is_used() {
    let server = Server::new().await;
    let (client, access, token) = signed_in(&server).await;
    let lost = refresh(&server, &client, &token).await.ok();
    let next = refresh(&server, &client, &token).await.ok();
    assert_eq!(next["scope"], SCOPE);
    // The old one lives on until the new one is used.
    server.get(WHOAMI, &access).await.ok();
    server.get(WHOAMI, &text(&next, "access_token")).await.ok();
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(WHOAMI, &text(&lost, "access_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    // The first one again, after its successor was used: somebody copied it, and everything ends.
    refused(&refresh(&server, &client, &token).await, 400, "invalid_grant");
    server.get(WHOAMI, &text(&next, "access_token")).await.refused(401, "M_UNKNOWN_TOKEN");
    refused(&refresh(&server, &client, &text(&next, "refresh_token")).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_belongs_to_its_client() {
    let server = Server::new().await;
    let (client, _, token) = signed_in(&server).await;
    let mut other = metadata();
    other["client_name"] = json!("Thief");
    let thief = text(&server.call("POST /oauth/register", "", other).await.body, "client_id");
    refused(&refresh(&server, &thief, &token).await, 400, "invalid_grant");
    let legacy = json!({ "refresh_token": token });
    server.call("POST /_matrix/client/v3/refresh", "", legacy).await.refused(401, "M_UNKNOWN_TOKEN");
    refresh(&server, &client, &token).await.ok();
    // And one of the legacy login API is no OAuth client's.
    let signed = server.login("amy", json!({ "refresh_token": true })).await.ok();
    refused(&refresh(&server, &client, &text(&signed, "refresh_token")).await, 400, "invalid_grant");
}

#[tokio::test]
async fn an_expired_access_token_is_refreshed() {
    let server = Server::new().await;
    let (client, access, token) = signed_in(&server).await;
    server.clock.advance(60 * 60 * 1000);
    server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
    let next = refresh(&server, &client, &token).await.ok();
    server.get(WHOAMI, &text(&next, "access_token")).await.ok();
}

#[tokio::test]
async fn either_token_revokes_both() {
    let server = Server::new().await;
    for which in 0..2 {
        let (client, access, token) = signed_in(&server).await;
        let given = if which == 0 { &access } else { &token };
        let fields = [("token", &**given), ("client_id", &*client)];
        post(&server, "/oauth/revoke", &fields).await.ok();
        server.get(WHOAMI, &access).await.refused(401, "M_UNKNOWN_TOKEN");
        refused(&refresh(&server, &client, &token).await, 400, "invalid_grant");
        // Once more, and without a client: nothing to do.
        post(&server, "/oauth/revoke", &[("token", given)]).await.ok();
    }
    post(&server, "/oauth/revoke", &[("token", "unknown")]).await.ok();
    refused(&post(&server, "/oauth/revoke", &[]).await, 400, "invalid_request");
    let hint = [("token", "x"), ("token_type_hint", "cookie")];
    refused(&post(&server, "/oauth/revoke", &hint).await, 400, "invalid_request");
}

#[tokio::test]
async fn faults_of_the_token_request() {
    let server = Server::new().await;
    let client = register(&server).await;
    let id = ("client_id", &*client);
    refused(&post(&server, TOKEN, &[id]).await, 400, "invalid_request");
    refused(&post(&server, TOKEN, &[("grant_type", "refresh_token")]).await, 400, "invalid_request");
    refused(&post(&server, TOKEN, &[id, ("grant_type", "password")]).await, 400, "unsupported_grant_type");
    refused(&post(&server, TOKEN, &[id, ("grant_type", "authorization_code")]).await, 400, "invalid_request");
    let stranger = [("client_id", "nobody"), ("grant_type", "refresh_token"), ("refresh_token", "x")];
    refused(&post(&server, TOKEN, &stranger).await, 401, "invalid_client");
    let twice = [id, ("grant_type", "refresh_token"), ("refresh_token", "x"), ("refresh_token", "y")];
    refused(&post(&server, TOKEN, &twice).await, 400, "invalid_request");
    // JSON is not a form.
    let json = server.call(&format!("POST {TOKEN}"), "", json!({ "grant_type": "refresh_token" })).await;
    refused(&json, 400, "invalid_request");
}

/// A client takes 4xx for a refresh as the end of its session, so a limit must not be one.
#[tokio::test]
async fn guessing_is_slowed_down_without_signing_anybody_out() {
    let server = Server::with(|config| config.login_address_limit.burst = 3).await;
    let (client, _, token) = signed_in(&server).await;
    for _ in 0..3 {
        refused(&refresh(&server, &client, "guess").await, 400, "invalid_grant");
    }
    let limited = refresh(&server, &client, &token).await;
    refused(&limited, 503, "temporarily_unavailable");
    assert!(limited.headers.contains_key("retry-after"));
    server.clock.advance(60_000);
    refresh(&server, &client, &token).await.ok();
}

#[tokio::test]
async fn every_step_is_in_the_audit_log() {
    let server = Server::new().await;
    let (client, access, _) = signed_in(&server).await;
    post(&server, "/oauth/revoke", &[("token", &access)]).await.ok();
    let mut entries = Vec::new();
    server
        .store
        .read_now(|tx| {
            wardline_store::audit_log::for_each(tx, 1, 100, |row| {
                entries.push((row.action.clone(), row.device.clone(), row.detail.clone()));
                Ok(())
            })
        })
        .unwrap();
    let last: Vec<_> = entries.iter().rev().take(5).rev().collect();
    let actions: Vec<_> = last.iter().map(|(action, _, _)| action.as_str()).collect();
    let expected = [
        "oauth.client-registered",
        "session.sign-in",
        "oauth.consent",
        "session.sign-in",
        "session.sign-out",
    ];
    assert_eq!(actions, expected);
    let opened: serde_json::Value = serde_json::from_str(&last[3].2).unwrap();
    assert_eq!(last[3].1.as_deref(), Some("PHONE12345"));
    assert_eq!((&opened["client"], &opened["method"]), (&json!(client), &json!("password")));
    let all = format!("{entries:?}");
    assert!(!all.contains(&access) && !all.contains(&form(&[("p", crate::support::PASSWORD)])[2..]));
}
