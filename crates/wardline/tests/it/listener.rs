//! What the listener allows, and how it stops.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::ConnectInfo,
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use wardline_server::listener::{Limits, serve};

const LIMITS: Limits = Limits { connections: 2, header_bytes: 8192, header_time: Duration::from_millis(200) };

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    ended: JoinHandle<()>,
    /// `/slow` adds a permit when it has begun, and waits for one of `release`.
    begun: Arc<Semaphore>,
    release: Arc<Semaphore>,
}

async fn served() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begun, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (begins, released) = (Arc::clone(&begun), Arc::clone(&release));
    let router = Router::new()
        .route("/who", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
        .route(
            "/slow",
            get(|| async move {
                begins.add_permits(1);
                released.acquire().await.unwrap().forget();
                "done"
            }),
        )
        .route("/_matrix/client/v3/sync", get(news))
        .route("/take", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
        .route("/much", get(|| async { vec![b'x'; 64 << 20] }));
    let stop = CancellationToken::new();
    let ended = tokio::spawn(serve(listener, router, LIMITS, stop.clone()));
    Served { address, stop, ended, begun, release }
}

/// Answers with the address of the client and what it asked.
async fn news(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> String {
    format!("{} {}", peer.ip(), query.unwrap_or_default())
}

/// Sends `text` on a new connection and reads until the server closes it.
fn exchange(address: SocketAddr, text: String) -> JoinHandle<String> {
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_know_the_peer() {
    let served = served().await;
    let answer =
        exchange(served.address, "GET /who HTTP/1.1\r\nconnection: close\r\n\r\n".into()).await.unwrap();
    assert!(answer.contains("127.0.0.1:"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_sent_head_and_an_idle_connection_are_closed() {
    let served = served().await;
    exchange(served.address, "GET /who HTTP/1.1\r\nx-half: ".into()).await.unwrap();
    let answer = exchange(served.address, "GET /who HTTP/1.1\r\nhost: x\r\n\r\n".into()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_beyond_the_limit_is_refused() {
    let served = served().await;
    let many: String = (0..101).map(|n| format!("x-{n}: y\r\n")).collect();
    for fields in [format!("x-long: {}\r\n", "y".repeat(7900)), many] {
        let request = format!("GET /who HTTP/1.1\r\n{fields}x-more: {}\r\n\r\n", "y".repeat(400));
        let answer = exchange(served.address, request).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_limit_waits_for_its_turn() {
    let served = served().await;
    let slow = || exchange(served.address, "GET /slow HTTP/1.1\r\nconnection: close\r\n\r\n".into());
    let (first, second) = (slow(), slow());
    served.begun.acquire_many(2).await.unwrap().forget();
    let third = exchange(served.address, "GET /who HTTP/1.1\r\nconnection: close\r\n\r\n".into());
    assert!(!third.is_finished());
    served.release.add_permits(2);
    for answer in [first.await, second.await, third.await] {
        assert!(answer.unwrap().starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_is_in_flight_and_takes_nothing_new() {
    let served = served().await;
    let answer = exchange(served.address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n".into());
    served.begun.acquire().await.unwrap().forget();
    served.stop.cancel();
    served.release.add_permits(1);
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    served.ended.await.unwrap();
    assert!(TcpStream::connect(served.address).is_err());
}

/// A body that is promised and does not come, and an answer that is not fetched, end their connections and free
/// their places for others.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_and_an_answer_that_is_not_fetched_end_the_connection() {
    let served = served().await;
    let promised = "POST /take HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    let answer = exchange(served.address, promised).await.unwrap();
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");

    let unread: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = TcpStream::connect(served.address).unwrap();
            stream.write_all(b"GET /much HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            stream
        })
        .collect();
    // Both places are taken by those who do not read; the third is answered when they are thrown out.
    let answer = exchange(served.address, "GET /who HTTP/1.1\r\nconnection: close\r\n\r\n".into());
    assert!(answer.await.unwrap().starts_with("HTTP/1.1 200"));
    drop(unread);
}

/// A connection that asks for news has no general HTTP connection yet: what it asks next is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn news_and_everything_else_share_a_connection() {
    let served = served().await;
    let (news, other) =
        ("GET /_matrix/client/v3/sync?since=1 HTTP/1.1\r\nhost: x\r\n\r\n", "GET /who HTTP/1.1\r\n");
    let ended = format!("{other}connection: close\r\n\r\n");
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(served.address).unwrap();
        for _ in 0..2 {
            stream.write_all(news.as_bytes()).unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"127.0.0.1 since=1") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                answer.push(byte[0]);
            }
            let head = String::from_utf8(answer).unwrap();
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
            assert!(head.contains("content-length: 17\r\n") && head.contains("\r\ndate: "), "{head}");
        }
        stream.write_all(ended.as_bytes()).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        rest
    });
    let rest = asked.await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200") && rest.contains("127.0.0.1:"), "{rest}");
}

/// Requests that come at once are answered in their order; one that comes in pieces is answered too.
#[tokio::test(flavor = "multi_thread")]
async fn news_in_a_heap_and_in_pieces() {
    let served = served().await;
    let ask =
        |since: u32, more: &str| format!("GET /_matrix/client/v3/sync?since={since} HTTP/1.1\r\n{more}\r\n");
    let heap = ask(1, "") + &ask(2, "") + &ask(3, "connection: close\r\n");
    let answer = exchange(served.address, heap).await.unwrap();
    let places = [1, 2, 3].map(|since| answer.find(&format!("since={since}")).unwrap());
    assert!(places.is_sorted(), "{answer}");

    let whole = ask(4, "connection: close\r\n");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(served.address).unwrap();
        let (begin, end) = whole.split_at(20);
        stream.write_all(begin.as_bytes()).unwrap();
        stream.write_all(end.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    assert!(answer.await.unwrap().contains("since=4"));
}
