//! Removing a room's history for good, step by step, so that nobody waits for it.
//!
//! What stays of a room is its row, without state, and the redacted `m.room.member` events: with them a device that was
//! away learns that its owner is not in the room any more, and the room's id never comes back.

use wardline_domain::Timestamp;
use wardline_domain::ruma::RoomId;

use crate::{EventNid, Kind, Pos, Reader, RoomNid, Row, StoreError, UserNid, WriteTx, params, rooms};

/// A purge that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purge {
    /// The room.
    pub room: RoomNid,
    /// Whether the files that its events name go too.
    pub media: bool,
}

/// An event that is to go, or to be cut down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    /// Its number.
    pub event: EventNid,
    /// Its position.
    pub pos: Pos,
    /// Its text.
    pub pdu: String,
}

/// Which events of a room. They go in this order, so that nothing that is left ever names something that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is not state.
    Messages,
    /// The memberships, which are cut down.
    Members,
    /// All other state.
    State,
}

/// Begins a purge: takes away the room's current state and all that people keep about the room. Nobody may be in it.
///
/// # Errors
/// Any failure of the database.
pub fn begin(
    tx: &mut WriteTx<'_>,
    (purge, room_id): (Purge, &RoomId),
    (by, at): (UserNid, Timestamp),
) -> Result<(), StoreError> {
    let room = purge.room;
    tx.execute(
        "INSERT INTO purged_rooms (room_nid, by_nid, at, media) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (room_nid) DO NOTHING",
        params![room, by, at, purge.media],
    )?;
    for table in [
        "current_state",
        "published_rooms",
        "room_aliases",
        "notice_rooms",
        "room_upgrades",
        "receipts",
        "account_data",
        "unread_counters",
        "thread_subscriptions",
        "app_service_rooms",
    ] {
        tx.execute(&format!("DELETE FROM {table} WHERE room_nid = ?1"), params![room])?;
    }
    tx.execute("DELETE FROM delayed_events WHERE room_id = ?1", params![room_id])?;
    // A report stays, in its reporter's words, and names the room only.
    tx.execute("UPDATE reports SET event_nid = NULL WHERE room_nid = ?1", params![room])?;
    tx.execute("UPDATE members SET stripped = NULL WHERE room_nid = ?1", params![room])?;
    // With another fence a head in memory is not the room's any more.
    let fence = rooms::reserve_nids(tx, 1)?;
    tx.execute(
        "UPDATE rooms SET fence = ?2, extremities = x'', state_nid = NULL, auth_count = 0, room_type = NULL \
         WHERE nid = ?1",
        params![room, fence],
    )?;
    Ok(())
}

/// Whether a room was purged, or is being purged.
///
/// # Errors
/// Any failure of the database.
pub fn is_purged(tx: &impl Reader, room: RoomNid) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM purged_rooms WHERE room_nid = ?1";
    Ok(tx.query_row(sql, params![room], |row| row.get::<i64>(0))?.is_some())
}

/// The purges that are begun and not finished.
///
/// # Errors
/// Any failure of the database.
pub fn unfinished(tx: &impl Reader) -> Result<Vec<Purge>, StoreError> {
    tx.query(
        "SELECT room_nid, media FROM purged_rooms WHERE done_at IS NULL ORDER BY at, room_nid",
        params![],
        |row| Ok(Purge { room: row.get(0)?, media: row.get(1)? }),
    )
}

/// The next events of a part of a room after a position, oldest first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn next(
    tx: &impl Reader,
    room: RoomNid,
    part: Part,
    after: Pos,
    limit: usize,
) -> Result<Vec<Doomed>, StoreError> {
    let which = match part {
        Part::Messages => "e.state_key_nid IS NULL",
        Part::Members => "e.state_key_nid IS NOT NULL AND e.kind = 'm.room.member'",
        Part::State => "e.state_key_nid IS NOT NULL AND e.kind <> 'm.room.member'",
    };
    tx.query(
        &format!(
            "SELECT e.nid, e.pos, j.pdu FROM events e JOIN event_json j ON j.nid = e.nid \
             WHERE e.room_nid = ?1 AND e.pos > ?2 AND {which} ORDER BY e.pos LIMIT ?3"
        ),
        params![room, after, limit],
        |row: &Row<'_>| Ok(Doomed { event: row.get(0)?, pos: row.get(1)?, pdu: row.get(2)? }),
    )
}

/// Removes an event, and all that the stream says of it but that it was.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, event: EventNid, pos: Pos) -> Result<(), StoreError> {
    tx.execute("DELETE FROM event_auth WHERE event_nid = ?1", params![event])?;
    tx.execute("DELETE FROM state_snapshots WHERE nid = ?1", params![event])?;
    tx.execute("DELETE FROM event_json WHERE nid = ?1", params![event])?;
    tx.execute("DELETE FROM events WHERE nid = ?1", params![event])?;
    tx.execute(
        "UPDATE stream SET kind = ?2, room_nid = NULL, user_nid = NULL, ref = 0 WHERE pos = ?1",
        params![pos, Kind::Purged],
    )?;
    Ok(())
}

/// Cuts an `m.room.member` event down to `left`, with an empty state before and after it.
///
/// # Errors
/// Any failure of the database.
pub fn cut_down(tx: &mut WriteTx<'_>, event: EventNid, left: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM event_auth WHERE event_nid = ?1", params![event])?;
    tx.execute(
        "UPDATE state_snapshots SET base = NULL, chain_len = 0, entries = x'' WHERE nid = ?1",
        params![event],
    )?;
    tx.execute("UPDATE event_json SET pdu = ?2 WHERE nid = ?1", params![event, left])?;
    tx.execute(
        "UPDATE events SET state_before = NULL, relates_to = NULL, rel_type = NULL, thread = NULL, \
         redacted_by = NULL, txn_device = NULL, txn_id = NULL WHERE nid = ?1",
        params![event],
    )?;
    Ok(())
}

/// Notes that a purge is finished.
///
/// # Errors
/// Any failure of the database.
pub fn finish(tx: &mut WriteTx<'_>, room: RoomNid, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE purged_rooms SET done_at = ?2 WHERE room_nid = ?1", params![room, at])?;
    Ok(())
}
