//! Metadata of the server and registration of clients.

use serde_json::{Value, json};

use super::{metadata, post, refresh, refused, register, signed_in};
use crate::support::{Server, text};

#[tokio::test]
async fn the_metadata_says_what_the_specification_asks_for() {
    let server = Server::new().await;
    let found = server.get("/_matrix/client/v1/auth_metadata", "").await.ok();
    for (member, path) in [
        ("issuer", "/"),
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("revocation_endpoint", "/oauth/revoke"),
        ("registration_endpoint", "/oauth/register"),
        ("device_authorization_endpoint", "/oauth/device_authorization"),
        ("account_management_uri", "/account"),
    ] {
        assert_eq!(found[member], format!("https://chat.riverside.example{path}"), "{member}");
    }
    assert_eq!(found["response_types_supported"], json!(["code"]));
    assert_eq!(found["response_modes_supported"], json!(["query", "fragment"]));
    assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
    let grants = found["grant_types_supported"].as_array().unwrap();
    for grant in ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"] {
        assert!(grants.contains(&json!(grant)), "{grant}");
    }
    assert_eq!(found["account_management_actions_supported"].as_array().unwrap().len(), 6);
    for path in [
        "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
        "/.well-known/oauth-authorization-server",
    ] {
        assert_eq!(server.get(path, "").await.ok(), found, "{path}");
    }
}

#[tokio::test]
async fn the_same_metadata_is_the_same_client() {
    let server = Server::new().await;
    let first = register(&server).await;
    assert_eq!(register(&server).await, first);
    let mut other = metadata();
    other["client_name"] = json!("Another");
    let answer = server.call("POST /oauth/register", "", other).await;
    assert_ne!(text(&answer.body, "client_id"), first);
    assert_eq!(answer.body["token_endpoint_auth_method"], "none");
    assert_eq!(answer.body.get("client_secret"), None);
}

#[tokio::test]
async fn a_client_that_nobody_uses_is_forgotten_and_one_with_a_session_is_not() {
    let server = Server::new().await;
    let mut unused = metadata();
    unused["client_name"] = json!("Unused");
    let gone = text(&server.call("POST /oauth/register", "", unused.clone()).await.body, "client_id");
    let (kept, _, token) = signed_in(&server).await;
    server.clock.advance(31 * 24 * 60 * 60 * 1000);
    unused["client_name"] = json!("New");
    assert_eq!(server.call("POST /oauth/register", "", unused).await.status, 201);
    refused(&refresh(&server, &gone, "x").await, 401, "invalid_client");
    refresh(&server, &kept, &token).await.ok();
}

#[tokio::test]
async fn what_is_not_understood_is_left_out() {
    let server = Server::new().await;
    let mut wide = metadata();
    wide["grant_types"] = json!(["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]);
    wide["response_types"] = json!(["code", "id_token"]);
    wide["client_name#fr"] = json!("Application");
    let answer = server.call("POST /oauth/register", "", wide).await;
    assert_eq!(answer.body["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(answer.body["response_types"], json!(["code"]));
    assert_eq!(answer.body.get("client_name#fr"), None);
}

#[tokio::test]
async fn bad_metadata_is_refused_and_the_field_is_named() {
    let server = Server::new().await;
    let bad = "invalid_client_metadata";
    for (field, value, error) in [
        ("client_uri", Value::Null, bad),
        ("client_uri", json!("http://example.com/"), bad),
        ("client_uri", json!("https://user@example.com/"), bad),
        ("client_uri", json!(7), bad),
        ("client_name", json!("x\u{202e}y"), bad),
        ("client_name", json!("x".repeat(101)), bad),
        ("policy_uri", json!("https://evil.com/privacy"), bad),
        ("logo_uri", json!("javascript:alert(1)"), bad),
        ("application_type", json!("browser"), bad),
        ("token_endpoint_auth_method", json!("private_key_jwt"), bad),
        ("grant_types", json!(["implicit"]), bad),
        ("response_types", json!(["token"]), bad),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://evil.com/callback"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://example.com/callback#x"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://localhost/callback"]), "invalid_redirect_uri"),
    ] {
        let mut given = metadata();
        given[field] = value.clone();
        let answer = server.call("POST /oauth/register", "", given).await;
        refused(&answer, 400, error);
        let why = text(&answer.body, "error_description");
        assert!(why.contains(field), "{field}: {value}: {why}");
    }
    let answer = server.call("POST /oauth/register", "", json!([])).await;
    refused(&answer, 400, bad);
}

#[tokio::test]
async fn a_native_client_has_a_scheme_or_a_loopback() {
    let server = Server::new().await;
    let mut native = metadata();
    native["application_type"] = json!("native");
    native["redirect_uris"] = json!(["com.example.app:/callback", "http://127.0.0.1/callback"]);
    assert_eq!(server.call("POST /oauth/register", "", native.clone()).await.status, 201);
    native["redirect_uris"] = json!(["org.other:/callback"]);
    refused(&server.call("POST /oauth/register", "", native).await, 400, "invalid_redirect_uri");
}

#[tokio::test]
async fn a_client_with_a_secret_must_give_it_and_only_it() {
    let server = Server::new().await;
    let mut confidential = metadata();
    confidential["token_endpoint_auth_method"] = json!("client_secret_post");
    let answer = server.call("POST /oauth/register", "", confidential.clone()).await;
    let (id, secret) = (text(&answer.body, "client_id"), text(&answer.body, "client_secret"));
    let again = server.call("POST /oauth/register", "", confidential).await;
    assert_ne!(text(&again.body, "client_id"), id);

    let ask = async |secret: Option<&str>| {
        let mut fields = vec![("grant_type", "refresh_token"), ("client_id", &*id), ("refresh_token", "x")];
        fields.extend(secret.map(|secret| ("client_secret", secret)));
        post(&server, "/oauth/token", &fields).await
    };
    refused(&ask(None).await, 401, "invalid_client");
    refused(&ask(Some("wlc_wrong")).await, 401, "invalid_client");
    refused(&ask(Some(&secret)).await, 400, "invalid_grant");
    // A public client has no secret to give.
    let public = register(&server).await;
    let fields = [("grant_type", "refresh_token"), ("client_id", &*public), ("client_secret", "x")];
    refused(&post(&server, "/oauth/token", &fields).await, 401, "invalid_client");
}

#[tokio::test]
async fn the_basic_header_is_read_as_its_rfc_says() {
    use axum::body::Body;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use http::header;

    let server = Server::new().await;
    let mut confidential = metadata();
    confidential["token_endpoint_auth_method"] = json!("client_secret_basic");
    let answer = server.call("POST /oauth/register", "", confidential).await;
    let (id, secret) = (text(&answer.body, "client_id"), text(&answer.body, "client_secret"));
    let ask = async |credentials: &str, body: &str| {
        let mut request = crate::support::request("POST /oauth/token", "", Body::from(body.to_owned()));
        let basic = format!("Basic {}", STANDARD.encode(credentials));
        request.headers_mut().insert(header::AUTHORIZATION, basic.parse().unwrap());
        let content = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, content);
        server.send(request).await
    };
    let refresh = "grant_type=refresh_token&refresh_token=x";
    let escaped = format!("{}:{}", id.replace('-', "%2D"), secret.replace('_', "%5F"));
    refused(&ask(&escaped, refresh).await, 400, "invalid_grant");
    let wrong = ask(&format!("{id}:wrong"), refresh).await;
    refused(&wrong, 401, "invalid_client");
    assert!(wrong.headers.contains_key(header::WWW_AUTHENTICATE));
    refused(&ask(&escaped, &format!("{refresh}&client_id=other")).await, 400, "invalid_request");
    let twice = format!("{refresh}&client_secret={secret}");
    refused(&ask(&escaped, &twice).await, 400, "invalid_request");
}
