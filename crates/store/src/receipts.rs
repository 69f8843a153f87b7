//! Read receipts and receipts of other types (Client-Server API, "Receipts").

use wardline_domain::Timestamp;
use wardline_domain::ruma::{OwnedEventId, OwnedUserId};

use crate::{Kind, Pos, Reader, RoomNid, Row, StoreError, UserNid, WriteTx, params};

/// The thread of an event that is in no thread (Client-Server API, "Threaded read receipts").
pub const MAIN_THREAD: &str = "main";

/// Where a receipt shall move to.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The room.
    pub room: RoomNid,
    /// Whose receipt.
    pub user: UserNid,
    /// The receipt type, for example `m.read`.
    pub kind: &'a str,
    /// The empty string for an unthreaded receipt, `main`, or the id of the thread's root.
    pub thread: &'a str,
    /// The event to move to.
    pub event_id: &'a str,
    /// That event's position.
    pub event_pos: Pos,
    /// When the receipt was sent.
    pub ts: Timestamp,
}

/// One receipt as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whose receipt.
    pub user: UserNid,
    /// The same, as an id.
    pub user_id: OwnedUserId,
    /// The receipt type.
    pub kind: String,
    /// The empty string for an unthreaded receipt, `main`, or the id of the thread's root.
    pub thread: String,
    /// The event that it stands at.
    pub event_id: OwnedEventId,
    /// That event's position.
    pub event_pos: Pos,
    /// When it was sent.
    pub ts: Timestamp,
}

const COLUMNS: &str =
    "user_nid, (SELECT user_id FROM users WHERE nid = user_nid), kind, thread, event_id, event_pos, ts";

fn receipt(row: &Row<'_>) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        user: row.get(0)?,
        user_id: row.get(1)?,
        kind: row.get(2)?,
        thread: row.get(3)?,
        event_id: row.get(4)?,
        event_pos: row.get(5)?,
        ts: row.get(6)?,
    })
}

/// Moves a receipt forward; `false` (and nothing changed) if it already stands at that event or a later one.
///
/// # Errors
/// Any failure of the database.
pub fn advance(tx: &mut WriteTx<'_>, to: &Move<'_>) -> Result<bool, StoreError> {
    let stands: Option<Pos> = tx.query_row(
        "SELECT event_pos FROM receipts WHERE room_nid = ?1 AND user_nid = ?2 AND kind = ?3 AND thread = ?4",
        params![to.room, to.user, to.kind, to.thread],
        |row| row.get(0),
    )?;
    if stands.is_some_and(|stands| stands >= to.event_pos) {
        return Ok(false);
    }
    let pos = tx.record(Kind::Receipt, Some(to.room), Some(to.user), 0)?;
    tx.execute(
        "INSERT INTO receipts (room_nid, user_nid, kind, thread, event_id, event_pos, ts, pos) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (room_nid, user_nid, kind, thread) DO UPDATE SET \
         event_id = excluded.event_id, event_pos = excluded.event_pos, ts = excluded.ts, pos = excluded.pos",
        params![to.room, to.user, to.kind, to.thread, to.event_id, to.event_pos, to.ts, pos],
    )?;
    Ok(true)
}

/// The receipts of a room that moved after `since`, the newest first, at most `limit`. Private receipts
/// (`m.read.private`) of anybody but `reader` are left out.
///
/// # Errors
/// Any failure of the database.
pub fn moved_since(
    tx: &impl Reader,
    room: RoomNid,
    reader: UserNid,
    since: Pos,
    limit: usize,
) -> Result<Vec<Receipt>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM receipts WHERE room_nid = ?1 AND pos > ?2 \
             AND (kind <> 'm.read.private' OR user_nid = ?3) ORDER BY pos DESC LIMIT ?4"
        ),
        params![room, since, reader, limit],
        receipt,
    )
}

/// The receipts of one user in a room.
///
/// # Errors
/// Any failure of the database.
pub fn of_user(tx: &impl Reader, room: RoomNid, user: UserNid) -> Result<Vec<Receipt>, StoreError> {
    tx.query(
        &format!("SELECT {COLUMNS} FROM receipts WHERE room_nid = ?1 AND user_nid = ?2"),
        params![room, user],
        receipt,
    )
}

/// The last move of a receipt in each room that has one.
///
/// # Errors
/// Any failure of the database.
pub fn last_moves(tx: &impl Reader) -> Result<Vec<(RoomNid, Pos)>, StoreError> {
    tx.query("SELECT room_nid, max(pos) FROM receipts GROUP BY room_nid", params![], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
