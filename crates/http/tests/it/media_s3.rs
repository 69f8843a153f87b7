//! Media in an object store: a small stand-in for S3 that knows objects, parts and ranges, and wants every request signed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use image::{DynamicImage, ImageFormat, RgbImage};
use wardline_engine::EngineConfig;
use wardline_engine::media::{MediaConfig, S3Config};

use crate::support::{PASSWORD, Server, request, text};

#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Bytes>,
    parts: BTreeMap<String, BTreeMap<u32, Bytes>>,
    requests: Vec<String>,
    broken: bool,
}

type Shared = Arc<Mutex<Bucket>>;

async fn serve(
    State(bucket): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let signed = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if !signed.is_some_and(|text| text.starts_with("AWS4-HMAC-SHA256 Credential=ward-key/")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let body = body.collect().await.unwrap().to_bytes();
    let Some(key) = head.uri.path().strip_prefix("/files/").map(str::to_owned) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut bucket = bucket.lock().unwrap();
    bucket.requests.push(format!("{} {}", head.method, query.keys().cloned().collect::<Vec<_>>().join("+")));
    if bucket.broken {
        return StatusCode::FORBIDDEN.into_response();
    }
    let number = query.get("partNumber").and_then(|number| number.parse::<u32>().ok());
    match (head.method, number) {
        (Method::POST, _) if query.contains_key("uploads") => {
            bucket.parts.insert(key.clone(), BTreeMap::new());
            let xml = format!(
                "<InitiateMultipartUploadResult><Bucket>files</Bucket><Key>{key}</Key>\
                 <UploadId>u1</UploadId></InitiateMultipartUploadResult>"
            );
            xml.into_response()
        }
        (Method::PUT, Some(number)) => {
            bucket.parts.get_mut(&key).unwrap().insert(number, body);
            ([(header::ETAG, format!("\"p{number}\""))], "").into_response()
        }
        (Method::POST, _) => {
            let parts: Vec<Bytes> = bucket.parts.remove(&key).unwrap().into_values().collect();
            bucket.objects.insert(key.clone(), parts.concat().into());
            let xml = format!(
                "<CompleteMultipartUploadResult><Bucket>files</Bucket><Key>{key}</Key>\
                 <ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
            );
            xml.into_response()
        }
        (Method::PUT, None) => {
            bucket.objects.insert(key, body);
            ([(header::ETAG, "\"whole\"")], "").into_response()
        }
        (Method::DELETE, _) => {
            bucket.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::GET, _) => get(bucket.objects.get(&key), head.headers.get(header::RANGE)),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn get(object: Option<&Bytes>, range: Option<&http::HeaderValue>) -> Response {
    let Some(object) = object else { return StatusCode::NOT_FOUND.into_response() };
    let tag = [(header::ETAG, "\"whole\""), (header::LAST_MODIFIED, "Sun, 22 Nov 2026 12:00:00 GMT")];
    let Some(range) = range else { return (tag, object.clone()).into_response() };
    let (from, to) = range.to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
    let part = object.slice(from..(to + 1).min(object.len()));
    let of = format!("bytes {from}-{}/{}", from + part.len() - 1, object.len());
    (StatusCode::PARTIAL_CONTENT, tag, [(header::CONTENT_RANGE, of)], part).into_response()
}

async fn server() -> (Server, Shared) {
    let bucket = Shared::default();
    let app = Router::new().fallback(serve).layer(DefaultBodyLimit::disable()).with_state(bucket.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let s3 = S3Config {
        endpoint,
        region: "eu-west-2".into(),
        bucket: "files".into(),
        prefix: "/ward/".into(),
        access_key_id: "ward-key".into(),
        secret_access_key: "ward-secret".into(),
        allow_http: true,
        virtual_hosted: false,
        ca_pem: None,
    };
    let media = MediaConfig { s3: Some(s3), ..MediaConfig::default() };
    let server = Server::with_engine(|_| {}, EngineConfig { media, ..EngineConfig::default() }).await;
    (server, bucket)
}

const DOWNLOAD: &str = "GET /_matrix/client/v1/media/download/riverside.example";

#[tokio::test]
async fn a_file_goes_to_the_object_store_and_comes_back_in_parts() {
    let (server, bucket) = server().await;
    let amy = server.token("amy").await;
    let id = server.upload(&amy, "text/plain", "", "0123456789").await;
    let hex = blake3::hash(b"0123456789").to_hex().to_string();
    let key = format!("ward/{}/{}/{hex}", &hex[..2], &hex[2..4]);
    assert_eq!(bucket.lock().unwrap().objects.keys().collect::<Vec<_>>(), [&key]);
    assert!(server.media_files().is_empty(), "nothing of it stays on the local disk");
    let call = format!("{DOWNLOAD}/{id}");
    assert_eq!(&server.fetch(&call, &amy, None).await.body[..], b"0123456789");
    let part = server.fetch(&call, &amy, Some("bytes=3-5")).await;
    assert_eq!((part.status, &part.body[..]), (206, &b"345"[..]));
    let asked = bucket.lock().unwrap().requests.len();
    assert_eq!(server.fetch(&call.replace("GET", "HEAD"), &amy, None).await.status, 200);
    assert_eq!(bucket.lock().unwrap().requests.len(), asked, "a look at the headers reads nothing");
    let empty = server.upload(&amy, "text/plain", "", "").await;
    assert!(server.fetch(&format!("{DOWNLOAD}/{empty}"), &amy, None).await.body.is_empty());
}

#[tokio::test]
async fn a_large_file_is_sent_in_parts() {
    let (server, bucket) = server().await;
    let amy = server.token("amy").await;
    let whole: String = (0..20_000_000_u32).map(|n| char::from(b'a' + (n % 23) as u8)).collect();
    let id = server.upload(&amy, "text/plain", "", &whole).await;
    let sent = bucket.lock().unwrap().requests.clone();
    assert_eq!(
        sent,
        [
            "POST uploads",
            "PUT partNumber+uploadId",
            "PUT partNumber+uploadId",
            "PUT partNumber+uploadId",
            "POST uploadId"
        ]
    );
    let found = server.fetch(&format!("{DOWNLOAD}/{id}"), &amy, None).await;
    assert!(found.body == whole.as_bytes());
}

#[tokio::test]
async fn thumbnails_are_made_of_and_kept_in_the_object_store() {
    let (server, bucket) = server().await;
    let amy = server.token("amy").await;
    let mut png = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(200, 200)).write_to(&mut png, ImageFormat::Png).unwrap();
    let upload = request("POST /_matrix/media/v3/upload", &amy, Body::from(png.into_inner()));
    let uri = text(&server.send(upload).await.ok(), "content_uri");
    let id = uri.rsplit('/').next().unwrap();
    let call = format!("GET /_matrix/client/v1/media/thumbnail/riverside.example/{id}?width=32&height=32");
    let small = image::load_from_memory(&server.fetch(&call, &amy, None).await.body).unwrap();
    assert_eq!((small.width(), small.height()), (32, 32));
    assert_eq!(bucket.lock().unwrap().objects.len(), 2);
    assert!(server.media_files().is_empty());
}

#[tokio::test]
async fn a_file_that_is_deleted_is_gone_from_the_object_store_with_its_thumbnails() {
    let (server, bucket) = server().await;
    server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
    let (zoe, amy) = (server.token("zoe").await, server.token("amy").await);
    let mut png = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(200, 200)).write_to(&mut png, ImageFormat::Png).unwrap();
    let png = Bytes::from(png.into_inner());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let upload = request("POST /_matrix/media/v3/upload", &amy, Body::from(png.clone()));
        let uri = text(&server.send(upload).await.ok(), "content_uri");
        ids.push(uri.rsplit('/').next().unwrap().to_owned());
    }
    let small =
        format!("GET /_matrix/client/v1/media/thumbnail/riverside.example/{}?width=32&height=32", ids[0]);
    assert_eq!(server.fetch(&small, &amy, None).await.status, 200);
    assert_eq!(bucket.lock().unwrap().objects.len(), 2, "the same content is kept once, and its thumbnail");
    let delete = |id: &str| format!("DELETE /_wardline/admin/v1/media/{id}");
    server.call(&delete(&ids[0]), &zoe, serde_json::Value::Null).await.ok();
    let still = server.fetch(&format!("{DOWNLOAD}/{}", ids[1]), &amy, None).await;
    assert_eq!(still.body, png, "the other file has the same content");
    server.call(&delete(&ids[1]), &zoe, serde_json::Value::Null).await.ok();
    assert!(bucket.lock().unwrap().objects.is_empty());
    assert_eq!(server.fetch(&format!("{DOWNLOAD}/{}", ids[1]), &amy, None).await.status, 404);
}

#[tokio::test]
async fn a_store_that_refuses_leaves_no_row_and_no_file() {
    let (server, bucket) = server().await;
    let amy = server.token("amy").await;
    bucket.lock().unwrap().broken = true;
    let refused = server.send(request("POST /_matrix/media/v3/upload", &amy, Body::from("x"))).await;
    refused.refused(500, "M_UNKNOWN");
    assert!(server.media_files().is_empty());
    let rows = server.store.read_now(|tx| wardline_store::media::used(tx)).unwrap();
    assert_eq!(rows, 0);
}

impl Server {
    /// The files that lie in the folder of media.
    fn media_files(&self) -> Vec<std::path::PathBuf> {
        let folder = self.store.path().with_file_name("media");
        let mut open = vec![folder];
        let mut files = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { files.push(path) }
            }
        }
        files
    }
}
