//! Every HTTP route: parse, authorise, call one function, answer.
//!
//! - `client`: the Matrix Client-Server API, one file per endpoint family, named as the specification's chapter.
//! - `fhir`: the FHIR R4 API.
//! - `oauth`: the OAuth 2.0 authorisation server, its sign-in pages and the account page.
//!
//! **Architecture invariant:** only this crate (and the gateway's edge) knows status codes and JSON bodies of
//! the public APIs.
//!
//! The listener's limits (header size, header read time, idle time) are not here: they belong to the
//! `wardline` crate, which owns the sockets.

mod client;
mod error;
mod extract;
mod fhir;
mod json;
mod limits;
mod oauth;
mod state;
mod uia;

pub use error::MatrixError;
pub use extract::{Authenticated, ClientAddr, Path, Query};
pub use json::{Empty, Json, OptionalJson, RawJson, parse_object};
pub use limits::{Bucket, LimitKey, RateLimiter};
pub use state::{AppState, HttpConfig, TurnConfig};

use std::{panic::AssertUnwindSafe, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, Method, StatusCode, header};
use tower_http::{cors::CorsLayer, set_header::SetResponseHeaderLayer};

/// All routes of the server over `state`.
///
/// Unknown endpoints answer 404 and wrong methods 405, both `M_UNRECOGNIZED`. Cross-origin requests are
/// allowed as the Matrix specification ("Web Browser Clients") asks. JSON bodies are limited to
/// [`HttpConfig::max_json_bytes`]; a route that takes more sets its own `DefaultBodyLimit`.
pub fn router(state: AppState) -> Router {
    let max_json = state.config.max_json_bytes;
    Router::new()
        .merge(client::routes())
        .merge(fhir::routes())
        .merge(oauth::routes())
        .fallback(async || MatrixError::unrecognized(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || MatrixError::unrecognized(StatusCode::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(max_json))
        .layer(from_fn(refuse_path_tricks))
        .layer(from_fn(answer_panics))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        // A shared ward computer must not keep answers; what may be cached (media) says so itself.
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(cors())
        .with_state(state)
}

/// Specification: Client-Server API, "Web Browser Clients".
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
        ])
        .allow_headers([
            header::HeaderName::from_static("x-requested-with"),
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER])
        .max_age(Duration::from_hours(24))
}

/// Refuses paths whose segments, once decoded, are `.` or `..` or carry control characters or bytes that are
/// not UTF-8. No identifier has such a form, so whoever sends one is probing.
async fn refuse_path_tricks(request: Request, next: Next) -> Response {
    let is_trick = |segment: &str| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        decoded.map_or(true, |s| s == "." || s == ".." || s.chars().any(char::is_control))
    };
    if request.uri().path().split('/').any(is_trick) {
        return MatrixError::invalid_param("path: not an acceptable path").into_response();
    }
    next.run(request).await
}

/// A panic in a handler is a bug; the client still gets an answer and the connection lives on.
async fn answer_panics(request: Request, next: Next) -> Response {
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a handler panicked");
            MatrixError::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", "internal server error")
                .into_response()
        }
    }
}
