//! Looking things up in the history of rooms: threads, the event at an instant, rooms in common.

use wardline_domain::Timestamp;

use crate::{EventNid, Pos, Reader, RoomNid, Row, StoreError, UserNid, events, params};

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
/// The times of nearly all events grow with their positions, so the place is found by halving; the few that are late
/// have an index of their own and are put in between.
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
    let (on_time, late) = if backwards {
        (
            "SELECT nid, ts, pos FROM events WHERE room_nid = ?1 AND pos < ?2 AND late = 0 ORDER BY pos DESC LIMIT ?3",
            "SELECT nid, ts, pos FROM events WHERE room_nid = ?1 AND ts <= ?2 AND late = 1 \
             ORDER BY ts DESC, pos DESC LIMIT ?3",
        )
    } else {
        (
            "SELECT nid, ts, pos FROM events WHERE room_nid = ?1 AND pos >= ?2 AND late = 0 ORDER BY pos LIMIT ?3",
            "SELECT nid, ts, pos FROM events WHERE room_nid = ?1 AND ts >= ?2 AND late = 1 ORDER BY ts, pos LIMIT ?3",
        )
    };
    // The first position from which on every event that is not late is at or after (backwards: after) the instant.
    let border = border(tx, room, if backwards { Timestamp(at.as_millis().saturating_add(1)) } else { at })?;
    let most = skip.saturating_add(limit);
    let mut found = tx.query(on_time, params![room, border, most], dated)?;
    found.extend(tx.query(late, params![room, at, most], dated)?);
    found.sort_unstable_by_key(|(_, ts, pos)| (*ts, *pos));
    if backwards {
        found.reverse();
    }
    Ok(found.into_iter().skip(skip).take(limit).map(|(nid, ..)| nid).collect())
}

fn dated(row: &Row<'_>) -> Result<(EventNid, Timestamp, Pos), StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn border(tx: &impl Reader, room: RoomNid, at: Timestamp) -> Result<Pos, StoreError> {
    let last = events::last_at(tx, room, Pos::MAX)?;
    let (mut low, mut high) = (0, last.map_or(0, |last| last.pos + 1));
    while low < high {
        let middle = low + (high - low) / 2;
        let next: Option<(Pos, Timestamp)> = tx.query_row(
            "SELECT pos, ts FROM events WHERE room_nid = ?1 AND pos >= ?2 AND late = 0 ORDER BY pos LIMIT 1",
            params![room, middle],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        match next {
            Some((pos, ts)) if ts < at => low = pos + 1,
            _ => high = middle,
        }
    }
    Ok(low)
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
