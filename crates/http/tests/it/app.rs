//! What the web app asks of its own server.

use serde_json::json;
use wardline_http::{AppLock, AppPolicy};

use crate::support::Server;

const ERRORS: &str = "POST /_wardline/client/v1/errors";
const POLICY: &str = "/_wardline/client/v1/policy";

#[tokio::test]
async fn the_policy_is_told_to_sessions_and_to_nobody_else() {
    let server = Server::with(|config| {
        config.app = AppPolicy { forward: false, lock: AppLock::Required, ..AppPolicy::default() };
    })
    .await;
    let amy = server.token("amy").await;
    let policy = server.get(POLICY, &amy).await.ok();
    assert_eq!(policy["forward"], false);
    assert_eq!(policy["lock"], "required");
    assert_eq!(policy["notification_text"], false);
    assert_eq!(policy["lock_idle_seconds"], 300);
    assert_eq!(policy["lock_background_seconds"], 60);
    assert_eq!(policy["lock_attempts"], 10);
    server.get(POLICY, "").await.refused(401, "M_MISSING_TOKEN");
}

#[tokio::test]
async fn an_error_report_has_room_for_code_and_for_nothing_else() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let good = json!({
        "kind": "TypeError", "screen": "/chats/:room", "build": "index-1a2b",
        "frames": ["/assets/index-1a2b.js:1:2345"],
    });
    server.call(ERRORS, &amy, good.clone()).await.ok();
    server.call(ERRORS, "", good.clone()).await.refused(401, "M_MISSING_TOKEN");
    for (field, value) in [
        ("kind", json!("Mr Okonkwo is worse")),
        ("screen", json!("x".repeat(201))),
        ("build", json!("line\nbreak")),
        ("frames", json!(["words of a message"])),
        ("frames", json!(vec!["a.js:1:1"; 21])),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        server.call(ERRORS, &amy, bad).await.refused(400, "M_INVALID_PARAM");
    }
    let mut more = good;
    more["message"] = json!("anything");
    server.call(ERRORS, &amy, more).await.refused(400, "M_BAD_JSON");
}
