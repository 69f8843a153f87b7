//! Tokens of the legacy login API (`m.login.token`), each good for one sign-in.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// Stores a token; forgets those whose time is over.
///
/// # Errors
/// Any failure of the database.
pub fn add(
    tx: &mut WriteTx<'_>,
    token_hash: &[u8; 32],
    user: UserNid,
    method: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM login_tokens WHERE expires_at <= ?1", params![now])?;
    tx.execute(
        "INSERT INTO login_tokens (token_hash, user_nid, method, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![*token_hash, user, method, expires_at],
    )?;
    Ok(())
}

/// Uses up a token: whose it was and how they had proved who they are. `None` if there is none that lasts
/// beyond `now`.
///
/// # Errors
/// Any failure of the database.
pub fn take(
    tx: &mut WriteTx<'_>,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(UserNid, OwnedUserId, String)>, StoreError> {
    let taken: Option<(UserNid, String, Timestamp)> = tx.query_row(
        "DELETE FROM login_tokens WHERE token_hash = ?1 RETURNING user_nid, method, expires_at",
        params![*token_hash],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((user, method, expires_at)) = taken else { return Ok(None) };
    if expires_at <= now {
        return Ok(None);
    }
    Ok(Some((user, crate::users::user_id(tx, user)?, method)))
}

/// Forgets all tokens of a user.
///
/// # Errors
/// Any failure of the database.
pub fn forget_all_of(tx: &mut WriteTx<'_>, user: UserNid) -> Result<(), StoreError> {
    tx.execute("DELETE FROM login_tokens WHERE user_nid = ?1", params![user])?;
    Ok(())
}
