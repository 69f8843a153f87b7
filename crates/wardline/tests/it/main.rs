//! The server process from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app_service_crash;
mod backup;
mod conversations;
mod disk_failure;
mod listener;
mod overload;
mod process;
mod proof;
mod restart;
mod security_doc;
mod tls;
