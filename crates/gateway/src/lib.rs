//! The gateway role: the part of Wardline that stands inside the hospital and may read.
//!
//! **Architecture invariant:** the gateway knows the server only through its public APIs over HTTP, so that it
//! can run on another machine. It keeps its own store, outside the server's tables: a seized server database
//! yields nothing that is kept here.
//!
//! It holds the [`keys::KeyService`], where a signed-in member of staff keeps the recovery key of their key backup and
//! gets it back on another device after a step-up, and the organisation's own identity, the [`trust::Authority`].

pub mod keys;
pub mod trust;
