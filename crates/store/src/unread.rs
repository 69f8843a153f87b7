//! What unread counts are made from: the events after a position, how far somebody has read, and long counts that are
//! kept over a restart.

use crate::{EventNid, Pos, Reader, RoomNid, StateKeyNid, StoreError, UserNid, WriteTx, params};

/// An event that may be unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The event.
    pub event: EventNid,
    /// Its position.
    pub pos: Pos,
    /// Whether it is an `m.room.member`: the number of members may change with it.
    pub member: bool,
    /// Whether it is passed over: somebody else's membership, which is no news.
    pub passed: bool,
}

/// Which memberships of others are passed over.
#[derive(Clone, Copy, Debug)]
pub enum Passed<'a> {
    /// None.
    Nothing,
    /// Those without this text in their JSON. As a pattern of `LIKE` it may find more, which does no harm.
    Without(&'a str),
    /// All.
    All,
}

/// The events of a room with `after < pos <= upto`, oldest first, as they look to `user`, whose own membership has the key
/// `own` in the state.
///
/// # Errors
/// Any failure of the database.
pub fn between(
    tx: &impl Reader,
    room: RoomNid,
    (after, upto): (Pos, Pos),
    (user, own): (UserNid, Option<StateKeyNid>),
    passed: Passed<'_>,
) -> Result<Vec<Candidate>, StoreError> {
    let pattern = match passed {
        Passed::Nothing => None,
        Passed::Without(text) => Some(format!("%{text}%")),
        Passed::All => Some(String::new()),
    };
    tx.query(
        "SELECT e.nid, e.pos, e.kind = 'm.room.member', \
         e.kind = 'm.room.member' AND ?6 IS NOT NULL AND e.sender_nid <> ?4 \
         AND (?5 IS NULL OR e.state_key_nid IS NULL OR e.state_key_nid <> ?5) \
         AND (?6 = '' OR NOT EXISTS (SELECT 1 FROM event_json j WHERE j.nid = e.nid AND j.pdu LIKE ?6)) \
         FROM events e WHERE e.room_nid = ?1 AND e.pos > ?2 AND e.pos <= ?3 ORDER BY e.pos",
        params![room, after, upto, user, own, pattern],
        |row| {
            Ok(Candidate { event: row.get(0)?, pos: row.get(1)?, member: row.get(2)?, passed: row.get(3)? })
        },
    )
}

/// The `m.room.member` events of a room after a position.
///
/// # Errors
/// Any failure of the database.
pub fn members_after(tx: &impl Reader, room: RoomNid, after: Pos) -> Result<Vec<EventNid>, StoreError> {
    tx.query(
        "SELECT nid FROM events WHERE room_nid = ?1 AND pos > ?2 AND kind = 'm.room.member'",
        params![room, after],
        |row| row.get(0),
    )
}

/// How far a user has read a room, by receipts that others see and by private ones: a position for each thread
/// (the empty string: all of them), in the order of the threads' names.
///
/// # Errors
/// Any failure of the database.
pub fn read_positions(
    tx: &impl Reader,
    room: RoomNid,
    user: UserNid,
) -> Result<Vec<(String, Pos)>, StoreError> {
    tx.query(
        "SELECT thread, max(event_pos) FROM receipts WHERE room_nid = ?1 AND user_nid = ?2 \
         AND kind IN ('m.read', 'm.read.private') GROUP BY thread ORDER BY thread",
        params![room, user],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The rooms that a user is joined to, with the position of each room's last event.
///
/// # Errors
/// Any failure of the database.
pub fn joined_rooms(tx: &impl Reader, user: UserNid) -> Result<Vec<(RoomNid, Pos)>, StoreError> {
    tx.query(
        "SELECT m.room_nid, r.last_pos FROM members m JOIN rooms r ON r.nid = m.room_nid \
         WHERE m.user_nid = ?1 AND m.membership = 2",
        params![user],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The rooms that a user is invited to, each with the position of the invitation.
///
/// # Errors
/// Any failure of the database.
pub fn invitations(tx: &impl Reader, user: UserNid) -> Result<Vec<(RoomNid, Pos)>, StoreError> {
    tx.query(
        "SELECT room_nid, pos FROM members WHERE user_nid = ?1 AND membership = 1 AND forgotten = 0",
        params![user],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// A count that was kept: JSON.
///
/// # Errors
/// Any failure of the database.
pub fn kept(tx: &impl Reader, user: UserNid, room: RoomNid) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT counter FROM unread_counters WHERE user_nid = ?1 AND room_nid = ?2",
        params![user, room],
        |row| row.get(0),
    )
}

/// Keeps a count.
///
/// # Errors
/// Any failure of the database.
pub fn keep(tx: &mut WriteTx<'_>, user: UserNid, room: RoomNid, counter: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO unread_counters (user_nid, room_nid, counter) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_nid, room_nid) DO UPDATE SET counter = excluded.counter",
        params![user, room, counter],
    )
    .map(drop)
}
