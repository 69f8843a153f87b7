//! Tokens that prove to a third party who somebody is (Client-Server API, "OpenID").

use wardline_domain::Timestamp;
use wardline_domain::ruma::OwnedUserId;

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// Stores a token's hash until it expires. Those that have expired `now` are removed.
///
/// # Errors
/// Any failure of the database.
pub fn insert(
    tx: &mut WriteTx<'_>,
    hash: &[u8],
    user: UserNid,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM openid_tokens WHERE expires_at <= ?1", params![now])?;
    tx.execute(
        "INSERT INTO openid_tokens (hash, user_nid, expires_at) VALUES (?1, ?2, ?3)",
        params![*hash, user, expires_at],
    )?;
    Ok(())
}

/// The user whom a token that is valid `now` stands for.
///
/// # Errors
/// Any failure of the database.
pub fn user(tx: &impl Reader, hash: &[u8], now: Timestamp) -> Result<Option<OwnedUserId>, StoreError> {
    tx.query_row(
        "SELECT u.user_id FROM openid_tokens t JOIN users u ON u.nid = t.user_nid \
         JOIN accounts a ON a.user_nid = t.user_nid \
         WHERE t.hash = ?1 AND t.expires_at > ?2 AND a.deactivated_at IS NULL",
        params![*hash, now],
        |row| row.get(0),
    )
}
