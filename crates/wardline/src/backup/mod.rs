//! Backups: taken while the server runs, checked, and restored into a new data folder.
//!
//! What goes wrong when a server goes back in time, and what is done about it, is in `docs/operations.md`.

mod manifest;
mod restore;
mod take;

pub(crate) use restore::{check, restore};
pub(crate) use take::take;
