//! Rendezvous for signing in by QR code: MSC4108 (text) and MSC4388 (JSON).

use axum::body::Body;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, Server, request, text};

const TEXT: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
const TOKENS: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";

/// Sends text with headers; the answer's text beside it.
async fn send(server: &Server, call: &str, body: &str, more: &[(&str, &str)]) -> (Answer, String) {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let mut request = request(call, "", Body::from(body.to_owned()));
    for (name, value) in more {
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let response = server.router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    (Answer { status, headers, body }, text)
}

fn tag(headers: &HeaderMap) -> String {
    for name in ["expires", "last-modified"] {
        assert!(headers[name].to_str().unwrap().ends_with(" GMT"));
    }
    headers["etag"].to_str().unwrap().to_owned()
}

const PLAIN: (&str, &str) = ("content-type", "text/plain");

#[tokio::test]
async fn two_devices_leave_each_other_messages_by_entity_tags() {
    let server = Server::new().await;
    let (made, _) = send(&server, &format!("POST {TEXT}"), "one", &[PLAIN]).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.headers["access-control-allow-origin"], "*");
    let exposed = made.headers["access-control-expose-headers"].to_str().unwrap().to_owned();
    assert!(exposed.contains("etag"), "{exposed}");
    let first = tag(&made.headers);
    let url = text(&made.body, "url");
    let path = url.strip_prefix("https://chat.riverside.example").unwrap();
    let (got, words) = send(&server, &format!("GET {path}"), "", &[]).await;
    assert_eq!((got.status.as_u16(), &*words), (200, "one"));
    assert_eq!(got.headers["content-type"], "text/plain");
    assert_eq!(tag(&got.headers), first);
    let (same, _) = send(&server, &format!("GET {path}"), "", &[("if-none-match", &first)]).await;
    assert_eq!(same.status, 304);
    tag(&same.headers);
    let put = format!("PUT {path}");
    let (second, _) = send(&server, &put, "two", &[PLAIN, ("if-match", &first)]).await;
    assert_eq!(second.status, 202);
    assert_ne!(tag(&second.headers), first);
    let (late, _) = send(&server, &put, "three", &[PLAIN, ("if-match", &first)]).await;
    late.refused(412, "M_CONCURRENT_WRITE");
    send(&server, &put, "three", &[PLAIN]).await.0.refused(400, "M_MISSING_PARAM");
    let as_json = [("content-type", "application/json"), ("if-match", "x")];
    send(&server, &put, "{}", &as_json).await.0.refused(400, "M_INVALID_PARAM");
    let large = "x".repeat(4097);
    let match_second = tag(&second.headers);
    send(&server, &put, &large, &[PLAIN, ("if-match", &match_second)]).await.0.refused(413, "M_TOO_LARGE");
    assert_eq!(send(&server, &format!("GET {path}"), "", &[]).await.1, "two");
    assert_eq!(send(&server, &format!("DELETE {path}"), "", &[]).await.0.status, 204);
    send(&server, &format!("GET {path}"), "", &[]).await.0.refused(404, "M_NOT_FOUND");
    send(&server, &format!("DELETE {path}"), "", &[]).await.0.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn two_devices_leave_each_other_messages_by_sequence_tokens() {
    let server = Server::new().await;
    assert_eq!(server.get(TOKENS, "").await.ok(), json!({ "create_available": true }));
    let made = server.call(&format!("POST {TOKENS}"), "", json!({ "data": "one" })).await.ok();
    let path = format!("{TOKENS}/{}", text(&made, "id"));
    assert_eq!(made["expires_in_ms"], 300_000);
    let first = text(&made, "sequence_token");
    let got = server.get(&path, "").await.ok();
    assert_eq!((&got["data"], &got["sequence_token"]), (&json!("one"), &json!(first)));
    let put = |token: &str, data: &str| json!({ "sequence_token": token, "data": data });
    let second = server.call(&format!("PUT {path}"), "", put(&first, "two")).await.ok();
    server
        .call(&format!("PUT {path}"), "", put(&first, "three"))
        .await
        .refused(409, "IO_ELEMENT_MSC4388_CONCURRENT_WRITE");
    server.clock.advance(299_000);
    let third =
        server.call(&format!("PUT {path}"), "", put(&text(&second, "sequence_token"), "three")).await.ok();
    assert_ne!(third["sequence_token"], second["sequence_token"]);
    server.clock.advance(299_000);
    assert_eq!(server.get(&path, "").await.ok()["data"], "three");
    server.clock.advance(1_000);
    server.get(&path, "").await.refused(404, "M_NOT_FOUND");
    let other = server.call(&format!("POST {TOKENS}"), "", json!({ "data": "" })).await.ok();
    let path = format!("{TOKENS}/{}", text(&other, "id"));
    assert_eq!(server.call(&format!("DELETE {path}"), "", Value::Null).await.ok(), json!({}));
    server.get(&path, "").await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn making_places_is_limited_for_each_address() {
    let server = Server::with(|config| {
        config.login_address_limit = wardline_http::Bucket { burst: 3, per_minute: 1 };
    })
    .await;
    for _ in 0..3 {
        server.call(&format!("POST {TOKENS}"), "", json!({ "data": "" })).await.ok();
    }
    server.call(&format!("POST {TOKENS}"), "", json!({ "data": "" })).await.refused(429, "M_LIMIT_EXCEEDED");
}
