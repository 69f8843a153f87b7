//! Provisioning: the organisation's identity system keeps accounts and teams here by SCIM 2.0.
//!
//! Specification: RFC 7643 (schemas), RFC 7644 (protocol).
//!
//! # Layout
//! - `schema`: the attributes that are kept, and their description; `value`: values that fit them.
//! - `filter`, `path`: the expressions of RFC 7644; `patch`: changes by path.
//! - `resource`: what is the same for all resources; `users`: users into accounts and directory entries; `groups`: groups into teams; `token`: who may provision.
//! - `shape`: resources as they are answered.
//!
//! # Invariants
//! - Attributes that this server has no use for are not kept: an organisation's identity system sends more than anybody
//!   here needs to know.
//! - A user that is not active has no session from the moment of the answer; nothing that they wrote is deleted.
//! - A name is never given to a second person: the account of a deleted user stays theirs.

mod error;
mod filter;
mod groups;
mod patch;
mod path;
mod resource;
mod schema;
mod shape;
mod token;
mod users;
mod value;

pub use error::ScimError;
pub use filter::Filter;
pub use resource::{ResourceType, Write};
pub use schema::{ENTERPRISE_SCHEMA, GROUP_SCHEMA, USER_SCHEMA, resource_types, schemas};
pub use shape::{Selection, Shaped};
