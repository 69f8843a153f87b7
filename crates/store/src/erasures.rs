//! Devices that were signed out from elsewhere and are to erase what they hold.

use wardline_domain::Timestamp;

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// A device that is to erase what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its number.
    pub id: i64,
    /// The device.
    pub device_id: String,
    /// Its name when it was signed out.
    pub display_name: Option<String>,
    /// When that was asked.
    pub asked_at: Timestamp,
    /// When the device said that it is done.
    pub confirmed_at: Option<Timestamp>,
}

/// Asks a device that is about to be deleted to erase what it holds: its tokens are remembered, so that it is told
/// when it comes back. Forgets what was asked before `forget_before`. `false`: the device has no session to come with.
///
/// # Errors
/// Any failure of the database.
pub fn ask(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    at: Timestamp,
    forget_before: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM erasures WHERE asked_at < ?1", params![forget_before])?;
    let session: Option<i64> = tx.query_row(
        "SELECT id FROM sessions WHERE user_nid = ?1 AND device_id = ?2",
        params![user, device],
        |row| row.get(0),
    )?;
    let Some(session) = session else { return Ok(false) };
    let id: Option<i64> = tx.query_row(
        "INSERT INTO erasures (user_nid, device_id, display_name, asked_at) \
         SELECT user_nid, device_id, display_name, ?3 FROM devices WHERE user_nid = ?1 AND device_id = ?2 \
         RETURNING id",
        params![user, device, at],
        |row| row.get(0),
    )?;
    let Some(id) = id else { return Ok(false) };
    for column in ["access_hash", "refresh_hash"] {
        tx.execute(
            &format!(
                "INSERT INTO erased_tokens (token_hash, erasure_id) SELECT {column}, ?2 FROM grants \
                 WHERE session_id = ?1 AND {column} IS NOT NULL ON CONFLICT (token_hash) DO NOTHING"
            ),
            params![session, id],
        )?;
    }
    Ok(true)
}

/// The erasure that the holder of this dead token has to do, and whose it is.
///
/// # Errors
/// Any failure of the database.
pub fn by_token(tx: &impl Reader, hash: &[u8; 32]) -> Result<Option<(UserNid, Erasure)>, StoreError> {
    tx.query_row(
        "SELECT e.id, e.device_id, e.display_name, e.asked_at, e.confirmed_at, e.user_nid FROM erased_tokens t \
         JOIN erasures e ON e.id = t.erasure_id WHERE t.token_hash = ?1",
        params![*hash],
        |row| Ok((row.get(5)?, of_row(row)?)),
    )
}

/// Notes that a device has erased what it held. `false`: that was noted before.
///
/// # Errors
/// Any failure of the database.
pub fn confirm(tx: &mut WriteTx<'_>, id: i64, at: Timestamp) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE erasures SET confirmed_at = ?2 WHERE id = ?1 AND confirmed_at IS NULL",
        params![id, at],
    )?;
    Ok(changed == 1)
}

/// What a user's devices were asked to erase, newest first.
///
/// # Errors
/// Any failure of the database.
pub fn of_user(tx: &impl Reader, user: UserNid) -> Result<Vec<Erasure>, StoreError> {
    tx.query(
        "SELECT id, device_id, display_name, asked_at, confirmed_at FROM erasures WHERE user_nid = ?1 \
         ORDER BY id DESC LIMIT 50",
        params![user],
        of_row,
    )
}

fn of_row(row: &crate::Row<'_>) -> Result<Erasure, StoreError> {
    Ok(Erasure {
        id: row.get(0)?,
        device_id: row.get(1)?,
        display_name: row.get(2)?,
        asked_at: row.get(3)?,
        confirmed_at: row.get(4)?,
    })
}
