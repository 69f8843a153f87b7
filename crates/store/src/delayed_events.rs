//! Events that clients asked to be sent later (MSC4140).

use wardline_domain::Timestamp;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId};

use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// An event to be sent later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelayedEvent {
    /// Its secret id.
    pub id: String,
    /// Who sends it.
    pub user: UserNid,
    /// The same, as an id; read only.
    pub user_id: OwnedUserId,
    /// From which device.
    pub device: String,
    /// Into which room.
    pub room: OwnedRoomId,
    /// The event type.
    pub kind: String,
    /// The state key; `None` for a message-like event.
    pub state_key: Option<String>,
    /// A JSON object.
    pub content: String,
    /// How long it waits after each restart, in milliseconds.
    pub delay_ms: i64,
    /// When it is sent.
    pub due_at: Timestamp,
    /// The client's transaction id.
    pub txn: Option<String>,
}

const SELECT: &str = "SELECT d.id, d.user_nid, u.user_id, d.device_id, d.room_id, d.kind, d.state_key, d.content, \
                      d.delay_ms, d.due_at, d.txn_id FROM delayed_events d JOIN users u ON u.nid = d.user_nid";

fn read(row: &Row<'_>) -> Result<DelayedEvent, StoreError> {
    Ok(DelayedEvent {
        id: row.get(0)?,
        user: row.get(1)?,
        user_id: row.get(2)?,
        device: row.get(3)?,
        room: row.get(4)?,
        kind: row.get(5)?,
        state_key: row.get(6)?,
        content: row.get(7)?,
        delay_ms: row.get(8)?,
        due_at: row.get(9)?,
        txn: row.get(10)?,
    })
}

/// Stores an event; the id of the one that waits: an earlier one if the same request was made before.
///
/// # Errors
/// Any failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, event: &DelayedEvent) -> Result<String, StoreError> {
    if event.txn.is_some() {
        let known = tx.query_row(
            "SELECT id FROM delayed_events WHERE user_nid = ?1 AND device_id = ?2 AND room_id = ?3 AND kind = ?4 \
             AND txn_id = ?5",
            params![event.user, event.device, event.room, event.kind, event.txn],
            |row| row.get(0),
        )?;
        if let Some(id) = known {
            return Ok(id);
        }
    }
    tx.execute(
        "INSERT INTO delayed_events (id, user_nid, device_id, room_id, kind, state_key, content, delay_ms, due_at, \
         txn_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            event.id,
            event.user,
            event.device,
            event.room,
            event.kind,
            event.state_key,
            event.content,
            event.delay_ms,
            event.due_at,
            event.txn
        ],
    )?;
    Ok(event.id.clone())
}

/// One event.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, id: &str) -> Result<Option<DelayedEvent>, StoreError> {
    tx.query_row(&format!("{SELECT} WHERE d.id = ?1"), params![id], read)
}

/// The events of a user, the next one first.
///
/// # Errors
/// Any failure of the database.
pub fn of_user(tx: &impl Reader, user: UserNid) -> Result<Vec<DelayedEvent>, StoreError> {
    tx.query(&format!("{SELECT} WHERE d.user_nid = ?1 ORDER BY d.due_at, d.id"), params![user], read)
}

/// The events that are due first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn next(tx: &impl Reader, limit: usize) -> Result<Vec<DelayedEvent>, StoreError> {
    tx.query(&format!("{SELECT} ORDER BY d.due_at, d.id LIMIT ?1"), params![limit], read)
}

/// Moves the instant at which an event is sent; whether it waits still.
///
/// # Errors
/// Any failure of the database.
pub fn postpone(tx: &mut WriteTx<'_>, id: &str, due_at: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute("UPDATE delayed_events SET due_at = ?2 WHERE id = ?1", params![id, due_at])? == 1)
}

/// Removes an event; whether it waited still.
///
/// # Errors
/// Any failure of the database.
pub fn delete(tx: &mut WriteTx<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM delayed_events WHERE id = ?1", params![id])? == 1)
}

/// Gives up the events of other users that would set this state: `sender` has set it meanwhile.
///
/// # Errors
/// Any failure of the database.
pub fn supersede(
    tx: &mut WriteTx<'_>,
    room: &RoomId,
    (kind, state_key): (&str, &str),
    sender: UserNid,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM delayed_events WHERE room_id = ?1 AND kind = ?2 AND state_key = ?3 AND user_nid <> ?4",
        params![room.as_str(), kind, state_key, sender],
    )?;
    Ok(())
}
