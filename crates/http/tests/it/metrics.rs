//! What clients could not read, as counts.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Server, request};

const REPORT: &str = "POST /_wardline/client/v1/undecryptable";

#[tokio::test]
async fn reports_are_summed_for_whoever_has_the_token() {
    let server = Server::with(|config| config.metrics_token = Some("let me see".into())).await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let report = json!({ "decrypted": 90, "undecryptable": { "missing_key": 2, "a new word": 1 } });
    server.call(REPORT, &amy, report.clone()).await.ok();
    server.call(REPORT, &bob, report).await.ok();
    server.call(REPORT, &bob, json!({ "recovered": 3 })).await.ok();
    server.call(REPORT, &bob, json!({ "decrypted": 1_000_001 })).await.refused(400, "M_INVALID_PARAM");
    server.call(REPORT, &bob, json!({ "decrypted": -1 })).await.refused(400, "M_BAD_JSON");
    server.call(REPORT, "", json!({})).await.refused(401, "M_MISSING_TOKEN");
    server.get("/metrics", "").await.refused(404, "M_UNRECOGNIZED");
    server.get("/metrics", &amy).await.refused(404, "M_UNRECOGNIZED");
    let page =
        server.router.clone().oneshot(request("GET /metrics", "let me see", Body::empty())).await.unwrap();
    let text = String::from_utf8(page.into_body().collect().await.unwrap().to_bytes().into()).unwrap();
    for line in [
        "wardline_undecryptable_total{cause=\"missing_key\"} 4",
        "wardline_undecryptable_total{cause=\"other\"} 2",
        "wardline_undecryptable_total{cause=\"withheld\"} 0",
        "wardline_decrypted_total 180",
        "wardline_recovered_total 3",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(!text.contains("amy"), "nobody is named");
}

#[tokio::test]
async fn without_a_token_there_are_no_metrics() {
    let server = Server::new().await;
    server.get("/metrics", "").await.refused(404, "M_UNRECOGNIZED");
    let amy = server.token("amy").await;
    server.get("/metrics", &amy).await.refused(404, "M_UNRECOGNIZED");
}
