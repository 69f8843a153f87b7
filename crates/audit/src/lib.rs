//! The tamper-evident, hash-chained audit log and its verifier.
//!
//! Every entry carries SHA-256 over the hash of the entry before it and its own canonical encoding, and is
//! written inside the transaction of the change that it records: there is no change without its entry and no
//! entry without its change. The table refuses updates and deletions; whoever gets round that breaks the chain,
//! and [`verify`] names the first entry that is not as it was written.
//!
//! An attacker who rewrites the whole chain and its head in the database file is found by comparing
//! [`Verified::last_hash`] with one noted elsewhere earlier.
//!
//! Entries hold ids only: no patient identifiers, no names, no text of messages.

mod chain;
mod entry;

pub use chain::{Broken, Verified, VerifyError, append, verify};
pub use entry::{Action, Entry, Outcome};
