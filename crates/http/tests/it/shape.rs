//! What holds for every route: unknown endpoints, bad bodies, tokens, paths, cross-origin rules.

use axum::body::Body;
use http::header;
use serde_json::{Value, json};

use crate::support::{Server, request};

#[tokio::test]
async fn public_documents() {
    let server = Server::new().await;
    let answer = server.get("/_matrix/client/versions", "").await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    let versions = answer.ok();
    let all = versions["versions"].as_array().unwrap();
    assert!(all.contains(&json!("v1.1")) && all.contains(&json!("v1.13")));
    let well_known = server.get("/.well-known/matrix/client", "").await.ok();
    assert_eq!(well_known, json!({ "m.homeserver": { "base_url": "https://chat.riverside.example" } }));
    let token = server.token("amy").await;
    let capabilities = server.get("/_matrix/client/v3/capabilities", &token).await.ok();
    assert_eq!(capabilities["capabilities"]["m.room_versions"]["default"], "12");
}

#[tokio::test]
async fn unknown_endpoint_and_wrong_method() {
    let server = Server::new().await;
    server.get("/_matrix/client/v3/nothing", "").await.refused(404, "M_UNRECOGNIZED");
    server.get("/", "").await.refused(404, "M_UNRECOGNIZED");
    server.get("//_matrix/client/versions", "").await.refused(404, "M_UNRECOGNIZED");
    let call = "DELETE /_matrix/client/v3/login";
    server.call(call, "", Value::Null).await.refused(405, "M_UNRECOGNIZED");
}

#[tokio::test]
async fn cross_origin_requests_are_allowed() {
    let server = Server::new().await;
    let mut preflight = request("OPTIONS /_matrix/client/v3/login", "", Body::empty());
    preflight.headers_mut().insert(header::ORIGIN, "https://app.example".parse().unwrap());
    preflight.headers_mut().insert(header::ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
    let answer = server.send(preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let methods = answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().to_owned();
    assert!(["GET", "POST", "PUT", "DELETE", "OPTIONS"].iter().all(|m| methods.contains(m)), "{methods}");
    let allowed = answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap().to_lowercase();
    assert!(allowed.contains("authorization") && allowed.contains("content-type"), "{allowed}");
    let refused = server.get("/_matrix/client/v3/account/whoami", "").await;
    assert_eq!(refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}

#[tokio::test]
async fn malformed_bodies_name_what_is_wrong() {
    let server = Server::new().await;
    let login = async |body: &str| {
        server.send(request("POST /_matrix/client/v3/login", "", Body::from(body.to_owned()))).await
    };
    login("").await.refused(400, "M_NOT_JSON");
    login("{\"type\":").await.refused(400, "M_NOT_JSON");
    login("[]").await.refused(400, "M_BAD_JSON");
    let body = login(r#"{"type":"m.login.password","identifier":{"type":"m.id.user","user":7}}"#).await;
    assert_eq!(body.refused(400, "M_BAD_JSON")["error"], "identifier.user: expected a string");
    let body = login(r#"{"type":"m.login.password","user":"amy","password":["secret"]}"#).await;
    let error = body.refused(400, "M_BAD_JSON");
    assert_eq!(error["error"], "password: expected a string");
    let body = login(r#"{"user":"amy"}"#).await.refused(400, "M_BAD_JSON");
    assert_eq!(body["error"], "missing field `type`");
    let body = login(r#"{"type":"m.login.password","user":"amy"}"#).await.refused(400, "M_MISSING_PARAM");
    assert_eq!(body["error"], "password: is required");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::with(|config| config.max_json_bytes = 1000).await;
    let body = json!({ "type": "m.login.password", "user": "a".repeat(1000) });
    let call = "POST /_matrix/client/v3/login";
    server.call(call, "", body).await.refused(413, "M_TOO_LARGE");
}

#[tokio::test]
async fn tokens_are_required_and_checked() {
    let server = Server::new().await;
    let whoami = "/_matrix/client/v3/account/whoami";
    server.get(whoami, "").await.refused(401, "M_MISSING_TOKEN");
    let body = server.get(whoami, "wl_stolen").await.refused(401, "M_UNKNOWN_TOKEN");
    assert_eq!(body["soft_logout"], false);
    for value in ["Bearer", "Bearer ", "Basic abc", "nonsense"] {
        let mut request = request(&format!("GET {whoami}"), "", Body::empty());
        request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
        server.send(request).await.refused(401, "M_MISSING_TOKEN");
    }
    let token = server.token("amy").await;
    server.get(&format!("{whoami}?access_token={token}"), "").await.refused(401, "M_MISSING_TOKEN");
}

#[tokio::test]
async fn path_tricks_are_refused() {
    let server = Server::new().await;
    let token = server.token("amy").await;
    for path in ["..", "%2e%2E", "a%00b", "%ff", "a%0Ab", "."] {
        let path = format!("/_matrix/client/v3/devices/{path}");
        server.get(&path, &token).await.refused(400, "M_INVALID_PARAM");
    }
    server.get("/_matrix/client/v3/devices/..%2f..%2fetc", &token).await.refused(404, "M_NOT_FOUND");
    let body = server.get("/_matrix/client/v3/profile/amy", &token).await.refused(400, "M_INVALID_PARAM");
    assert!(body["error"].as_str().unwrap().starts_with("path: "), "{body}");
}
