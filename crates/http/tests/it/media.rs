//! Upload and download over HTTP: headers that keep browsers safe, ranges, limits.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use wardline_engine::EngineConfig;
use wardline_engine::media::MediaConfig;

use crate::support::{Server, request, text};

const UPLOAD: &str = "POST /_matrix/media/v3/upload";
const DOWNLOAD: &str = "GET /_matrix/client/v1/media/download/riverside.example";

pub(crate) struct Fetched {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Fetched {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub(crate) async fn upload(&self, token: &str, content_type: &str, query: &str, body: &str) -> String {
        let mut request = request(&format!("{UPLOAD}{query}"), token, Body::from(body.to_owned()));
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        let uri = text(&self.send(request).await.ok(), "content_uri");
        uri.strip_prefix("mxc://riverside.example/").unwrap().to_owned()
    }

    pub(crate) async fn fetch(&self, call: &str, token: &str, range: Option<&str>) -> Fetched {
        let mut request = request(call, token, Body::empty());
        if let Some(range) = range {
            request.headers_mut().insert(header::RANGE, range.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Fetched { status, headers, body: response.into_body().collect().await.unwrap().to_bytes() }
    }
}

#[tokio::test]
async fn downloads_carry_headers_that_stop_scripts() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let id = server.upload(&amy, "text/html", "?filename=page.html", "<script>").await;
    let page = server.fetch(&format!("{DOWNLOAD}/{id}"), &amy, None).await;
    assert_eq!((page.status, &page.body[..]), (200, &b"<script>"[..]));
    assert_eq!(page.header(header::CONTENT_TYPE), "application/octet-stream");
    assert_eq!(page.header(header::CONTENT_DISPOSITION), "attachment; filename=page.html");
    assert!(page.header(header::CONTENT_SECURITY_POLICY).starts_with("sandbox; default-src 'none'"));
    assert_eq!(page.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(page.header("cross-origin-resource-policy"), "cross-origin");

    let id = server.upload(&amy, "image/png", "", "png").await;
    let picture = server.fetch(&format!("{DOWNLOAD}/{id}/my%20%22pic%22.png"), &amy, None).await;
    assert_eq!(picture.header(header::CONTENT_TYPE), "image/png");
    assert_eq!(picture.header(header::CONTENT_DISPOSITION), "inline; filename=\"my \\\"pic\\\".png\"");
}

#[tokio::test]
async fn parts_of_a_file() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let id = server.upload(&amy, "video/mp4", "", "0123456789").await;
    let call = format!("{DOWNLOAD}/{id}");
    for (range, status, body, content_range) in [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("bytes=8-", 206, "89", "bytes 8-9/10"),
        ("bytes=-1", 206, "9", "bytes 9-9/10"),
        ("bytes=20-", 416, "", "bytes */10"),
        ("lines=1-2", 200, "0123456789", ""),
    ] {
        let part = server.fetch(&call, &amy, Some(range)).await;
        assert_eq!((part.status, &part.body[..]), (status, body.as_bytes()), "{range}");
        assert_eq!(part.header(header::CONTENT_RANGE), content_range);
    }
    let head = server.fetch(&call.replace("GET", "HEAD"), &amy, None).await;
    assert_eq!((head.status, head.header(header::CONTENT_LENGTH), head.body.len()), (200, "10", 0));
}

#[tokio::test]
async fn uploads_over_the_limit_are_refused() {
    let server = Server::with(|config| config.max_upload_bytes = 10).await;
    let amy = server.token("amy").await;
    let config = server.get("/_matrix/client/v1/media/config", &amy).await.ok();
    assert_eq!(config["m.upload.size"], 10);
    server.get("/_matrix/media/v3/config", &amy).await.ok();
    server.get("/_matrix/media/v3/config", "").await.refused(401, "M_MISSING_TOKEN");
    server.upload(&amy, "text/plain", "", "0123456789").await;
    let announced = request(UPLOAD, &amy, Body::from("0123456789+"));
    server.send(announced).await.refused(413, "M_TOO_LARGE");
    let chunks = futures_util::stream::iter((0..3).map(|_| Ok::<_, std::io::Error>("01234")));
    let streamed = request(UPLOAD, &amy, Body::from_stream(chunks));
    server.send(streamed).await.refused(413, "M_TOO_LARGE");
    server.send(request(UPLOAD, "", Body::from("x"))).await.refused(401, "M_MISSING_TOKEN");
}

#[tokio::test]
async fn media_needs_a_token_and_a_proper_place() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let id = server.upload(&amy, "text/plain", "", "x").await;
    let get = |path: String| path.trim_start_matches("GET ").to_owned();
    server.get(&get(format!("{DOWNLOAD}/{id}")), "").await.refused(401, "M_MISSING_TOKEN");
    server.get(&get(format!("{DOWNLOAD}/unknown")), &amy).await.refused(404, "M_NOT_FOUND");
    let elsewhere = DOWNLOAD.replace("riverside.example", "other.example");
    server.get(&get(format!("{elsewhere}/{id}")), &amy).await.refused(404, "M_NOT_FOUND");
    for trick in ["..%2F..%2Fwardline.db", "%2e%2e", "a%00b"] {
        server.get(&get(format!("{DOWNLOAD}/{trick}")), &amy).await.refused(400, "M_INVALID_PARAM");
    }
    for frozen in ["download", "thumbnail"] {
        let path = format!("/_matrix/media/v3/{frozen}/riverside.example/{id}");
        server.get(&path, "").await.refused(404, "M_NOT_FOUND");
    }
    let old = format!("GET /_matrix/media/v3/download/riverside.example/{id}");
    assert_eq!(&server.fetch(&old, &amy, None).await.body[..], b"x", "to who shows a token");
    server.get(&get(old), "no token of ours").await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn encrypted_media_has_no_thumbnail() {
    let server = Server::new().await;
    let amy = server.token("amy").await;
    let id = server.upload(&amy, "application/octet-stream", "", "ciphertext").await;
    let path = format!("/_matrix/client/v1/media/thumbnail/riverside.example/{id}");
    server.get(&format!("{path}?width=32&height=32"), &amy).await.refused(400, "M_UNKNOWN");
    server.get(&format!("{path}?width=32"), &amy).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{path}?width=-1&height=9"), &amy).await.refused(400, "M_INVALID_PARAM");
    server.get(&format!("{path}?width=1&height=1&method=x"), &amy).await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn an_announced_upload_is_filled_once() {
    let server = Server::new().await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    let made = server.call("POST /_matrix/media/v1/create", &amy, Value::Null).await.ok();
    let uri = text(&made, "content_uri");
    let place = uri.strip_prefix("mxc://").unwrap();
    let early = format!("/_matrix/client/v1/media/download/{place}?timeout_ms=0");
    server.get(&early, &amy).await.refused(504, "M_NOT_YET_UPLOADED");
    let put = format!("PUT /_matrix/media/v3/upload/{place}");
    server.send(request(&put, &bob, Body::from("his"))).await.refused(403, "M_FORBIDDEN");
    server.send(request(&put, &amy, Body::from("hers"))).await.ok();
    server.send(request(&put, &amy, Body::from("again"))).await.refused(409, "M_CANNOT_OVERWRITE_MEDIA");
    let found = server.fetch(&format!("GET /_matrix/client/v1/media/download/{place}"), &bob, None).await;
    assert_eq!(&found.body[..], b"hers");
}

#[tokio::test]
async fn a_share_that_is_used_up_is_said_with_a_page_to_read() {
    let media = MediaConfig { user_quota: Some(20), ..MediaConfig::default() };
    let change = |config: &mut wardline_http::HttpConfig| {
        config.media_quota_url = Some("https://help.riverside.example/files".into());
    };
    let server = Server::with_engine(change, EngineConfig { media, ..EngineConfig::default() }).await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    server.upload(&amy, "text/plain", "", "0123456789").await;
    let announced = server.call("POST /_matrix/media/v1/create", &amy, Value::Null).await.ok();
    let put = format!("PUT /_matrix/media/v3/upload/{}", &text(&announced, "content_uri")[6..]);
    let refused = server.send(request(UPLOAD, &amy, Body::from("0123456789+"))).await;
    let refused = refused.refused(403, "M_USER_LIMIT_EXCEEDED");
    assert_eq!(refused["info_uri"], "https://help.riverside.example/files");
    assert_eq!(refused["can_upgrade"], false);
    server.send(request(&put, &amy, Body::from("0123456789+"))).await.refused(403, "M_USER_LIMIT_EXCEEDED");
    server.send(request(&put, &amy, Body::from("0123456789"))).await.ok();
    server.send(request(UPLOAD, &amy, Body::from("0"))).await.refused(403, "M_USER_LIMIT_EXCEEDED");
    server.upload(&bob, "text/plain", "", "his own share").await;
}

#[tokio::test]
async fn everybody_together_has_a_limit_too() {
    let media = MediaConfig { total_quota: Some(15), ..MediaConfig::default() };
    let server = Server::with_engine(|_| {}, EngineConfig { media, ..EngineConfig::default() }).await;
    let (amy, bob) = (server.token("amy").await, server.token("bob").await);
    server.upload(&amy, "text/plain", "", "0123456789").await;
    server.send(request(UPLOAD, &bob, Body::from("012345"))).await.refused(507, "M_UNKNOWN");
    server.upload(&bob, "text/plain", "", "01234").await;
    server.send(request(UPLOAD, &bob, Body::from("0"))).await.refused(507, "M_UNKNOWN");
}
