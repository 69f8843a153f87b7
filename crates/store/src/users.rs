//! Interned user ids.

use wardline_domain::ruma::{OwnedUserId, UserId};

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// The number of a user id, given to it now if it had none.
///
/// # Errors
/// Any failure of the database.
pub fn intern(tx: &mut WriteTx<'_>, user: &UserId) -> Result<UserNid, StoreError> {
    if let Some(nid) = find(tx, user)? {
        return Ok(nid);
    }
    tx.query_row("INSERT INTO users (user_id) VALUES (?1) RETURNING nid", params![user], |row| row.get(0))?
        .ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}

/// The number of a user id that has been seen before.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, user: &UserId) -> Result<Option<UserNid>, StoreError> {
    tx.query_row("SELECT nid FROM users WHERE user_id = ?1", params![user], |row| row.get(0))
}

/// The user id behind a number.
///
/// # Errors
/// [`StoreError::Malformed`] if there is none, or any failure of the database.
pub fn user_id(tx: &impl Reader, user: UserNid) -> Result<OwnedUserId, StoreError> {
    tx.query_row("SELECT user_id FROM users WHERE nid = ?1", params![user], |row| row.get(0))?
        .ok_or_else(|| StoreError::Malformed(format!("no user has the number {}", user.0)))
}
