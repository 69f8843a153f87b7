//! Logs: to standard error, with routes and ids only.

use std::{
    io::{IsTerminal as _, stderr},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::Method;
use tracing_subscriber::{EnvFilter, filter::ParseError};
use wardline_domain::{Clock, Timestamp};

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

/// A request that is being answered. It becomes one line: method, route, status, milliseconds. The route is the pattern and
/// never the path: paths hold ids and file names, queries hold search terms, bodies hold words.
pub(crate) struct Asked {
    clock: Arc<dyn Clock>,
    began: Timestamp,
    method: Method,
    route: Option<MatchedPath>,
}

impl Asked {
    /// A request that comes now.
    pub(crate) fn now(clock: Arc<dyn Clock>, request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        Self { began: clock.now(), clock, method: request.method().clone(), route }
    }

    /// Writes the line.
    pub(crate) fn answered(&self, response: &Response) {
        let (method, route) = (&self.method, self.route.as_ref().map_or("-", MatchedPath::as_str));
        let status = response.status().as_u16();
        let millis = self.clock.now().millis_since(self.began);
        if response.status().is_server_error() {
            tracing::error!(%method, route, status, millis, "request");
        } else {
            tracing::debug!(%method, route, status, millis, "request");
        }
    }
}
