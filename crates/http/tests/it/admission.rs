//! More requests at once than there are places.

use http::header;
use serde_json::json;
use wardline_http::{Bucket, Places};

use crate::support::{Server, text};

const SYNC: &str = "/_matrix/client/v3/sync";

#[tokio::test]
async fn who_finds_no_place_is_told_to_come_back() {
    let server =
        Server::with(|config| config.places = Places { long_polls: 1, uploads: 0, ..Places::default() })
            .await;
    let amy = server.token("amy").await;
    let first = server.get(SYNC, &amy).await.ok();
    let waits = format!("{SYNC}?timeout=30000&since={}", text(&first, "next_batch"));
    let waiting = server.get(&waits, &amy);
    let mut waiting = Box::pin(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending(), "it waits for news, on the only place");
    let refused = server.get(SYNC, &amy).await;
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert_eq!(refused.refused(429, "M_LIMIT_EXCEEDED")["retry_after_ms"], 1000);
    server.get("/_matrix/client/v3/account/whoami", &amy).await.ok();
    let upload = server.call("POST /_matrix/media/v3/upload", &amy, json!({})).await;
    upload.refused(429, "M_LIMIT_EXCEEDED");
    drop(waiting);
    server.get(SYNC, &amy).await.ok();
}

#[tokio::test]
async fn the_fhir_api_refuses_in_its_own_form() {
    let server = Server::with(|config| config.places = Places { requests: 0, ..Places::default() }).await;
    let refused = server.get("/fhir/R4/metadata", "").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.headers[header::RETRY_AFTER]),
        (429, &"1".parse().unwrap())
    );
    assert_eq!(refused.headers[header::CONTENT_TYPE], "application/fhir+json");
    assert_eq!(refused.body["resourceType"], "OperationOutcome");
    assert_eq!(refused.body["issue"][0]["code"], "throttled");
}

#[tokio::test]
async fn an_address_without_credentials_is_limited_and_nobody_else() {
    let server = Server::with(|config| config.open_limit = Bucket { burst: 6, per_minute: 60 }).await;
    let amy = server.token("amy").await;
    for path in [
        "/.well-known/matrix/client",
        "/_matrix/client/v1/auth_metadata",
        "/_matrix/client/v3/login",
        "/_matrix/client/v3/profile/@amy:riverside.example",
        "/fhir/R4/metadata",
    ] {
        let answer = server.get(path, "").await;
        assert_ne!(answer.status, 429, "{path}");
    }
    let refused = server.get("/.well-known/matrix/client", "").await;
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert_eq!(refused.refused(429, "M_LIMIT_EXCEEDED")["retry_after_ms"], 1000);
    server.get("/_matrix/client/v3/account/whoami", "a-guess").await.refused(429, "M_LIMIT_EXCEEDED");
    assert_eq!(server.get("/fhir/R4/metadata", "").await.body["issue"][0]["code"], "throttled");
    server.get("/_matrix/client/versions", "").await.ok();
    server.get("/_matrix/client/v3/account/whoami", &amy).await.ok();
    server.clock.advance(1000);
    server.get("/.well-known/matrix/client", "").await.ok();
}

#[tokio::test]
async fn the_fhir_api_is_limited_per_device_person_and_address() {
    let server = Server::with(|config| config.fhir_limit = Bucket { burst: 2, per_minute: 6 }).await;
    let practitioners = "/fhir/R4/Practitioner";
    let devices = async |user: &'static str, count: usize| {
        let mut tokens = Vec::new();
        for _ in 0..count {
            tokens.push(server.token(user).await);
        }
        tokens
    };
    let amys = devices("amy", 5).await;
    for _ in 0..2 {
        server.get(practitioners, &amys[0]).await.ok();
    }
    let refused = server.get(practitioners, &amys[0]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.headers[header::RETRY_AFTER].to_str().unwrap()),
        (429, "10")
    );
    assert_eq!(refused.body["issue"][0]["code"], "throttled");
    server.get("/_matrix/client/v3/account/whoami", &amys[0]).await.ok();
    // A person has four times as much over all devices.
    for device in &amys[1..4] {
        for _ in 0..2 {
            server.get(practitioners, device).await.ok();
        }
    }
    assert_eq!(server.get(practitioners, &amys[4]).await.status, 429);
    let bob = server.token("bob").await;
    server.get(practitioners, &bob).await.ok();
    server.clock.advance(10_000);
    server.get(practitioners, &amys[0]).await.ok();
}
