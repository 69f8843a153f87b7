//! The engine through its public API, on a real store in a temporary folder.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod complaints;
mod e2ee;
mod home;
mod media;
mod presence;
mod purge;
mod push;
mod retention;
mod rooms;
mod simulation;
mod sync;
