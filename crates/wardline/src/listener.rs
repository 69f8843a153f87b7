//! The HTTP listener: connections with limits, and a shutdown that answers what is in flight.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, response::Response};
use futures_util::TryFutureExt as _;
use http::{HeaderValue, header};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    long_poll,
    slow::{PacedBody, PacedStream},
    tls::Tls,
};

/// How many header fields a request may have.
const MOST_HEADERS: usize = 100;
/// How long a stop waits for answers in flight before it closes their connections.
const GRACE: Duration = Duration::from_secs(4);
/// The first byte of a TLS connection: a handshake record. No HTTP method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;
/// How long after the stop an idle connection is kept for a request that is on its way.
const ON_THEIR_WAY: Duration = Duration::from_millis(500);
/// The pause after the operating system refused a connection for want of file handles.
const BREATHER: Duration = Duration::from_millis(50);

/// What one listener allows.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections open at once; more wait in the operating system's queue.
    pub connections: usize,
    /// Largest request head (request line and header fields), in bytes. At least 8192.
    pub header_bytes: usize,
    /// How long a client may take to send a request head, counted from the opening of the connection or from
    /// the answer before; so it is the idle time of a kept-alive connection too.
    pub header_time: Duration,
}

/// Accepts connections on `listener` and answers them with `router` until `stop` is cancelled. Then no new
/// connection is taken, requests on their way and in flight are answered, idle connections close half a second later, and
/// after four seconds the rest is cut.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    serve_tls(listener, router, limits, None, stop).await;
}

/// [`serve`], and with `tls` also HTTPS on the same port: what a client wants shows in its first byte.
pub async fn serve_tls(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let open = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else { continue };
        let (router, tls, stop, cut) = (router.clone(), tls.clone(), stop.clone(), cut.clone());
        open.spawn(async move {
            // Made in here: a future that is moved into the task would take its room there twice.
            tokio::select! {
                () = connection(stream, peer, router, limits, tls, stop) => {}
                () = cut.cancelled() => {}
            }
            drop(slot);
        });
    }
    drop(listener);
    open.close();
    if timeout(GRACE, open.wait()).await.is_err() {
        tracing::warn!(connections = open.len(), "closing connections that did not finish in time");
        cut.cancel();
        open.wait().await;
    }
}

/// The next connection, once there is a slot for it. `None` when the operating system refused to give it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, slot)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "accept");
            tokio::time::sleep(BREATHER).await;
            None
        }
    }
}

/// An answer that is given while the server stops says that its connection ends with it, so that the client asks
/// again on another one.
pub(crate) fn last_if_stopping(mut answer: Response, stop: &CancellationToken) -> Response {
    if stop.is_cancelled() {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// Resolves a moment after the stop: a request that is on its way to us is still taken.
pub(crate) async fn stopped(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(ON_THEIR_WAY).await;
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    tls: Option<Tls>,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "TCP_NODELAY");
    }
    match tls {
        // In a box: what TLS needs must not make every other connection larger.
        Some(tls) => Box::pin(perhaps_encrypted(stream, peer, router, limits, tls, stop)).await,
        None => open(stream, peer, router, limits, stop).await,
    }
}

/// A connection without encryption. As long as it asks for nothing but news it has no buffers.
async fn open(stream: TcpStream, peer: SocketAddr, router: Router, limits: Limits, stop: CancellationToken) {
    if let Some(stream) = long_poll::serve(stream, peer, &router, limits.header_time, &stop).await {
        Box::pin(answer(stream, peer, router, limits, stop)).await;
    }
}

/// A connection on a port that speaks HTTP and HTTPS.
async fn perhaps_encrypted(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    tls: Tls,
    stop: CancellationToken,
) {
    let greeting = async {
        let mut first = [0];
        let seen = stream.peek(&mut first).await?;
        Ok::<_, std::io::Error>(seen == 1 && first[0] == TLS_HANDSHAKE)
    };
    let is_tls = tokio::select! {
        is_tls = timeout(limits.header_time, greeting) => is_tls,
        () = stopped(&stop) => return,
    };
    match is_tls {
        Ok(Ok(true)) => match timeout(limits.header_time, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => answer(stream, peer, router, limits, stop).await,
            Ok(Err(error)) => tracing::debug!(error = &error as &dyn std::error::Error, "TLS handshake"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
        Ok(Ok(false)) => open(stream, peer, router, limits, stop).await,
        Ok(Err(_)) | Err(_) => tracing::debug!("a connection without a word"),
    }
}

/// Answers the requests of one connection.
async fn answer<S>(stream: S, peer: SocketAddr, router: Router, limits: Limits, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answering = stop.clone();
    let service = tower::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let request = request.map(|body| axum::body::Body::new(PacedBody::new(body, limits.header_time)));
        let stop = answering.clone();
        // Not an `async` block: it would hold the answering twice.
        router.clone().oneshot(request).map_ok(move |answer| last_if_stopping(answer, &stop))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(MOST_HEADERS)
        .max_header_size(limits.header_bytes)
        .serve_connection(
            TokioIo::new(PacedStream::new(stream, limits.header_time)),
            TowerToHyperService::new(service),
        );
    tokio::pin!(connection);
    let ended = tokio::select! {
        () = stopped(&stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        ended = connection.as_mut() => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "connection");
    }
}
