//! What surrounds the whole server, in one layer, as each costs every request: the web app answers every path that is not
//! an API's; requests to the APIs are logged.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use tower::{Layer, Service};
use wardline_domain::Clock;

use crate::{log::Asked, web};

/// Puts an [`Edged`] around a route.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) clock: Arc<dyn Clock>,
}

impl<S> Layer<S> for Edge {
    type Service = Edged<S>;

    fn layer(&self, inner: S) -> Edged<S> {
        Edged { inner, clock: Arc::clone(&self.clock) }
    }
}

/// A route behind the edge.
#[derive(Clone)]
pub(super) struct Edged<S> {
    inner: S,
    clock: Arc<dyn Clock>,
}

impl<S> Service<Request> for Edged<S>
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

    fn call(&mut self, request: Request) -> Self::Future {
        let path = request.uri().path();
        if !web::is_api(path) {
            let answer = web::answer(request.method(), path, request.headers());
            return std::future::ready(Ok(answer)).boxed();
        }
        let asked = Asked::now(Arc::clone(&self.clock), &request);
        // No `async` block, which would hold the request for as long as it is answered.
        self.inner.call(request).inspect_ok(move |answer| asked.answered(answer)).boxed()
    }
}
