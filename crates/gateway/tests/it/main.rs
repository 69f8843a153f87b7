//! The key service through its HTTP routes, against a stand-in for the server's three calls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod home;
mod recovery_key;
mod trust;
