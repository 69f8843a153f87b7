//! A whole server in a test: the real house on a free loopback port in a temporary folder, with a clock that the
//! test sets and randomness that repeats. Talk to it with [`Client`].
//!
//! Everything here panics when something goes wrong: a test fails by panicking.

mod client;
mod machine;
mod server;

pub use client::{Answer, Client};
pub use machine::{FakeClock, SeededRandom};
pub use server::TestServer;
