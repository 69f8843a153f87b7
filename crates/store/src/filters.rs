//! Stored sync filters (Client-Server API, "Filtering").

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// Stores a filter and returns its number; the same text gets the same number.
///
/// # Errors
/// Any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, user: UserNid, filter: &str) -> Result<i64, StoreError> {
    let known = tx.query_row(
        "SELECT id FROM filters WHERE user_nid = ?1 AND filter = ?2",
        params![user, filter],
        |row| row.get(0),
    )?;
    if let Some(id) = known {
        return Ok(id);
    }
    tx.query_row(
        "INSERT INTO filters (user_nid, id, filter) \
         SELECT ?1, coalesce(max(id), 0) + 1, ?2 FROM filters WHERE user_nid = ?1 RETURNING id",
        params![user, filter],
        |row| row.get(0),
    )?
    .ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}

/// The text of a stored filter.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid, id: i64) -> Result<Option<String>, StoreError> {
    tx.query_row("SELECT filter FROM filters WHERE user_nid = ?1 AND id = ?2", params![user, id], |row| {
        row.get(0)
    })
}
