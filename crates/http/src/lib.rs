//! Every HTTP route: parse, authorise, call one function, answer.
//!
//! - `client`: the Matrix Client-Server API, one file per endpoint family, named as the specification's chapter.
//! - `admin`: the administration API.
//! - `fhir`: the FHIR R4 API.
//! - `scim`: provisioning by the organisation's identity system.
//! - `oauth`: the OAuth 2.0 authorisation server, its sign-in pages and the account page.
//!
//! **Architecture invariant:** only this crate (and the gateway's edge) knows status codes and JSON bodies of
//! the public APIs.
//!
//! The listener's limits (header size, header read time, idle time) are not here: they belong to the
//! `wardline` crate, which owns the sockets.

mod admin;
mod admission;
mod app_service;
mod client;
mod error;
mod extract;
mod fhir;
mod gate;
mod json;
mod limits;
mod metrics;
mod oauth;
mod scim;
mod server_keys;
mod state;
mod uia;

pub use admin::openapi as admin_openapi;
pub use admission::Places;
pub use client::{AppLock, AppPolicy};
pub use error::MatrixError;
pub use extract::{Anybody, Authenticated, ClientAddr, Path, Query};
pub use json::{Empty, Json, OptionalJson, RawJson, parse_object};
pub use limits::{Bucket, LimitKey, RateLimiter};
pub use state::{AppState, HttpConfig, Publishers, SupportConfig, SupportContact, TurnConfig, UserDirectory};

use std::sync::Arc;

use axum::Router;
use http::StatusCode;

use gate::Gate;

/// All routes of the server over `state`.
///
/// Unknown endpoints answer 404 and wrong methods 405, both `M_UNRECOGNIZED`. Cross-origin requests are
/// allowed as the Matrix specification ("Web Browser Clients") asks. JSON bodies are limited to
/// [`HttpConfig::max_json_bytes`]; a route that takes more sets its own `DefaultBodyLimit`. More requests at once than
/// [`HttpConfig::places`] are answered 429 `M_LIMIT_EXCEEDED`.
pub fn router(state: AppState) -> Router {
    let gate = Gate {
        admission: Arc::new(admission::Admission::new(&state)),
        max_json: state.config.max_json_bytes,
    };
    Router::new()
        .merge(client::routes())
        .merge(admin::routes())
        .merge(fhir::routes())
        .merge(metrics::routes())
        .merge(oauth::routes(&state))
        .merge(scim::routes())
        .merge(server_keys::routes())
        .fallback(async || MatrixError::unrecognized(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || MatrixError::unrecognized(StatusCode::METHOD_NOT_ALLOWED))
        .layer(gate)
        .with_state(state)
}
