//! Identity over a real store: what the HTTP tests cannot see.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod ports;
mod secret;
mod support;
mod tokens;
