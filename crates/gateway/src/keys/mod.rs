//! The key service: custody of each person's recovery key.
//!
//! A recovery key (Matrix specification, appendix "Cryptographic key representation") opens a person's key
//! backup. Here it is sealed under a key from outside the database and bound to its owner's Matrix id. Storing
//! and unsealing both take a valid access token *and* the account password ("step-up"): a stolen token alone
//! yields nothing.

mod error;
mod routes;
mod sealing;
mod server;
mod service;
mod vault;

pub use error::{KeyServiceError, OpenError};
pub use routes::router;
pub use sealing::{Sealer, SealingKey};
pub use service::{ATTEMPTS, KeyService, Policy, WINDOW_MILLIS};
