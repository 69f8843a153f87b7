//! `/_matrix/media/…` (upload) and `/_matrix/client/v1/media/…` (download, thumbnail, config).
//! Specification: Client-Server API, "Content repository".
//!
//! Downloads need a token. The old endpoints of `/_matrix/media/v3`, where clients used none, answer those who show
//! one; to everybody else they are frozen: they know no media.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_engine::media::{Content, MediaError, Upload};
use wardline_store::media::ThumbnailBox;

use super::media_headers::{content_disposition, is_inline, range};
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path, Query};

/// The longest that a client may wait for media that was announced but not uploaded, in milliseconds.
const MAX_PATIENCE_MS: u64 = 60_000;

pub(crate) fn routes() -> Router<AppState> {
    let old = Router::new()
        .route("/_matrix/media/v3/download/{serverName}/{mediaId}", get(download))
        .route("/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}", get(download_named))
        .route("/_matrix/media/v3/thumbnail/{serverName}/{mediaId}", get(thumbnail))
        .layer(axum::middleware::from_fn(frozen));
    Router::new()
        .merge(old)
        .route("/_matrix/media/v3/upload", post(upload))
        .route("/_matrix/media/v3/upload/{serverName}/{mediaId}", put(upload_announced))
        .route("/_matrix/media/v1/create", post(create))
        .route("/_matrix/media/v3/config", get(config))
        .route("/_matrix/client/v1/media/config", get(config))
        .route("/_matrix/client/v1/media/download/{serverName}/{mediaId}", get(download))
        .route("/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}", get(download_named))
        .route("/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}", get(thumbnail))
}

/// Knows no media for whoever shows no token.
async fn frozen(request: Request, next: Next) -> Response {
    if crate::extract::bearer(request.headers()).is_none() {
        return MatrixError::not_found("media needs an access token: use /_matrix/client/v1/media")
            .into_response();
    }
    next.run(request).await
}

impl From<MediaError> for MatrixError {
    fn from(error: MediaError) -> Self {
        let text = error.to_string();
        match error {
            MediaError::NotFound => Self::not_found(text),
            MediaError::NotYetUploaded => Self::new(StatusCode::GATEWAY_TIMEOUT, "M_NOT_YET_UPLOADED", text),
            MediaError::TooLarge { .. } | MediaError::PictureTooLarge => Self::too_large(text),
            MediaError::NotAPicture => Self::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", text),
            MediaError::Invalid(_) => Self::invalid_param(text),
            MediaError::NotOwner => Self::forbidden(text),
            MediaError::AlreadyUploaded => Self::new(StatusCode::CONFLICT, "M_CANNOT_OVERWRITE_MEDIA", text),
            // MSC4335, as it is to be when it is stable: what to do about it is on a page of the operator's.
            MediaError::QuotaReached { .. } => {
                Self::new(StatusCode::FORBIDDEN, "M_USER_LIMIT_EXCEEDED", text)
            }
            MediaError::NoRoom => Self::new(StatusCode::INSUFFICIENT_STORAGE, "M_UNKNOWN", text),
            MediaError::TooManyAnnounced => Self::limit_exceeded(60_000),
            MediaError::Store(error) => error.into(),
        }
    }
}

async fn config(State(state): State<AppState>, _: Authenticated) -> Json<Value> {
    Json(json!({ "m.upload.size": state.config.max_upload_bytes }))
}

#[derive(Deserialize)]
struct UploadQuery {
    filename: Option<String>,
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

/// Refuses by `Content-Length` what would not fit, before a byte of it is read.
fn check_length(state: &AppState, headers: &HeaderMap) -> Result<(), MatrixError> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let limit = state.config.max_upload_bytes;
    if length.is_some_and(|length| length > limit) {
        return Err(MediaError::TooLarge { limit }.into());
    }
    Ok(())
}

/// An error of an upload; one about the user's share says where to read about it.
fn refused(state: &AppState, error: MediaError) -> MatrixError {
    let about_share = matches!(error, MediaError::QuotaReached { .. });
    let refused = MatrixError::from(error);
    if !about_share {
        return refused;
    }
    let page = state.config.media_quota_url.as_ref().unwrap_or(&state.config.public_base_url);
    refused.with("info_uri", page.as_str()).with("can_upgrade", false)
}

async fn receive(state: &AppState, mut upload: Upload, body: Body) -> Result<String, MatrixError> {
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|_| MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", "the upload broke off"))?;
        upload.write(&chunk).await?;
    }
    upload.finish().await.map_err(|error| refused(state, error))
}

async fn upload(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, MatrixError> {
    check_length(&state, &headers)?;
    let limit = state.config.max_upload_bytes;
    let upload = state
        .engine
        .media
        .upload(auth.user_nid, content_type(&headers), query.filename, limit)
        .await
        .map_err(|error| refused(&state, error))?;
    let id = receive(&state, upload, body).await?;
    Ok(Json(json!({ "content_uri": format!("mxc://{}/{id}", state.config.server_name) })))
}

async fn upload_announced(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((server, id)): Path<(String, String)>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Empty, MatrixError> {
    check_length(&state, &headers)?;
    let limit = state.config.max_upload_bytes;
    let upload = state
        .engine
        .media
        .upload_announced(auth.user_nid, (&server, &id), content_type(&headers), query.filename, limit)
        .await
        .map_err(|error| refused(&state, error))?;
    receive(&state, upload, body).await?;
    Ok(Empty)
}

async fn create(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let (id, expires) = state.engine.media.announce(auth.user_nid).await?;
    let uri = format!("mxc://{}/{id}", state.config.server_name);
    Ok(Json(json!({ "content_uri": uri, "unused_expires_at": expires })))
}

#[derive(Deserialize)]
struct DownloadQuery {
    timeout_ms: Option<u64>,
}

fn patience(timeout_ms: Option<u64>) -> Duration {
    Duration::from_millis(timeout_ms.unwrap_or(20_000).min(MAX_PATIENCE_MS))
}

async fn download(
    State(state): State<AppState>,
    _: Authenticated,
    Path((server, id)): Path<(String, String)>,
    Query(query): Query<DownloadQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    let content = state.engine.media.download((&server, &id), patience(query.timeout_ms)).await?;
    send(content, &method, &headers).await
}

async fn download_named(
    State(state): State<AppState>,
    _: Authenticated,
    Path((server, id, name)): Path<(String, String, String)>,
    Query(query): Query<DownloadQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    let mut content = state.engine.media.download((&server, &id), patience(query.timeout_ms)).await?;
    content.name = Some(name);
    send(content, &method, &headers).await
}

#[derive(Deserialize)]
struct ThumbnailQuery {
    width: u32,
    height: u32,
    #[serde(default)]
    method: Fit,
    timeout_ms: Option<u64>,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Fit {
    #[default]
    Scale,
    Crop,
}

async fn thumbnail(
    State(state): State<AppState>,
    _: Authenticated,
    Path((server, id)): Path<(String, String)>,
    Query(query): Query<ThumbnailQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    let wanted = ThumbnailBox { width: query.width, height: query.height, crop: query.method == Fit::Crop };
    let patience = patience(query.timeout_ms);
    send(state.engine.media.thumbnail((&server, &id), wanted, patience).await?, &method, &headers).await
}

/// Streams a file, or the part of it that `Range` asks for, so that no browser runs anything in it.
async fn send(content: Content, method: &Method, request: &HeaderMap) -> Result<Response, MatrixError> {
    let inline = is_inline(&content.content_type);
    let content_type = if inline { &content.content_type } else { "application/octet-stream" };
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, max-age=86400, immutable"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; \
             style-src 'unsafe-inline'; object-src 'self';",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let disposition = content_disposition(inline, content.name.as_deref());
    for (name, value) in [(header::CONTENT_TYPE, content_type), (header::CONTENT_DISPOSITION, &disposition)] {
        headers.insert(name, HeaderValue::from_str(value).map_err(|error| MatrixError::internal(&error))?);
    }

    let wanted = request.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, part) = match range(wanted, content.size) {
        Ok(None) => (StatusCode::OK, 0..content.size),
        Ok(Some(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Err(()) => {
            headers.insert(header::CONTENT_RANGE, range_header(&format!("bytes */{}", content.size))?);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), content.size);
        headers.insert(header::CONTENT_RANGE, range_header(&text)?);
    }
    let length = part.end - part.start;
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    // Nothing is read for whoever asks about the headers only.
    let body =
        if *method == Method::HEAD { Body::empty() } else { Body::from_stream(content.stream(part).await?) };
    Ok((status, headers, body).into_response())
}

fn range_header(text: &str) -> Result<HeaderValue, MatrixError> {
    HeaderValue::from_str(text).map_err(|error| MatrixError::internal(&error))
}
