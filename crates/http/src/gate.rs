//! What surrounds every route, in one layer: each further one would cost every request allocations of its own.
//!
//! Odd paths are refused, as is what comes when all places are taken; panics are answered, cross-origin requests allowed (Client-Server API, "Web Browser Clients"), and
//! every answer gets the headers that keep it out of caches and out of the hands of content sniffers.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{DefaultBodyLimit, Request},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tower::{Layer, Service};

use crate::{
    MatrixError,
    admission::{self, Admission},
};

/// What a browser may send to us from anywhere, and read of the answer.
const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,PUT,DELETE,PATCH,OPTIONS");
const HEADERS: HeaderValue =
    HeaderValue::from_static("x-requested-with,content-type,authorization,if-match,if-none-match,dpop");
const EXPOSED: HeaderValue =
    HeaderValue::from_static("etag,location,retry-after,www-authenticate,dpop-nonce");
const VARY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Puts a [`Gated`] around a route.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// Who is let in.
    pub(crate) admission: Arc<Admission>,
    /// The largest JSON body of a route that does not set its own limit.
    pub(crate) max_json: usize,
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: self.clone() }
    }
}

/// A route behind the gate.
#[derive(Clone, Debug)]
pub(crate) struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl<S> Service<Request> for Gated<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if request.method() == Method::OPTIONS {
            return std::future::ready(Ok(preflight())).boxed();
        }
        if request.uri().path().split('/').any(is_trick) {
            let refused = MatrixError::invalid_param("path: not an acceptable path").into_response();
            return std::future::ready(Ok(finished(refused))).boxed();
        }
        let place = match self.gate.admission.admit(&request) {
            Ok(place) => place,
            Err(error) => {
                let refused = admission::refusal(request.uri().path(), error);
                return std::future::ready(Ok(finished(refused))).boxed();
            }
        };
        DefaultBodyLimit::max(self.gate.max_json).apply(&mut request);
        // Combinators instead of an `async` block, which would hold the request once more for as long as it is answered:
        // thousands of long polls wait at a time.
        let answer = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let finish = |answer: Result<_, _>| finished(answer.map_or_else(|_| panicked(), |Ok(answer)| answer));
        answer
            .map(move |answer| {
                drop(place);
                Ok(finish(answer))
            })
            .boxed()
    }
}

/// Whether a segment of a path, once decoded, is `.` or `..` or carries control characters or bytes that are not
/// UTF-8. No identifier has such a form, so whoever sends one is probing.
fn is_trick(segment: &str) -> bool {
    if !segment.contains('%') {
        return segment == "." || segment == ".." || segment.chars().any(char::is_control);
    }
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
    decoded.map_or(true, |s| s == "." || s == ".." || s.chars().any(char::is_control))
}

/// A panic in a handler is a bug; the client still gets an answer and the connection lives on.
fn panicked() -> Response {
    tracing::error!("a handler panicked");
    MatrixError::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", "internal server error").into_response()
}

/// The answer to a browser that asks what it may send.
fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, A_DAY);
    allow_origin(headers);
    response
}

fn allow_origin(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.append(header::VARY, VARY);
}

fn finished(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.reserve(5);
    // A shared ward computer must not keep answers; what may be cached (media) says so itself.
    unless_present(headers, header::CACHE_CONTROL, "no-store");
    unless_present(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    allow_origin(headers);
    response
}

fn unless_present(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
