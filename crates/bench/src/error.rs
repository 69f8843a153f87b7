//! What can go wrong while measuring.

use std::{io, path::PathBuf};

/// Every failure of the bench. A scenario that fails is reported and the next one runs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("connection: {0}")]
    Connection(#[from] io::Error),
    #[error("answer that is not HTTP/1.1: {0}")]
    Http(String),
    #[error("{method} {path}: {status} {body}")]
    Status { method: &'static str, path: String, status: u16, body: String },
    #[error("{what}: {error}")]
    Json { what: String, error: serde_json::Error },
    #[error("{0} is missing in an answer")]
    Field(&'static str),
    #[error("{0} is not a loopback address: this only ever loads its own machine")]
    NotLoopback(std::net::SocketAddr),
    #[error("{0}")]
    Misuse(String),
    #[error("{0} took too long")]
    Late(&'static str),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
