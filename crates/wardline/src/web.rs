//! The embedded web app: files out of `web/dist`, compressed at build time, with a strict content policy.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use rust_embed::Embed;

/// Only what the app itself ships may run, load or connect; nothing may frame it. `wasm-unsafe-eval` is for the
/// Matrix crypto module, `blob:` for decrypted pictures and sound. No text becomes script: the one policy of Trusted
/// Types, `wardline`, lets only addresses of our own files through.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    connect-src 'self'; img-src 'self' blob: data:; media-src blob:; style-src 'self'; font-src 'self'; \
    manifest-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
    require-trusted-types-for 'script'; trusted-types wardline";

/// Headers of every answer of the web app.
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "geolocation=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

const NOT_BUILT: &str = "The web app is not part of this build. Build it with `npm ci && npm run build` in web/, \
                         then build or start wardline again.\n";

/// `web/dist` as the web build left it. A release holds the files; a debug build reads them from disk.
#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
struct Dist;

/// One file: its bytes and their SHA-256.
struct File {
    data: Cow<'static, [u8]>,
    hash: [u8; 32],
}

fn embedded(name: &str) -> Option<File> {
    Dist::get(name).map(|file| File { hash: file.metadata.sha256_hash(), data: file.data })
}

/// Whether `path` belongs to the APIs rather than to the web app.
pub(crate) fn is_api(path: &str) -> bool {
    path == "/metrics"
        || ["/_", "/fhir", "/.well-known", "/oauth/", "/account", "/scim/"]
            .iter()
            .any(|prefix| path.starts_with(prefix))
}

/// Answers `path` from the embedded files; a page that is no file gets `index.html`, whose script knows the route.
pub(crate) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response {
    answer_from(embedded, method, path, headers)
}

fn answer_from(
    get: impl Fn(&str) -> Option<File>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return secured((StatusCode::METHOD_NOT_ALLOWED, allow).into_response());
    }
    let name = path.trim_start_matches('/');
    let found = Some(name).filter(|name| !name.is_empty()).and_then(|name| Some((name, get(name)?)));
    let (name, file) = match found {
        Some(found) => found,
        None if accepts_page(headers, name) => match get("index.html") {
            Some(index) => ("index.html", index),
            None => return secured((StatusCode::NOT_FOUND, NOT_BUILT).into_response()),
        },
        None => return secured((StatusCode::NOT_FOUND, "Not found\n").into_response()),
    };
    let (encoding, file) = compressed(get, name, headers).map_or((None, file), |(e, f)| (Some(e), f));
    secured(file_answer(name, file, encoding, method, headers))
}

fn file_answer(
    name: &str,
    file: File,
    encoding: Option<&'static str>,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    // The hash is of the bytes sent, so each encoding has its own tag, as RFC 9110 section 8.8.3 wants it.
    let tag = format!("\"{}\"", hex::encode(&file.hash[..16]));
    // Names under assets/ carry a hash of their content.
    let caching =
        if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let fresh = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let length = file.data.len();
        let body = if method == Method::HEAD { Body::empty() } else { body(file.data) };
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let fields = response.headers_mut();
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        fields.insert(header::ETAG, tag);
    }
    response
}

fn body(data: Cow<'static, [u8]>) -> Body {
    Body::from(match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    })
}

/// The best precompressed twin of `name` that the client takes (RFC 9110 section 12.5.3; a weight of 0 refuses).
fn compressed(
    get: impl Fn(&str) -> Option<File>,
    name: &str,
    headers: &HeaderMap,
) -> Option<(&'static str, File)> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    let takes = |coding: &str| {
        accepted.split(',').any(|item| {
            let (token, weight) = item.split_once(';').unwrap_or((item, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
            token.trim().eq_ignore_ascii_case(coding) && !refused
        })
    };
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(coding, _)| takes(coding))
        .find_map(|(coding, extension)| Some((coding, get(&format!("{name}.{extension}"))?)))
}

/// A navigation asks for HTML, and its last segment is no file name.
fn accepts_page(headers: &HeaderMap, name: &str) -> bool {
    let html = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"));
    html && name.rsplit('/').next().is_none_or(|last| !last.contains('.'))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn secured(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(name: &str) -> Option<File> {
        let text = match name {
            "index.html" => "<page>",
            "assets/app-1a2b.js" => "script",
            "assets/app-1a2b.js.br" => "br",
            "assets/app-1a2b.js.gz" => "gz",
            "assets/crypto.wasm" => "wasm",
            _ => return None,
        };
        let mut hash = [0; 32];
        hash[..text.len()].copy_from_slice(text.as_bytes());
        Some(File { data: Cow::Borrowed(text.as_bytes()), hash })
    }

    fn get(path: &str, fields: &[(&'static str, &'static str)]) -> Response {
        let headers = fields
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        answer_from(built, &Method::GET, path, &headers.collect())
    }

    fn field<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn the_best_accepted_encoding_is_sent() {
        for (accepts, expected) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip;q=0.5, br;q=0", "gzip"),
            ("GZIP", "gzip"),
            ("identity", ""),
        ] {
            let response = get("/assets/app-1a2b.js", &[("accept-encoding", accepts)]);
            assert_eq!(field(&response, "content-encoding"), expected, "{accepts}");
            assert_eq!(field(&response, "content-type"), "text/javascript; charset=utf-8");
            assert_eq!(field(&response, "vary"), "accept-encoding");
        }
        let response = get("/assets/crypto.wasm", &[("accept-encoding", "br")]);
        assert_eq!((field(&response, "content-encoding"), field(&response, "content-length")), ("", "4"));
        assert_eq!(field(&response, "content-type"), "application/wasm");
    }

    #[test]
    fn hashed_names_are_immutable_and_the_page_is_asked_for_again() {
        assert!(field(&get("/assets/app-1a2b.js", &[]), "cache-control").contains("immutable"));
        let page = get("/", &[]);
        assert_eq!(field(&page, "cache-control"), "no-cache");
        let tag: &'static str = field(&page, "etag").to_owned().leak();
        assert_eq!(get("/", &[("if-none-match", tag)]).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/", &[("if-none-match", "\"other\"")]).status(), StatusCode::OK);
    }

    #[test]
    fn routes_of_the_app_are_the_page_and_missing_files_are_missing() {
        let html = [("accept", "text/html,application/xhtml+xml")];
        assert_eq!(field(&get("/patients/5d0c", &html), "content-type"), "text/html; charset=utf-8");
        assert_eq!(get("/assets/gone.js", &html).status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/patients", &[("accept", "application/json")]).status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/../Cargo.toml", &html).status(), StatusCode::NOT_FOUND);
        let post = answer_from(built, &Method::POST, "/", &HeaderMap::new());
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn every_answer_has_the_policy() {
        for path in ["/", "/assets/app-1a2b.js", "/assets/gone.js"] {
            assert!(field(&get(path, &[]), "content-security-policy").starts_with("default-src 'none'"));
        }
    }

    #[test]
    fn without_a_web_build_the_page_says_how_to_make_one() {
        let none = |_: &str| None;
        let response = answer_from(none, &Method::GET, "/", &HeaderMap::new());
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
}
