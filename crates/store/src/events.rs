//! Events: their rows, their text, their graph and the auth index.

use wardline_domain::Timestamp;
use wardline_domain::ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId};

use crate::txn_ids::TxnKey;
use crate::{
    EventNid, Pos, Reader, RoomNid, Row, SnapshotNid, StateKeyNid, StoreError, UserNid, WriteTx, params,
};

/// An event to be written. Its position comes from the stream row.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// Its number.
    pub nid: EventNid,
    /// Its id.
    pub event_id: &'a EventId,
    /// Its room.
    pub room: RoomNid,
    /// Its position.
    pub pos: Pos,
    /// Its depth.
    pub topo: i64,
    /// Its type.
    pub kind: &'a str,
    /// For a state event: the interned pair of type and state key.
    pub state_key: Option<StateKeyNid>,
    /// Its sender.
    pub sender: UserNid,
    /// `origin_server_ts`.
    pub ts: Timestamp,
    /// The state before it.
    pub state_before: Option<SnapshotNid>,
    /// For a state event: the event that held the key before.
    pub replaces: Option<EventNid>,
    /// The event of `m.relates_to`, if it is known.
    pub relates_to: Option<EventNid>,
    /// `rel_type` of `m.relates_to`.
    pub rel_type: Option<&'a str>,
    /// Root of the thread that it belongs to.
    pub thread: Option<EventNid>,
    /// Whether an earlier event of the room has a later `ts`.
    pub late: bool,
    /// The request that made it.
    pub txn: Option<&'a TxnKey>,
    /// Canonical JSON.
    pub pdu: &'a str,
}

/// An event as stored, with what every reader needs to serve it.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its number.
    pub nid: EventNid,
    /// Its id.
    pub event_id: OwnedEventId,
    /// Its room.
    pub room: RoomNid,
    /// Its room's id.
    pub room_id: OwnedRoomId,
    /// Its room's version.
    pub room_version: String,
    /// Its position in the stream.
    pub pos: Pos,
    /// Its depth.
    pub topo: i64,
    /// Its sender.
    pub sender: UserNid,
    /// The state before it; `None`: empty.
    pub state_before: Option<SnapshotNid>,
    /// For a state event: the event that held the key before.
    pub replaces: Option<EventNid>,
    /// The event that it relates to.
    pub relates_to: Option<EventNid>,
    /// `rel_type` of `m.relates_to`.
    pub rel_type: Option<String>,
    /// Root of its thread.
    pub thread: Option<EventNid>,
    /// The redaction that removed its content.
    pub redacted_by: Option<EventNid>,
    /// Canonical JSON (redacted events: what is left).
    pub pdu: String,
    /// The device that sent it and the transaction id it used.
    pub transaction: Option<(String, String)>,
}

/// Where an event stands: enough to order it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPoint {
    /// Its number.
    pub nid: EventNid,
    /// Its position in the stream.
    pub pos: Pos,
    /// Its depth.
    pub topo: i64,
}

/// Writes an event and its text.
///
/// # Errors
/// [`StoreError::Constraint`] if the event exists, or any other failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, event: &NewEvent<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO events (nid, event_id, room_nid, pos, topo, kind, state_key_nid, sender_nid, ts, \
         state_before, replaces, relates_to, rel_type, thread, late, txn_device, txn_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            event.nid,
            event.event_id,
            event.room,
            event.pos,
            event.topo,
            event.kind,
            event.state_key,
            event.sender,
            event.ts,
            event.state_before,
            event.replaces,
            event.relates_to,
            event.rel_type,
            event.thread,
            event.late,
            event.txn.map(|txn| txn.device.as_str()),
            event.txn.map(|txn| txn.txn.as_str())
        ],
    )?;
    tx.execute("INSERT INTO event_json (nid, pdu) VALUES (?1, ?2)", params![event.nid, event.pdu])?;
    Ok(())
}

/// Writes a state event's place in the auth index.
///
/// # Errors
/// Any failure of the database.
pub fn insert_auth(
    tx: &mut WriteTx<'_>,
    event: EventNid,
    room: RoomNid,
    ordinal: u32,
    chain: &[u8],
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO event_auth (event_nid, room_nid, ordinal, chain) VALUES (?1, ?2, ?3, ?4)",
        params![event, room, ordinal, chain],
    )?;
    Ok(())
}

/// A state event's place in the auth index: its ordinal and the bitmap of its auth chain.
///
/// # Errors
/// Any failure of the database.
pub fn auth(tx: &impl Reader, event: EventNid) -> Result<Option<(u32, Vec<u8>)>, StoreError> {
    tx.query_row("SELECT ordinal, chain FROM event_auth WHERE event_nid = ?1", params![event], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Replaces an event's text by what its redaction leaves, and notes the redaction. Only the first counts.
///
/// # Errors
/// Any failure of the database.
pub fn redact(tx: &mut WriteTx<'_>, event: EventNid, by: EventNid, left: &str) -> Result<(), StoreError> {
    let first = tx.execute(
        "UPDATE events SET redacted_by = ?2, relates_to = NULL, rel_type = NULL, thread = NULL \
         WHERE nid = ?1 AND redacted_by IS NULL",
        params![event, by],
    )?;
    if first == 1 {
        tx.execute("UPDATE event_json SET pdu = ?2 WHERE nid = ?1", params![event, left])?;
    }
    Ok(())
}

/// The number of an event.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, event: &EventId) -> Result<Option<EventNid>, StoreError> {
    tx.query_row("SELECT nid FROM events WHERE event_id = ?1", params![event], |row| row.get(0))
}

/// The number of an event of this room, and the root of the thread that it belongs to.
///
/// # Errors
/// Any failure of the database.
pub fn find_in_room(
    tx: &impl Reader,
    room: RoomNid,
    event: &EventId,
) -> Result<Option<(EventNid, Option<EventNid>)>, StoreError> {
    tx.query_row(
        "SELECT nid, thread FROM events WHERE event_id = ?2 AND room_nid = ?1",
        params![room, event],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The id of an event.
///
/// # Errors
/// [`StoreError::Malformed`] if there is none, or any failure of the database.
pub fn event_id(tx: &impl Reader, event: EventNid) -> Result<OwnedEventId, StoreError> {
    tx.query_row("SELECT event_id FROM events WHERE nid = ?1", params![event], |row| row.get(0))?
        .ok_or_else(|| StoreError::Malformed(format!("no event has the number {}", event.0)))
}

/// An event with its text.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, event: EventNid) -> Result<Option<EventRow>, StoreError> {
    tx.query_row(
        "SELECT e.nid, e.event_id, e.room_nid, r.room_id, r.room_version, e.pos, e.topo, e.sender_nid, \
         e.state_before, e.replaces, e.relates_to, e.rel_type, e.thread, e.redacted_by, j.pdu, \
         e.txn_device, e.txn_id \
         FROM events e JOIN event_json j ON j.nid = e.nid JOIN rooms r ON r.nid = e.room_nid WHERE e.nid = ?1",
        params![event],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<EventRow, StoreError> {
    let device: Option<String> = row.get(15)?;
    Ok(EventRow {
        nid: row.get(0)?,
        event_id: row.get(1)?,
        room: row.get(2)?,
        room_id: row.get(3)?,
        room_version: row.get(4)?,
        pos: row.get(5)?,
        topo: row.get(6)?,
        sender: row.get(7)?,
        state_before: row.get(8)?,
        replaces: row.get(9)?,
        relates_to: row.get(10)?,
        rel_type: row.get(11)?,
        thread: row.get(12)?,
        redacted_by: row.get(13)?,
        pdu: row.get(14)?,
        transaction: device.zip(row.get(16)?),
    })
}

fn point(row: &Row<'_>) -> Result<EventPoint, StoreError> {
    Ok(EventPoint { nid: row.get(0)?, pos: row.get(1)?, topo: row.get(2)? })
}

/// The newest events of a room with `after < pos <= upto`, newest first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn newest(
    tx: &impl Reader,
    room: RoomNid,
    after: Pos,
    upto: Pos,
    limit: usize,
) -> Result<Vec<EventPoint>, StoreError> {
    tx.query(
        "SELECT nid, pos, topo FROM events WHERE room_nid = ?1 AND pos > ?2 AND pos <= ?3 \
         ORDER BY pos DESC LIMIT ?4",
        params![room, after, upto, limit],
        point,
    )
}

/// The events of a room before the point (`topo`, `pos`), that point included, newest first. Depth grows with the
/// position, so the position alone says where the point is.
///
/// # Errors
/// Any failure of the database.
pub fn backwards(
    tx: &impl Reader,
    room: RoomNid,
    from: (i64, Pos),
    limit: usize,
) -> Result<Vec<EventPoint>, StoreError> {
    tx.query(
        "SELECT nid, pos, topo FROM events WHERE room_nid = ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT ?3",
        params![room, from.1, limit],
        point,
    )
}

/// The events of a room after the point (`topo`, `pos`), that point excluded, oldest first.
///
/// # Errors
/// Any failure of the database.
pub fn forwards(
    tx: &impl Reader,
    room: RoomNid,
    from: (i64, Pos),
    limit: usize,
) -> Result<Vec<EventPoint>, StoreError> {
    tx.query(
        "SELECT nid, pos, topo FROM events WHERE room_nid = ?1 AND pos > ?2 ORDER BY pos LIMIT ?3",
        params![room, from.1, limit],
        point,
    )
}

/// The last event of a room that had happened at position `pos`.
///
/// # Errors
/// Any failure of the database.
pub fn last_at(tx: &impl Reader, room: RoomNid, pos: Pos) -> Result<Option<EventPoint>, StoreError> {
    newest(tx, room, 0, pos, 1).map(|points| points.first().copied())
}

/// The first event of a room after position `pos`.
///
/// # Errors
/// Any failure of the database.
pub fn first_after(tx: &impl Reader, room: RoomNid, pos: Pos) -> Result<Option<EventPoint>, StoreError> {
    tx.query_row(
        "SELECT nid, pos, topo FROM events WHERE room_nid = ?1 AND pos > ?2 ORDER BY pos LIMIT 1",
        params![room, pos],
        point,
    )
}

/// The state events of a room with `after < pos <= upto`: which key, by which event, oldest first.
///
/// # Errors
/// Any failure of the database.
pub fn state_changes(
    tx: &impl Reader,
    room: RoomNid,
    after: Pos,
    upto: Pos,
) -> Result<Vec<(StateKeyNid, EventNid)>, StoreError> {
    tx.query(
        "SELECT state_key_nid, nid FROM events WHERE room_nid = ?1 AND pos > ?2 AND pos <= ?3 \
         AND state_key_nid IS NOT NULL ORDER BY pos",
        params![room, after, upto],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The state right after an event (a state event leads to the snapshot of its own number).
///
/// # Errors
/// Any failure of the database.
pub fn state_after(tx: &impl Reader, event: EventNid) -> Result<Option<SnapshotNid>, StoreError> {
    tx.query_row(
        "SELECT CASE WHEN state_key_nid IS NULL THEN state_before ELSE nid END FROM events WHERE nid = ?1",
        params![event],
        |row| row.get(0),
    )
    .map(Option::flatten)
}

/// Which relations to list.
#[derive(Clone, Copy, Debug)]
pub struct Relations<'a> {
    /// The event that they relate to.
    pub target: EventNid,
    /// 1: directly; more: over so many steps.
    pub depth: u32,
    /// Only relations of this `rel_type`.
    pub rel_type: Option<&'a str>,
    /// Only events of this type.
    pub kind: Option<&'a str>,
    /// Depth and position: the point after which (going forwards) or up to which (backwards) they are listed.
    pub from: (i64, Pos),
    /// Newest first instead of oldest first.
    pub backwards: bool,
}

/// The events that relate to an event, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn relations(
    tx: &impl Reader,
    wanted: &Relations<'_>,
    limit: usize,
) -> Result<Vec<EventPoint>, StoreError> {
    let sql = if wanted.backwards {
        "WITH RECURSIVE related (nid, depth) AS (SELECT nid, 1 FROM events WHERE relates_to = ?1 \
         UNION SELECT e.nid, r.depth + 1 FROM events e JOIN related r ON e.relates_to = r.nid WHERE r.depth < ?2) \
         SELECT DISTINCT e.nid, e.pos, e.topo FROM related r JOIN events e ON e.nid = r.nid \
         WHERE (?3 IS NULL OR e.rel_type = ?3) AND (?4 IS NULL OR e.kind = ?4) \
         AND (e.topo, e.pos) <= (?5, ?6) ORDER BY e.topo DESC, e.pos DESC LIMIT ?7"
    } else {
        "WITH RECURSIVE related (nid, depth) AS (SELECT nid, 1 FROM events WHERE relates_to = ?1 \
         UNION SELECT e.nid, r.depth + 1 FROM events e JOIN related r ON e.relates_to = r.nid WHERE r.depth < ?2) \
         SELECT DISTINCT e.nid, e.pos, e.topo FROM related r JOIN events e ON e.nid = r.nid \
         WHERE (?3 IS NULL OR e.rel_type = ?3) AND (?4 IS NULL OR e.kind = ?4) \
         AND (e.topo, e.pos) > (?5, ?6) ORDER BY e.topo, e.pos LIMIT ?7"
    };
    let (topo, pos) = wanted.from;
    let params = params![wanted.target, wanted.depth, wanted.rel_type, wanted.kind, topo, pos, limit];
    tx.query(sql, params, point)
}

/// The kinds of relation (`rel_type`) that an event is the target of, in alphabetical order.
///
/// # Errors
/// Any failure of the database.
pub fn relation_kinds(tx: &impl Reader, target: EventNid) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT DISTINCT rel_type FROM events WHERE relates_to = ?1 AND rel_type IS NOT NULL ORDER BY rel_type",
        params![target],
        |row| row.get(0),
    )
}

/// Who sent the events that relate to an event, and how they relate (`rel_type`), at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn related_by(
    tx: &impl Reader,
    target: EventNid,
    limit: usize,
) -> Result<Vec<(OwnedUserId, String)>, StoreError> {
    tx.query(
        "SELECT DISTINCT u.user_id, e.rel_type FROM events e JOIN users u ON u.nid = e.sender_nid \
         WHERE e.relates_to = ?1 AND e.rel_type IS NOT NULL ORDER BY u.user_id, e.rel_type LIMIT ?2",
        params![target, limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The annotations of an event by one sender.
///
/// # Errors
/// Any failure of the database.
pub fn annotations_by(
    tx: &impl Reader,
    target: EventNid,
    sender: UserNid,
) -> Result<Vec<EventNid>, StoreError> {
    tx.query(
        "SELECT nid FROM events WHERE relates_to = ?1 AND rel_type = 'm.annotation' AND sender_nid = ?2",
        params![target, sender],
        |row| row.get(0),
    )
}

/// The newest replacement (`m.replace`) of an event by its own sender and of its own type.
///
/// # Errors
/// Any failure of the database.
pub fn replacement(tx: &impl Reader, target: EventNid) -> Result<Option<EventNid>, StoreError> {
    tx.query_row(
        "SELECT r.nid FROM events r JOIN events e ON e.nid = r.relates_to \
         WHERE r.relates_to = ?1 AND r.rel_type = 'm.replace' AND r.sender_nid = e.sender_nid \
         AND r.kind = e.kind AND e.state_key_nid IS NULL ORDER BY r.ts DESC, r.event_id DESC LIMIT 1",
        params![target],
        |row| row.get(0),
    )
}

/// The thread under `root`: how many events, the newest of them, and whether `user` sent one.
///
/// # Errors
/// Any failure of the database.
pub fn thread(
    tx: &impl Reader,
    root: EventNid,
    user: UserNid,
) -> Result<Option<(u64, EventNid, bool)>, StoreError> {
    tx.query_row(
        "SELECT count(*), (SELECT nid FROM events WHERE relates_to = ?1 AND rel_type = 'm.thread' \
         ORDER BY topo DESC, pos DESC LIMIT 1), coalesce(max(sender_nid = ?2), 0) \
         FROM events WHERE relates_to = ?1 AND rel_type = 'm.thread'",
        params![root, user],
        |row| {
            let count: u64 = row.get(0)?;
            Ok(if count == 0 { None } else { Some((count, row.get(1)?, row.get(2)?)) })
        },
    )
    .map(Option::flatten)
}
