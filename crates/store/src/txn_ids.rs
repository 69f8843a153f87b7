//! Transaction ids of clients (Client-Server API, "Transaction identifiers"). They stand in the rows of the events that
//! the requests made.

use crate::{EventNid, Reader, RoomNid, StoreError, UserNid, WriteTx, params};

/// A request to send an event, as its client names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxnKey {
    /// Who sends.
    pub user: UserNid,
    /// From which device.
    pub device: String,
    /// Into which room.
    pub room: RoomNid,
    /// The type of the event: with the room, the endpoint of the request.
    pub kind: String,
    /// The client's own id.
    pub txn: String,
}

/// The event that a request made before.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, key: &TxnKey) -> Result<Option<EventNid>, StoreError> {
    tx.query_row(
        "SELECT nid FROM events WHERE sender_nid = ?1 AND txn_id = ?2 AND txn_device = ?3 AND room_nid = ?4 \
         AND kind = ?5",
        params![key.user, key.txn, key.device, key.room, key.kind],
        |row| row.get(0),
    )
}

/// Notes that a device is gone: nobody will repeat its requests. There may be many, so they are removed later, by
/// [`forget_gone`].
///
/// # Errors
/// Any failure of the database.
pub(crate) fn device_gone(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO gone_devices (user_nid, device_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![user, device],
    )?;
    Ok(())
}

/// Removes at most `limit` transaction ids of devices that are gone; how many there were. A device that was made again
/// under its old id keeps them.
///
/// # Errors
/// Any failure of the database.
pub fn forget_gone(tx: &mut WriteTx<'_>, limit: usize) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM gone_devices WHERE EXISTS (SELECT 1 FROM devices d \
         WHERE d.user_nid = gone_devices.user_nid AND d.device_id = gone_devices.device_id)",
        params![],
    )?;
    let gone: Vec<(UserNid, String)> =
        tx.query("SELECT user_nid, device_id FROM gone_devices LIMIT ?1", params![limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let mut removed = 0;
    for (user, device) in gone {
        let left = limit - removed;
        let here = tx.execute(
            "UPDATE events SET txn_device = NULL, txn_id = NULL WHERE nid IN \
             (SELECT nid FROM events WHERE sender_nid = ?1 AND txn_device = ?2 AND txn_id IS NOT NULL LIMIT ?3)",
            params![user, device, left],
        )?;
        removed += here;
        if here == left {
            break;
        }
        tx.execute("DELETE FROM gone_devices WHERE user_nid = ?1 AND device_id = ?2", params![user, device])?;
    }
    Ok(removed)
}
