//! The server process from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conversations;
mod listener;
mod tls;
