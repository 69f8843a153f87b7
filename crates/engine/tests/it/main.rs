//! The engine through its public API, on a real store in a temporary folder.

mod e2ee;
mod home;
mod media;
mod rooms;
mod sync;
