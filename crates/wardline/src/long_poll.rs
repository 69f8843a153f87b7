//! Connections that wait for news (`GET …/sync`), answered with as little memory as can be.
//!
//! In a hospital thousands of devices wait at a time, and a general HTTP connection keeps sixteen kilobytes of buffers for
//! each. While a client asks for nothing but news, its requests are taken off the socket whole and its answers are written
//! whole, so that nothing has to be buffered. What comes next is looked at before it is taken: the first request that is
//! anything else, or that is not there in one piece, stays on the socket, and the connection is given to the general server.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    task::{Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    response::Response,
};
use bytes::{Buf as _, Bytes};
use http::{HeaderValue, Request, StatusCode, header};
use tokio::{
    io::{AsyncWriteExt as _, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use wardline_domain::Clock as _;

use crate::{
    SystemClock,
    listener::{last_if_stopping, stopped},
    slow::PacedStream,
};

/// The largest request that is looked at, in bytes.
const LARGEST: usize = 4096;
/// The most header fields of such a request.
const MOST_HEADERS: usize = 64;
/// Header fields that say that more is to come, or that the connection is to become another.
const NOT_PLAIN: [&str; 5] = ["connection", "content-length", "expect", "transfer-encoding", "upgrade"];

/// What is on the socket.
enum Next {
    /// A request for news and its length in bytes: there is nothing else.
    News(Box<Request<Body>>, usize),
    /// Something else, or a part of something.
    Other,
    /// The client has closed.
    End,
}

/// Answers requests for news on `stream` by `router`. The stream, once something else is asked; `None` when the
/// connection has ended: the client closed it, was silent for `header_time`, or the server stops.
pub(crate) async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    header_time: Duration,
    stop: &CancellationToken,
) -> Option<TcpStream> {
    loop {
        let next = tokio::select! {
            next = timeout(header_time, next(&stream)) => next.ok()?.ok()?,
            () = stopped(stop) => return None,
        };
        let (mut request, length) = match next {
            Next::News(request, length) => (request, length),
            Next::Other => return Some(stream),
            Next::End => return None,
        };
        take(&stream, length).ok()?;
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = tokio::select! {
            answer = router.clone().oneshot(*request) => answer.unwrap_or_else(|never| match never {}),
            () = closed(&stream) => return None,
        };
        let answer = last_if_stopping(answer, stop);
        let is_last = answer.headers().get(header::CONNECTION).is_some_and(|value| value == "close");
        write(&mut stream, header_time, answer).await.ok()?;
        if is_last {
            stream.shutdown().await.ok()?;
            return None;
        }
    }
}

/// Waits until something is on the socket and looks at it. The bytes are on the stack of one look, not in the task.
async fn next(stream: &TcpStream) -> io::Result<Next> {
    poll_fn(|context| {
        let mut bytes = [0; LARGEST];
        let mut seen = ReadBuf::new(&mut bytes);
        ready!(stream.poll_peek(context, &mut seen))?;
        Poll::Ready(Ok(judged(seen.filled())))
    })
    .await
}

fn judged(bytes: &[u8]) -> Next {
    if bytes.is_empty() {
        return Next::End;
    }
    news(bytes).map_or(Next::Other, |request| Next::News(Box::new(request), bytes.len()))
}

/// The request, if `bytes` are all of one for news.
fn news(bytes: &[u8]) -> Option<Request<Body>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        _ => return None,
    };
    let target = parsed.path?;
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let is_news = path.starts_with("/_matrix/client/") && path.ends_with("/sync");
    let is_plain = !parsed
        .headers
        .iter()
        .any(|field| NOT_PLAIN.iter().any(|name| field.name.eq_ignore_ascii_case(name)));
    if parsed.method? != "GET" || parsed.version? != 1 || length != bytes.len() || !is_news || !is_plain {
        return None;
    }
    let mut request = Request::get(target);
    for field in parsed.headers.iter() {
        request = request.header(field.name, field.value);
    }
    request.body(Body::empty()).ok()
}

/// Takes what was looked at off the socket.
fn take(stream: &TcpStream, length: usize) -> io::Result<()> {
    let mut bytes = [0; LARGEST];
    match stream.try_read(&mut bytes[..length])? {
        taken if taken == length => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Resolves when the client has closed its end. What else it sends meanwhile is looked at after the answer.
async fn closed(stream: &TcpStream) {
    poll_fn(|context| {
        let mut byte = [0];
        match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    })
    .await;
}

async fn write(stream: &mut TcpStream, grace: Duration, answer: Response) -> io::Result<()> {
    let (mut parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(io::Error::other)?;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    let mut head = Vec::with_capacity(512);
    let reason = parts.status.canonical_reason().unwrap_or_default();
    head.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", parts.status.as_u16()).as_bytes());
    if let Some(date) = date() {
        parts.headers.insert(header::DATE, date);
    }
    for (name, value) in &parts.headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    let body = if parts.status == StatusCode::NO_CONTENT { Bytes::new() } else { body };
    PacedStream::new(stream, grace).write_all_buf(&mut Bytes::from(head).chain(body)).await
}

/// The present instant as HTTP writes it (RFC 9110 section 5.6.7).
fn date() -> Option<HeaderValue> {
    let now = jiff::Timestamp::from_millisecond(SystemClock.now().as_millis()).ok()?;
    HeaderValue::try_from(now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_request_for_news_is_one() {
        let is_news =
            |text: &str| matches!(judged(text.as_bytes()), Next::News(_, length) if length == text.len());
        assert!(is_news(
            "GET /_matrix/client/v3/sync?since=s1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\n\r\n"
        ));
        for other in [
            "GET /_matrix/client/v3/sync HTTP/1.0\r\n\r\n",
            "POST /_matrix/client/v3/sync HTTP/1.1\r\n\r\n",
            "GET /_matrix/client/versions HTTP/1.1\r\n\r\n",
            "GET /_matrix/client/v3/sync HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET /_matrix/client/v3/sync HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
            "GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: x\r\n",
            "GET /_matrix/client/v3/sync HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert!(matches!(judged(other.as_bytes()), Next::Other), "{other}");
        }
        assert!(matches!(judged(b""), Next::End));
    }

    #[test]
    fn dates_are_those_of_http() {
        let date = date().unwrap();
        assert!(date.to_str().unwrap().ends_with(" GMT"), "{date:?}");
        assert_eq!(date.len(), "Sun, 06 Nov 1994 08:49:37 GMT".len());
    }
}
