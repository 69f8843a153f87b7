//! A whole server built from its parts: what the `wardline` binary and `testkit` share.
//!
//! - [`cli`]: the commands; [`config`]: the file; [`log`]: what goes to standard error.
//! - [`house`]: the one place that joins engine, identity, clinical and gateway.
//! - `serve`, [`listener`], `long_poll`, [`tls`] and `slow`: start, stop, sockets; `web`: the embedded web app.
//! - `demo`, `import`, `audit`, `playbook`: one command each.

mod audit;
mod backup;
pub mod cli;
pub mod config;
mod demo;
mod error;
pub mod house;
mod import;
pub mod listener;
pub mod log;
mod long_poll;
mod machine;
mod playbook;
mod proof;
mod scim_token;
mod serve;
mod slow;
pub mod tls;
mod web;

pub use config::{Config, ConfigError};
pub use error::Error;
pub use house::House;
pub use machine::{SetClock, SystemClock, SystemRandom};
