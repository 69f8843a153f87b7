//! Transaction ids of clients (Client-Server API, "Transaction identifiers").

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

/// Notes which event a request made.
///
/// # Errors
/// [`StoreError::Constraint`] if the request is known already, or any other failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, key: &TxnKey, event: EventNid) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO event_txns (user_nid, device_id, room_nid, kind, txn_id, event_nid) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key.user, key.device, key.room, key.kind, key.txn, event],
    )?;
    Ok(())
}

/// The event that a request made before.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, key: &TxnKey) -> Result<Option<EventNid>, StoreError> {
    tx.query_row(
        "SELECT event_nid FROM event_txns WHERE user_nid = ?1 AND device_id = ?2 AND room_nid = ?3 \
         AND kind = ?4 AND txn_id = ?5",
        params![key.user, key.device, key.room, key.kind, key.txn],
        |row| row.get(0),
    )
}
