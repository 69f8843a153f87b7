//! The store's promises, through its public API.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod commit;
mod disk;
mod history;
mod outbox;
