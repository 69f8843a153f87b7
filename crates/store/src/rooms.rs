//! Rooms and their heads. A head moves only by compare-and-swap on its fence.

use wardline_domain::Timestamp;
use wardline_domain::ruma::{OwnedRoomId, RoomId};

use crate::{EventNid, Pos, Reader, RoomNid, Row, SnapshotNid, StoreError, UserNid, WriteTx, params};

/// A room's head as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRow {
    /// Its number.
    pub nid: RoomNid,
    /// Its id.
    pub room_id: OwnedRoomId,
    /// Room version: "10", "11" or "12".
    pub room_version: String,
    /// `type` of `m.room.create`.
    pub room_type: Option<String>,
    /// Who created it.
    pub creator: UserNid,
    /// The number that the last commit drew.
    pub fence: i64,
    /// The forward extremities.
    pub extremities: Vec<EventNid>,
    /// Greatest depth of an event.
    pub depth: i64,
    /// The current state; `None` before the first state event.
    pub state: Option<SnapshotNid>,
    /// State events so far: the next ordinal of the auth index.
    pub auth_count: u32,
    /// Members whose membership is join.
    pub joined: u64,
    /// Members whose membership is invite.
    pub invited: u64,
    /// Whether it has `m.room.encryption`.
    pub encrypted: bool,
    /// Position of its last event.
    pub last_pos: Pos,
    /// When it was made here.
    pub created_at: Timestamp,
    /// The greatest `origin_server_ts` of its events.
    pub newest_ts: Timestamp,
}

/// Takes `count` numbers for rooms, events and snapshots; the first of them.
///
/// # Errors
/// Any failure of the database.
pub fn reserve_nids(tx: &mut WriteTx<'_>, count: i64) -> Result<i64, StoreError> {
    tx.query_row(
        "UPDATE nid_blocks SET next = next + ?1 WHERE id = 1 RETURNING next",
        params![count],
        |row| row.get::<i64>(0),
    )?
    .map(|next| next - count)
    .ok_or_else(|| StoreError::Malformed("nid_blocks has no row".into()))
}

/// Writes a new room. Its events follow in the same transaction.
///
/// # Errors
/// [`StoreError::Constraint`] if the room exists, or any other failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, room: &RoomRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO rooms (nid, room_id, room_version, room_type, creator_nid, fence, extremities, depth, \
         state_nid, auth_count, joined, invited, encrypted, last_pos, created_at, newest_ts) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        params![
            room.nid,
            room.room_id,
            room.room_version,
            room.room_type,
            room.creator,
            room.fence,
            encode(&room.extremities),
            room.depth,
            room.state,
            room.auth_count,
            room.joined,
            room.invited,
            room.encrypted,
            room.last_pos,
            room.created_at,
            room.newest_ts
        ],
    )?;
    Ok(())
}

/// Moves the fence of a head from `from` to `to`, a number that was never a fence before, and nothing else of it.
///
/// # Errors
/// [`StoreError::Conflict`] if the fence is not `from`, or any failure of the database.
pub fn claim(tx: &mut WriteTx<'_>, room: RoomNid, from: i64, to: i64) -> Result<(), StoreError> {
    match tx.execute("UPDATE rooms SET fence = ?3 WHERE nid = ?1 AND fence = ?2", params![room, from, to])? {
        0 => Err(StoreError::Conflict),
        _ => Ok(()),
    }
}

/// Checks that the head of a room is still the one with this fence. Done first in a commit, so that nothing is written
/// for a head that somebody else has moved.
///
/// # Errors
/// [`StoreError::Conflict`] if the fence is another, or any failure of the database.
pub fn check_fence(tx: &WriteTx<'_>, room: RoomNid, fence: i64) -> Result<(), StoreError> {
    let now =
        tx.query_row("SELECT fence FROM rooms WHERE nid = ?1", params![room], |row| row.get::<i64>(0))?;
    if now == Some(fence) { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Writes everything of the head that moves, its new fence with it: a number that was never a fence before.
///
/// # Errors
/// Any failure of the database.
pub fn advance(tx: &mut WriteTx<'_>, room: &RoomRow) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE rooms SET fence = ?2, extremities = ?3, depth = ?4, state_nid = ?5, auth_count = ?6, joined = ?7, \
         invited = ?8, encrypted = ?9, last_pos = ?10, newest_ts = ?11 WHERE nid = ?1",
        params![
            room.nid,
            room.fence,
            encode(&room.extremities),
            room.depth,
            room.state,
            room.auth_count,
            room.joined,
            room.invited,
            room.encrypted,
            room.last_pos,
            room.newest_ts
        ],
    )?;
    Ok(())
}

/// The number of a room.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, room: &RoomId) -> Result<Option<RoomNid>, StoreError> {
    tx.query_row("SELECT nid FROM rooms WHERE room_id = ?1", params![room], |row| row.get(0))
}

/// The id of a room.
///
/// # Errors
/// [`StoreError::Malformed`] if there is none, or any failure of the database.
pub fn room_id(tx: &impl Reader, room: RoomNid) -> Result<OwnedRoomId, StoreError> {
    tx.query_row("SELECT room_id FROM rooms WHERE nid = ?1", params![room], |row| row.get(0))?
        .ok_or_else(|| StoreError::Malformed(format!("no room has the number {}", room.0)))
}

/// A room's head.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, room: RoomNid) -> Result<Option<RoomRow>, StoreError> {
    tx.query_row(
        "SELECT nid, room_id, room_version, room_type, creator_nid, fence, extremities, depth, state_nid, \
         auth_count, joined, invited, encrypted, last_pos, created_at, newest_ts FROM rooms WHERE nid = ?1",
        params![room],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<RoomRow, StoreError> {
    Ok(RoomRow {
        nid: row.get(0)?,
        room_id: row.get(1)?,
        room_version: row.get(2)?,
        room_type: row.get(3)?,
        creator: row.get(4)?,
        fence: row.get(5)?,
        extremities: decode(row.blob(6)?)?,
        depth: row.get(7)?,
        state: row.get(8)?,
        auth_count: row.get(9)?,
        joined: row.get(10)?,
        invited: row.get(11)?,
        encrypted: row.get(12)?,
        last_pos: row.get(13)?,
        created_at: row.get(14)?,
        newest_ts: row.get(15)?,
    })
}

fn encode(events: &[EventNid]) -> Vec<u8> {
    events.iter().flat_map(|event| event.0.to_be_bytes()).collect()
}

fn decode(bytes: &[u8]) -> Result<Vec<EventNid>, StoreError> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(StoreError::Malformed("extremities are not whole numbers".into()));
    }
    Ok(chunks.iter().map(|chunk| EventNid(i64::from_be_bytes(*chunk))).collect())
}
