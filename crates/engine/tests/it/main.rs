//! The engine through its public API, on a real store in a temporary folder.

mod home;
mod rooms;
