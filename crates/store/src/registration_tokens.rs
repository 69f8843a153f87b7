//! Tokens with which somebody may make an account (Client-Server API, "Token-authenticated registration").

use wardline_domain::Timestamp;

use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationToken {
    /// Its number.
    pub id: i64,
    /// The token.
    pub token: String,
    /// How many accounts; `None`: any number.
    pub uses_allowed: Option<u64>,
    /// How many accounts are being made with it at the moment.
    pub pending: u64,
    /// How many accounts were made with it.
    pub used: u64,
    /// Until when; `None`: for ever.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, token, uses_allowed, pending, used, expires_at, created_at";

fn read(row: &Row<'_>) -> Result<RegistrationToken, StoreError> {
    Ok(RegistrationToken {
        id: row.get(0)?,
        token: row.get(1)?,
        uses_allowed: row.get(2)?,
        pending: row.get(3)?,
        used: row.get(4)?,
        expires_at: row.get(5)?,
        created_at: row.get(6)?,
    })
}

/// Adds a token. `None` if it is taken; nothing is changed then.
///
/// # Errors
/// Any failure of the database.
pub fn insert(
    tx: &mut WriteTx<'_>,
    token: &str,
    uses_allowed: Option<u64>,
    expires_at: Option<Timestamp>,
    (by, at): (UserNid, Timestamp),
) -> Result<Option<RegistrationToken>, StoreError> {
    tx.query_row(
        &format!(
            "INSERT INTO registration_tokens (token, uses_allowed, used, expires_at, creator_nid, created_at) \
             VALUES (?1, ?2, 0, ?3, ?4, ?5) ON CONFLICT (token) DO NOTHING RETURNING {COLUMNS}"
        ),
        params![token, uses_allowed, expires_at, by, at],
        read,
    )
}

/// All tokens, oldest first.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<RegistrationToken>, StoreError> {
    tx.query(&format!("SELECT {COLUMNS} FROM registration_tokens ORDER BY id"), params![], read)
}

/// One token.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, id: i64) -> Result<Option<RegistrationToken>, StoreError> {
    tx.query_row(&format!("SELECT {COLUMNS} FROM registration_tokens WHERE id = ?1"), params![id], read)
}

/// Changes what a token is good for. Whether it exists.
///
/// # Errors
/// Any failure of the database.
pub fn update(
    tx: &mut WriteTx<'_>,
    id: i64,
    uses_allowed: Option<u64>,
    expires_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE registration_tokens SET uses_allowed = ?2, expires_at = ?3 WHERE id = ?1",
        params![id, uses_allowed, expires_at],
    )?;
    Ok(changed == 1)
}

/// Deletes a token. Whether it existed.
///
/// # Errors
/// Any failure of the database.
pub fn delete(tx: &mut WriteTx<'_>, id: i64) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM registration_tokens WHERE id = ?1", params![id])? == 1)
}

/// Whether an account can be made with a token now.
///
/// # Errors
/// Any failure of the database.
pub fn is_valid(tx: &impl Reader, token: &str, now: Timestamp) -> Result<bool, StoreError> {
    let found = tx.query_row(
        "SELECT 1 FROM registration_tokens WHERE token = ?1 AND (expires_at IS NULL OR expires_at > ?2) \
         AND (uses_allowed IS NULL OR used + pending < uses_allowed)",
        params![token, now],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}

/// Takes one use of a token, for an account that is about to be made. Whether there was one left.
///
/// # Errors
/// Any failure of the database.
pub fn take(tx: &mut WriteTx<'_>, token: &str, now: Timestamp) -> Result<bool, StoreError> {
    if !is_valid(tx, token, now)? {
        return Ok(false);
    }
    tx.execute("UPDATE registration_tokens SET pending = pending + 1 WHERE token = ?1", params![token])?;
    Ok(true)
}

/// Ends a use that was [taken](take): the account was made, or (`made` is false) it was not and the use is left.
///
/// # Errors
/// Any failure of the database.
pub fn settle(tx: &mut WriteTx<'_>, token: &str, made: bool) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE registration_tokens SET pending = pending - 1, used = used + ?2 WHERE token = ?1 AND pending > 0",
        params![token, made],
    )?;
    Ok(())
}

/// Ends the uses that were under way when the server ended. Whether their accounts were made is not known, so they
/// count as made: a token is never good for more accounts than it says.
///
/// # Errors
/// Any failure of the database.
pub fn settle_interrupted(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    let sql = "UPDATE registration_tokens SET used = used + pending, pending = 0 WHERE pending > 0";
    tx.execute(sql, params![])?;
    Ok(())
}
