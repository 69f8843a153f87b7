//! Looking things up in the history of rooms: threads, the event at an instant, rooms in common.

use wardline_domain::Timestamp;

use crate::{EventNid, Pos, Reader, RoomNid, StoreError, UserNid, params};

/// The roots of a room's threads whose newest answer is before position `before`, with that answer's position,
/// newest first, at most `limit`. With `participant` only threads that this user began or answered in.
///
/// # Errors
/// Any failure of the database.
pub fn threads(
    tx: &impl Reader,
    room: RoomNid,
    participant: Option<UserNid>,
    before: Pos,
    limit: usize,
) -> Result<Vec<(EventNid, Pos)>, StoreError> {
    tx.query(
        "SELECT t.relates_to, t.latest FROM (SELECT relates_to, max(pos) AS latest FROM events \
         WHERE room_nid = ?1 AND rel_type = 'm.thread' GROUP BY relates_to) t \
         WHERE t.latest < ?2 AND (?3 IS NULL \
         OR EXISTS (SELECT 1 FROM events r WHERE r.nid = t.relates_to AND r.sender_nid = ?3) \
         OR EXISTS (SELECT 1 FROM events a WHERE a.relates_to = t.relates_to AND a.rel_type = 'm.thread' \
         AND a.sender_nid = ?3)) ORDER BY t.latest DESC LIMIT ?4",
        params![room, before, participant, limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The events of a room closest to an instant: at or after it, oldest first, or (`backwards`) at or before it,
/// newest first. At most `limit`, the first `skip` left out.
///
/// # Errors
/// Any failure of the database.
pub fn around_instant(
    tx: &impl Reader,
    room: RoomNid,
    at: Timestamp,
    backwards: bool,
    skip: usize,
    limit: usize,
) -> Result<Vec<EventNid>, StoreError> {
    let sql = if backwards {
        "SELECT nid FROM events WHERE room_nid = ?1 AND ts <= ?2 \
         ORDER BY ts DESC, topo DESC, pos DESC LIMIT ?3 OFFSET ?4"
    } else {
        "SELECT nid FROM events WHERE room_nid = ?1 AND ts >= ?2 ORDER BY ts, topo, pos LIMIT ?3 OFFSET ?4"
    };
    tx.query(sql, params![room, at, limit, skip], |row| row.get(0))
}

/// The rooms that two users are both joined to, in the order of their numbers.
///
/// # Errors
/// Any failure of the database.
pub fn mutual_rooms(tx: &impl Reader, a: UserNid, b: UserNid) -> Result<Vec<RoomNid>, StoreError> {
    tx.query(
        "SELECT a.room_nid FROM members a JOIN members b ON b.room_nid = a.room_nid \
         WHERE a.user_nid = ?1 AND a.membership = 2 AND b.user_nid = ?2 AND b.membership = 2 \
         ORDER BY a.room_nid",
        params![a, b],
        |row| row.get(0),
    )
}

/// The events of these types in a room before position `before`, newest first, at most `limit`: their numbers and
/// positions. Redacted events are left out.
///
/// # Errors
/// Any failure of the database.
pub fn texts(
    tx: &impl Reader,
    room: RoomNid,
    kinds: [Option<&str>; 3],
    before: Pos,
    limit: usize,
) -> Result<Vec<(EventNid, Pos)>, StoreError> {
    tx.query(
        "SELECT nid, pos FROM events WHERE room_nid = ?1 AND pos < ?2 AND redacted_by IS NULL \
         AND kind IN (?3, ?4, ?5) ORDER BY pos DESC LIMIT ?6",
        params![room, before, kinds[0], kinds[1], kinds[2], limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
