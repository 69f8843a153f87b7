//! One HTTP/1.1 connection, as lean as possible: the generator shares its cores with what it measures. One write and
//! usually one read a request; both buffers are kept.

use std::{net::SocketAddr, ops::Range};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::error::{Error, Result};

const MOST_HEADERS: usize = 64;
/// A buffer that grew beyond this for one big answer is given back.
const KEPT: usize = 64 * 1024;

/// A kept-alive connection that opens itself again when the server has closed it between requests.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
    unchunked: Vec<u8>,
}

/// An answer; the body is borrowed from the connection's buffer.
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

/// What to ask. `path` is percent-encoded already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: Option<&'a [u8]>,
}

enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

struct Head {
    status: u16,
    end: usize,
    length: Length,
    closes: bool,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, outbox: Vec::new(), inbox: Vec::new(), unchunked: Vec::new() }
    }

    /// Sends `request` and reads the whole answer. A reused connection that turns out to be closed is opened once more.
    pub(crate) async fn call(&mut self, request: Request<'_>) -> Result<Reply<'_>> {
        self.compose(request);
        let reused = self.stream.is_some();
        let head = match self.exchange().await {
            Err(Error::Connection(_)) if reused => {
                self.stream = None;
                self.exchange().await
            }
            other => other,
        };
        let head = head.inspect_err(|_| self.stream = None)?;
        let body = self.body(&head).await.inspect_err(|_| self.stream = None)?;
        if head.closes {
            self.stream = None;
        }
        let bytes = match head.length {
            Length::Chunked => &self.unchunked[..],
            Length::Known(_) | Length::UntilClose => &self.inbox[body],
        };
        Ok(Reply { status: head.status, body: bytes })
    }

    /// As [`Self::call`], with anything but 200 and 201 turned into an error.
    pub(crate) async fn ok(&mut self, request: Request<'_>) -> Result<&[u8]> {
        let reply = self.call(request).await?;
        if matches!(reply.status, 200 | 201) {
            return Ok(reply.body);
        }
        Err(Error::Status {
            method: request.method,
            path: request.path.to_owned(),
            status: reply.status,
            body: String::from_utf8_lossy(&reply.body[..reply.body.len().min(300)]).into_owned(),
        })
    }

    fn compose(&mut self, request: Request<'_>) {
        let out = &mut self.outbox;
        out.clear();
        for part in [request.method, " ", request.path, " HTTP/1.1\r\nHost: localhost\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        if let Some(token) = request.token {
            for part in ["Authorization: Bearer ", token, "\r\n"] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        if let Some(body) = request.body {
            let length = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
            out.extend_from_slice(length.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(request.body.unwrap_or_default());
    }

    async fn exchange(&mut self) -> Result<Head> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                self.stream.insert(stream)
            }
        };
        self.inbox.clear();
        if self.inbox.capacity() > KEPT {
            self.inbox.shrink_to(KEPT);
            self.unchunked = Vec::new();
        }
        stream.write_all(&self.outbox).await?;
        loop {
            if stream.read_buf(&mut self.inbox).await? == 0 {
                return Err(Error::Connection(std::io::ErrorKind::UnexpectedEof.into()));
            }
            if let Some(head) = head(&self.inbox)? {
                return Ok(head);
            }
        }
    }

    /// Reads what is missing of the body and says where it is.
    async fn body(&mut self, head: &Head) -> Result<Range<usize>> {
        let stream = self.stream.as_mut().ok_or_else(|| Error::Http("no connection".to_owned()))?;
        match head.length {
            Length::Known(length) => {
                let end = head.end + length;
                self.inbox.reserve(end.saturating_sub(self.inbox.len()));
                while self.inbox.len() < end {
                    if stream.read_buf(&mut self.inbox).await? == 0 {
                        return Err(Error::Http("the body ends early".to_owned()));
                    }
                }
                Ok(head.end..end)
            }
            Length::UntilClose => {
                while stream.read_buf(&mut self.inbox).await? > 0 {}
                Ok(head.end..self.inbox.len())
            }
            Length::Chunked => {
                self.unchunked.clear();
                let mut at = head.end;
                loop {
                    match chunk(&self.inbox[at..])? {
                        Some((start, 0)) => return Ok(start..start),
                        Some((start, length)) => {
                            let data = at + start..at + start + length;
                            at = data.end + 2;
                            self.unchunked.extend_from_slice(&self.inbox[data]);
                        }
                        None if stream.read_buf(&mut self.inbox).await? == 0 => {
                            return Err(Error::Http("the body ends early".to_owned()));
                        }
                        None => {}
                    }
                }
            }
        }
    }
}

/// The next chunk in `bytes`: where its data starts and how long it is, once all of it is there.
fn chunk(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(bytes) else {
        return match bytes.len() {
            0..=32 => Ok(None),
            _ => Err(Error::Http("a chunk without a size".to_owned())),
        };
    };
    let length = usize::try_from(length).map_err(|_| Error::Http("a chunk too large".to_owned()))?;
    Ok((bytes.len() >= start + length + 2).then_some((start, length)))
}

/// The head of an answer, once it is complete.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let end = match answer.parse(bytes).map_err(|error| Error::Http(error.to_string()))? {
        httparse::Status::Complete(end) => end,
        httparse::Status::Partial => return Ok(None),
    };
    let mut length = Length::UntilClose;
    let mut closes = false;
    for header in answer.headers.iter() {
        let value = std::str::from_utf8(header.value).unwrap_or_default().trim();
        if header.name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(value.parse().map_err(|_| Error::Http(format!("length {value}")))?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    let closes = closes || matches!(length, Length::UntilClose);
    Ok(Some(Head { status: answer.code.unwrap_or(0), end, length, closes }))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection of `answers` with those bytes after it has read something, and closes it.
    async fn server(answers: Vec<&'static [u8]>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut seen = [0; 1024];
                assert!(stream.read(&mut seen).await.unwrap() > 0);
                stream.write_all(answer).await.unwrap();
            }
        });
        address
    }

    const GET: Request<'_> = Request { method: "GET", path: "/", token: None, body: None };

    #[tokio::test]
    async fn reads_bodies_of_every_framing_and_reconnects() {
        let address = server(vec![
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it",
        ])
        .await;
        let mut connection = Connection::new(address);
        assert_eq!(connection.call(GET).await.unwrap().body, b"hello");
        let reply = connection.call(GET).await.unwrap();
        assert_eq!((reply.status, reply.body), (404, &b"abcde"[..]));
        assert_eq!(connection.call(GET).await.unwrap().body, b"all of it");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_200_names_the_request() {
        let address = server(vec![b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}"]).await;
        let error = Connection::new(address).ok(GET).await.unwrap_err();
        assert_eq!(error.to_string(), "GET /: 403 {}");
    }
}
