//! Logs: to standard error, with routes and ids only.

use std::{
    io::{IsTerminal as _, stderr},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use tracing_subscriber::{EnvFilter, filter::ParseError};
use wardline_domain::Clock;

use crate::config::Log;

/// The filter that `level` describes.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::try_new(level)
}

/// Starts logging to standard error. A second call changes nothing.
///
/// # Errors
/// When `log.level` is not a filter.
pub fn start(log: &Log) -> Result<(), ParseError> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level)?)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    let started = if log.json { lines.json().try_init() } else { lines.try_init() };
    drop(started);
    Ok(())
}

/// One line a request: method, route, status, milliseconds. The route is the pattern and never the path: paths
/// hold ids and file names, queries hold search terms, bodies hold words.
pub(crate) async fn request(clock: Arc<dyn Clock>, request: Request, next: Next) -> Response {
    let began = clock.now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let status = response.status().as_u16();
    let millis = clock.now().millis_since(began);
    if response.status().is_server_error() {
        tracing::error!(%method, route, status, millis, "request");
    } else {
        tracing::debug!(%method, route, status, millis, "request");
    }
    response
}
