//! Erasing old messages (MSC1763): what of a room is due, and how far it has been looked at.

use wardline_domain::Timestamp;

use crate::{EventNid, Pos, Reader, RoomNid, StoreError, WriteTx, params};

/// A message that may be old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number.
    pub event: EventNid,
    /// Its position.
    pub pos: Pos,
    /// `origin_server_ts`.
    pub sent: Timestamp,
    /// Whether there is content to erase: it is no state event, no redaction and not redacted.
    pub has_content: bool,
}

/// All rooms with their types, in no order.
///
/// # Errors
/// Any failure of the database.
pub fn rooms(tx: &impl Reader) -> Result<Vec<(RoomNid, Option<String>)>, StoreError> {
    tx.query("SELECT nid, room_type FROM rooms", params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The events of a room that have not been looked at, oldest first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn next(tx: &impl Reader, room: RoomNid, limit: usize) -> Result<Vec<Message>, StoreError> {
    tx.query(
        "SELECT nid, pos, ts, state_key_nid IS NULL AND redacted_by IS NULL AND kind <> 'm.room.redaction' \
         FROM events WHERE room_nid = ?1 \
         AND pos > coalesce((SELECT upto FROM retention WHERE room_nid = ?1), 0) ORDER BY pos LIMIT ?2",
        params![room, limit],
        |row| {
            Ok(Message {
                event: row.get(0)?,
                pos: row.get(1)?,
                sent: row.get(2)?,
                has_content: row.get::<i64>(3)? != 0,
            })
        },
    )
}

/// Replaces the text of an event by what is left of it, and forgets what it related to.
///
/// # Errors
/// Any failure of the database.
pub fn erase(tx: &mut WriteTx<'_>, event: EventNid, left: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE event_json SET pdu = ?2 WHERE nid = ?1", params![event, left])?;
    tx.execute(
        "UPDATE events SET relates_to = NULL, rel_type = NULL, thread = NULL WHERE nid = ?1",
        params![event],
    )
    .map(drop)
}

/// Notes that a room has been looked at up to a position.
///
/// # Errors
/// Any failure of the database.
pub fn looked_at(tx: &mut WriteTx<'_>, room: RoomNid, upto: Pos) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO retention (room_nid, upto) VALUES (?1, ?2) \
         ON CONFLICT (room_nid) DO UPDATE SET upto = excluded.upto",
        params![room, upto],
    )
    .map(drop)
}
