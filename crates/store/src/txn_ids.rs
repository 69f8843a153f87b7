//! Transaction ids of clients (Client-Server API, "Transaction identifiers"). They stand in the rows of the events that
//! the requests made.

use crate::{EventNid, Reader, RoomNid, StoreError, UserNid, params};

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
