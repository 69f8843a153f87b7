//! More requests at once than there are places.

use http::header;
use serde_json::json;
use wardline_http::Places;

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
