//! Pure rules of Matrix and of care: no I/O, no async, no clock, no randomness.
//!
//! **Architecture invariant:** nothing here can fail for outside reasons. Time, ids and random bytes
//! come in as arguments ([`Timestamp`], [`Random`]); there is no tokio, SQL or HTTP in this crate.
//!
//! **Architecture invariant:** this is the only crate that names `ruma`. Everybody else uses the
//! re-export, so that a breaking ruma release is met in one place.

pub mod app_service;
pub mod auth;
pub mod auth_chain;
pub mod build;
pub mod canonical;
pub mod care;
pub mod event_format;
pub mod ids;
pub mod pdu;
pub mod power_levels;
pub mod push;
mod random;
pub mod redaction;
pub mod relations;
pub mod room_version;
pub mod signing;
pub mod smart;
pub mod state;
pub mod state_res;
mod time;
pub mod visibility;

pub use random::Random;
pub use ruma;
pub use time::{Clock, Timestamp};
