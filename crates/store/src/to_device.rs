//! Messages that wait for a device until it has acknowledged them.

use wardline_domain::Timestamp;

use crate::{Kind, Pos, Reader, StoreError, UserNid, WriteTx, params};

/// How long a transaction of the sender is remembered, in milliseconds: a week.
const TXN_KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its position.
    pub pos: Pos,
    /// The event as `/sync` delivers it: `sender`, `type`, `content`.
    pub json: String,
}

/// Notes that a device carries out a transaction. `false`: it was carried out before, so nothing must be sent.
///
/// # Errors
/// Any failure of the database.
pub fn begin_txn(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    event_type: &str,
    txn_id: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM to_device_txns WHERE at < ?1", params![at.plus_millis(-TXN_KEPT_MS)])?;
    let new = tx.execute(
        "INSERT INTO to_device_txns (user_nid, device_id, event_type, txn_id, at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (user_nid, device_id, event_type, txn_id) DO NOTHING",
        params![user, device, event_type, txn_id, at],
    )?;
    Ok(new == 1)
}

/// Queues a message for a device, if the user has it, and wakes it. Whether the device exists.
///
/// # Errors
/// Any failure of the database.
pub fn send(tx: &mut WriteTx<'_>, user: UserNid, device: &str, json: &str) -> Result<bool, StoreError> {
    if crate::sessions::device(tx, user, device)?.is_none() {
        return Ok(false);
    }
    let pos = tx.record(Kind::ToDevice, None, Some(user), 0)?;
    tx.execute(
        "INSERT INTO to_device (user_nid, device_id, pos, json) VALUES (?1, ?2, ?3, ?4)",
        params![user, device, pos, json],
    )?;
    Ok(true)
}

/// The messages for a device with `after < pos <= upto`, oldest first, at most `limit`. Reading does not
/// acknowledge: they come again until [`delete_upto`].
///
/// # Errors
/// Any failure of the database.
pub fn pending(
    tx: &impl Reader,
    user: UserNid,
    device: &str,
    after: Pos,
    upto: Pos,
    limit: usize,
) -> Result<Vec<Pending>, StoreError> {
    tx.query(
        "SELECT pos, json FROM to_device WHERE user_nid = ?1 AND device_id = ?2 AND pos > ?3 AND pos <= ?4 \
         ORDER BY pos LIMIT ?5",
        params![user, device, after, upto, limit],
        |row| Ok(Pending { pos: row.get(0)?, json: row.get(1)? }),
    )
}

/// Whether a message with `pos <= upto` waits for the device: tells a sync whether there is anything to delete,
/// so that most syncs write nothing.
///
/// # Errors
/// Any failure of the database.
pub fn waits_upto(tx: &impl Reader, user: UserNid, device: &str, upto: Pos) -> Result<bool, StoreError> {
    let first = tx.query_row(
        "SELECT 1 FROM to_device WHERE user_nid = ?1 AND device_id = ?2 AND pos <= ?3 LIMIT 1",
        params![user, device, upto],
        |row| row.get::<i64>(0),
    )?;
    Ok(first.is_some())
}

/// Deletes the messages that a device has acknowledged: those with `pos <= upto`, where `upto` is the position
/// in a `since` that the device sent back.
///
/// # Errors
/// Any failure of the database.
pub fn delete_upto(tx: &mut WriteTx<'_>, user: UserNid, device: &str, upto: Pos) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM to_device WHERE user_nid = ?1 AND device_id = ?2 AND pos <= ?3",
        params![user, device, upto],
    )?;
    Ok(())
}
