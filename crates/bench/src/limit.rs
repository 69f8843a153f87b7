//! The limit that our throughput is held against: the HTTP stack of the server accepts the same request and answers when
//! the same bytes are on disk, with one shared fsync for all that wait, and no Matrix in between.

use std::{
    convert::Infallible,
    fs::File,
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use axum::{Json, Router, extract::State, routing};
use bytes::Bytes;
use http::StatusCode;
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tower::ServiceExt as _;

use crate::error::{Error, Result};

/// The file is written beforehand and then over and over, so that an fsync never has to store a new length: the best
/// that any log on this disk can do.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
/// As the server's listener has it.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// As large as a real event id.
const EVENT_ID: &str = "$0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

type Waiting = (Bytes, oneshot::Sender<bool>);

/// Serves until the process is ended.
pub(crate) async fn serve(listen: SocketAddr, file: PathBuf) -> Result<()> {
    if !listen.ip().is_loopback() {
        return Err(Error::NotLoopback(listen));
    }
    let (sender, receiver) = channel();
    let log = prepared(&file).map_err(|error| Error::File(file, error))?;
    std::thread::spawn(move || commit(&log, &receiver));
    let router = Router::new()
        .route("/_matrix/client/versions", routing::get(async || Json(json!({"versions": ["v1.15"]}))))
        .route("/_matrix/client/v3/rooms/{room}/send/{type}/{txn}", routing::put(send))
        .with_state(sender);
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, router.clone()));
    }
}

fn prepared(path: &Path) -> std::io::Result<File> {
    let mut file = File::options().create(true).write(true).truncate(true).open(path)?;
    let block = vec![0; 1024 * 1024];
    for _ in 0..FILE_BYTES / (1024 * 1024) {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    Ok(file)
}

/// Takes whatever waits, writes it, syncs once and answers everybody.
fn commit(log: &File, waiting: &Receiver<Waiting>) {
    let (mut batch, mut answers, mut at) = (Vec::new(), Vec::new(), 0);
    while let Ok(first) = waiting.recv() {
        for (bytes, answer) in std::iter::once(first).chain(waiting.try_iter()) {
            batch.extend_from_slice(&bytes);
            answers.push(answer);
        }
        let length = u64::try_from(batch.len()).unwrap_or(FILE_BYTES);
        if at + length > FILE_BYTES {
            at = 0;
        }
        let stored = log.write_all_at(&batch, at).and_then(|()| log.sync_data()).is_ok();
        at += length;
        batch.clear();
        for answer in answers.drain(..) {
            // Who asked may have gone.
            answer.send(stored).unwrap_or_default();
        }
    }
}

async fn send(
    State(log): State<Sender<Waiting>>,
    axum::extract::Path((_room, _type, _txn)): axum::extract::Path<(String, String, String)>,
    body: Bytes,
) -> std::result::Result<Json<Value>, StatusCode> {
    let (answer, stored) = oneshot::channel();
    log.send((body, answer)).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    match stored.await {
        Ok(true) => Ok(Json(json!({"event_id": EVENT_ID}))),
        _ => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn connection(stream: TcpStream, router: Router) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let answer = router.clone().oneshot(request.map(axum::body::Body::new));
        async move { answer.await as std::result::Result<_, Infallible> }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    // A broken connection is the client's business.
    drop(served.await);
}
