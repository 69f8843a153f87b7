//! The whole house over HTTP: what only shows once the floors are joined.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod app_services;
mod house;
mod key_service;
