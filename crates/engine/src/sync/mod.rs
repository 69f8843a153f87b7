//! `GET /sync` (Client-Server API, "Syncing").

mod token;

pub use token::SyncToken;
