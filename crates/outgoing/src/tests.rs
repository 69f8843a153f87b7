use std::net::IpAddr;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;

/// A server that answers `/` with ten bytes and `/away` with a redirect to it. Returns its port.
async fn server() -> u16 {
    let app = Router::new()
        .route("/", get(|| async { "0123456789" }))
        .route("/away", get(|| async { axum::response::Redirect::to("/") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

fn request(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).expect("a request")
}

fn open() -> Outgoing {
    let networks =
        Networks { allowed: vec!["127.0.0.0/8".parse().expect("a network")], ..Networks::default() };
    Outgoing::new(OutgoingConfig { networks, ..OutgoingConfig::default() }).expect("a client")
}

#[tokio::test]
async fn loopback_is_refused_by_default_however_it_is_written() {
    let port = server().await;
    let client = Outgoing::new(OutgoingConfig::default()).expect("a client");
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "[64:ff9b::7f00:1]",
    ] {
        let answer = client.send(request(&format!("http://{host}:{port}/")), 100).await;
        assert!(matches!(answer, Err(OutgoingError::Refused(_))), "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn an_allowed_network_is_reached_and_redirects_are_not_followed() {
    let port = server().await;
    let answer = open().send(request(&format!("http://localhost:{port}/")), 10).await.expect("an answer");
    assert_eq!(answer.body().as_ref(), b"0123456789");
    let answer = open().send(request(&format!("http://127.0.0.1:{port}/away")), 10).await.expect("an answer");
    assert_eq!(answer.status(), http::StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error() {
    let port = server().await;
    let answer = open().send(request(&format!("http://127.0.0.1:{port}/")), 9).await;
    assert!(matches!(answer, Err(OutgoingError::TooLong { limit: 9 })));
}

#[tokio::test]
async fn only_http_addresses_are_taken() {
    for url in ["ftp://example.org/", "/relative"] {
        let answer = open().send(request(url), 9).await;
        assert!(matches!(answer, Err(OutgoingError::Address)), "{url}: {answer:?}");
    }
}

#[test]
fn a_private_network_is_allowed_unless_denied() {
    let address = IpAddr::from([10, 1, 2, 3]);
    assert!(Networks::default().allow(address));
    let mut networks = Networks::default();
    networks.denied.push("10.0.0.0/8".parse().expect("a network"));
    assert!(!networks.allow(address));
    networks.allowed.push("10.1.2.3/32".parse().expect("a network"));
    assert!(networks.allow(address));
}
