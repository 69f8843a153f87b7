//! People signed in to the sign-in and account pages, and what they allowed there.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// Somebody signed in to the pages in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserRow {
    /// Who.
    pub user: UserNid,
    /// Who.
    pub user_id: OwnedUserId,
    /// How they proved it.
    pub method: String,
    /// When they proved it.
    pub proved_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Notes that a browser is signed in; forgets those whose time is over.
///
/// # Errors
/// Any failure of the database.
pub fn add(
    tx: &mut WriteTx<'_>,
    cookie_hash: &[u8; 32],
    user: UserNid,
    method: &str,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM oauth_browsers WHERE expires_at <= ?1", params![at])?;
    tx.execute(
        "INSERT INTO oauth_browsers (cookie_hash, user_nid, method, proved_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![*cookie_hash, user, method, at, expires_at],
    )?;
    Ok(())
}

/// Who is signed in with this cookie: an active account, whose time may be over.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, cookie_hash: &[u8; 32]) -> Result<Option<BrowserRow>, StoreError> {
    tx.query_row(
        "SELECT b.user_nid, u.user_id, b.method, b.proved_at, b.expires_at FROM oauth_browsers b \
         JOIN users u ON u.nid = b.user_nid JOIN accounts a ON a.user_nid = b.user_nid \
         WHERE b.cookie_hash = ?1 AND a.deactivated_at IS NULL AND a.disabled_at IS NULL",
        params![*cookie_hash],
        |row| {
            Ok(BrowserRow {
                user: row.get(0)?,
                user_id: row.get(1)?,
                method: row.get(2)?,
                proved_at: row.get(3)?,
                expires_at: row.get(4)?,
            })
        },
    )
}

/// Notes that the person at the pages has proved more than before.
///
/// # Errors
/// Any failure of the database.
pub fn set_method(tx: &mut WriteTx<'_>, cookie_hash: &[u8; 32], method: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE oauth_browsers SET method = ?2 WHERE cookie_hash = ?1",
        params![*cookie_hash, method],
    )?;
    Ok(())
}

/// Signs one browser out of the pages.
///
/// # Errors
/// Any failure of the database.
pub fn forget(tx: &mut WriteTx<'_>, cookie_hash: &[u8; 32]) -> Result<(), StoreError> {
    tx.execute("DELETE FROM oauth_browsers WHERE cookie_hash = ?1", params![*cookie_hash])?;
    Ok(())
}

/// Signs all browsers of a user out of the pages.
///
/// # Errors
/// Any failure of the database.
pub fn forget_all_of(tx: &mut WriteTx<'_>, user: UserNid) -> Result<(), StoreError> {
    tx.execute("DELETE FROM oauth_browsers WHERE user_nid = ?1", params![user])?;
    Ok(())
}

/// Allows a user to replace their cross-signing keys once, until `expires_at`.
///
/// # Errors
/// Any failure of the database.
pub fn allow_reset(tx: &mut WriteTx<'_>, user: UserNid, expires_at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO cross_signing_resets (user_nid, expires_at) VALUES (?1, ?2) \
         ON CONFLICT (user_nid) DO UPDATE SET expires_at = excluded.expires_at",
        params![user, expires_at],
    )?;
    Ok(())
}

/// Uses up a user's leave to replace their cross-signing keys. Whether there was one that lasts beyond `now`.
///
/// # Errors
/// Any failure of the database.
pub fn take_reset(tx: &mut WriteTx<'_>, user: UserNid, now: Timestamp) -> Result<bool, StoreError> {
    let expires_at: Option<Timestamp> = tx.query_row(
        "DELETE FROM cross_signing_resets WHERE user_nid = ?1 RETURNING expires_at",
        params![user],
        |row| row.get(0),
    )?;
    Ok(expires_at.is_some_and(|at| at > now))
}
