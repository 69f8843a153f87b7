//! What identity asks of others. The `wardline` crate wires the answers.

use std::{future::Future, pin::Pin};

use wardline_domain::{Timestamp, ruma::UserId};
use wardline_store::{StoreError, UserNid, WriteTx};

/// What the directory is told of a member of staff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaffEntry {
    /// Family name.
    pub family: String,
    /// Given names.
    pub given: String,
    /// Title; may be empty.
    pub title: String,
    /// Job; may be empty.
    pub job: String,
    /// Registers (URIs) and the identifiers in them.
    pub identifiers: Vec<(String, String)>,
}

/// The directory of staff. A member of staff has the local part of their user id as id. Every change is audited in
/// the caller's transaction.
pub trait StaffDirectory: std::fmt::Debug + Send + Sync {
    /// The id of the member of staff with this identifier in a register.
    ///
    /// # Errors
    /// Any failure of the database.
    fn find(&self, tx: &WriteTx<'_>, system: &str, value: &str) -> Result<Option<String>, StoreError>;

    /// Writes an entry over the one with the same id; `by` is who or what asked for it.
    ///
    /// # Errors
    /// Any failure of the database.
    fn put(
        &self,
        tx: &mut WriteTx<'_>,
        at: Timestamp,
        by: &str,
        id: &str,
        entry: &StaffEntry,
    ) -> Result<(), StoreError>;

    /// Writes a team with exactly these members (ids of members of staff) over the one with the same id.
    ///
    /// # Errors
    /// Any failure of the database.
    fn put_team(
        &self,
        tx: &mut WriteTx<'_>,
        at: Timestamp,
        by: &str,
        team: (&str, &str),
        members: &[String],
    ) -> Result<(), StoreError>;

    /// Deletes a team.
    ///
    /// # Errors
    /// Any failure of the database.
    fn remove_team(&self, tx: &mut WriteTx<'_>, at: Timestamp, by: &str, id: &str) -> Result<(), StoreError>;
}

/// Carries a changed profile on, into the member events of the user's rooms.
pub trait ProfileListener: Send + Sync {
    /// Called after `displayname` or `avatar_url` of a user changed and the change is durable. The request
    /// that changed it is answered when this is done.
    fn profile_changed<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Called after an account was deactivated and that is durable: the user should leave all rooms.
    fn account_deactivated<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
