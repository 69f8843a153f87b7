//! How many requests are worked on at once: what comes beyond is told to come back, instead of filling the memory.
//!
//! A request is of one of four kinds, each with places of its own, so that none can starve another: the long polls,
//! which mostly wait; uploads, which last as long as their senders take; downloads, which wait for pictures to be made
//! smaller; and everything else.

use std::sync::Arc;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::extract::charge_stranger;
use crate::{AppState, HttpConfig, MatrixError, RateLimiter, fhir};

/// When somebody who was turned away shall ask again, in milliseconds.
const RETRY_MS: u64 = 1000;

/// How many requests of each kind are worked on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// Ordinary requests.
    pub requests: usize,
    /// Requests for news (`/sync`), waiting ones included.
    pub long_polls: usize,
    /// Uploads of media.
    pub uploads: usize,
    /// Downloads of media and thumbnails, until they begin to flow.
    pub downloads: usize,
}

impl Default for Places {
    /// 1024 requests, 20,000 long polls, 64 uploads, 256 downloads.
    fn default() -> Self {
        Self { requests: 1024, long_polls: 20_000, uploads: 64, downloads: 256 }
    }
}

/// The places of a running server.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    requests: Arc<Semaphore>,
    long_polls: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    downloads: Arc<Semaphore>,
    limiter: Arc<RateLimiter>,
    config: Arc<HttpConfig>,
}

impl Admission {
    pub(crate) fn new(state: &AppState) -> Self {
        let places = state.config.places;
        let make = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self {
            requests: make(places.requests),
            long_polls: make(places.long_polls),
            uploads: make(places.uploads),
            downloads: make(places.downloads),
            limiter: Arc::clone(&state.limiter),
            config: Arc::clone(&state.config),
        }
    }

    /// A place for a request, to be held until its answer is ready.
    ///
    /// # Errors
    /// 429 with `Retry-After` if all places are taken, or if its address has asked too much without credentials.
    pub(crate) fn admit(&self, request: &Request) -> Result<OwnedSemaphorePermit, MatrixError> {
        let path = request.uri().path();
        let places = if path.ends_with("/sync") || path.ends_with("/$board") {
            &self.long_polls
        } else if path.starts_with("/_matrix/media/") || path.starts_with("/_matrix/client/v1/media/") {
            if request.method() == Method::GET { &self.downloads } else { &self.uploads }
        } else {
            &self.requests
        };
        let taken = |_| MatrixError::limit_exceeded(RETRY_MS);
        let place = Arc::clone(places).try_acquire_owned().map_err(taken)?;
        charge_stranger(&self.limiter, &self.config, request)?;
        Ok(place)
    }
}

/// The answer to a request for `path` that is not let in.
pub(crate) fn refusal(path: &str, error: MatrixError) -> Response {
    if path.starts_with("/fhir/") { fhir::refusal(error) } else { error.into_response() }
}
