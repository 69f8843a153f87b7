//! The key service: custody of each person's recovery key.
//!
//! A recovery key (Matrix specification, appendix "Cryptographic key representation") opens a person's key
//! backup. Here it is sealed under a key from outside the database and bound to its owner's Matrix id. Storing
//! and unsealing both take the access token of a session whose person signed in a moment ago ("step-up"): a token that is
//! stolen later yields nothing.

mod error;
mod routes;
mod sealing;
mod server;
mod service;
mod vault;

pub use error::{KeyServiceError, OpenError};
pub use routes::router;
pub use sealing::{Sealer, SealingKey};
pub use service::{KeyService, Policy, STEP_UP_MILLIS};
