//! A whole server built from its parts: what the `wardline` binary and `testkit` share.

pub mod config;
mod listener;
pub mod log;
mod machine;
mod web;

pub use machine::{SystemClock, SystemRandom};
