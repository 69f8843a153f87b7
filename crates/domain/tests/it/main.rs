//! The rules of Matrix, checked through the crate's public interface, with ruma as the oracle where it has one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod build;
mod event_format;
mod fixture;
mod ids;
mod json;
mod push;
mod redaction;
mod relations;
mod signing;
mod state_res;
