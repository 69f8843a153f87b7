//! What the hub and `/sync` read across aggregates.

use wardline_domain::ruma::EventId;

use crate::members::Membership;
use crate::{EventNid, Pos, Reader, RoomNid, StoreError, UserNid, params};

/// One membership, with what the hub needs to know of its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The room.
    pub room: RoomNid,
    /// The user.
    pub user: UserNid,
    /// Whether the user is joined.
    pub joined: bool,
    /// Position of the membership's last change.
    pub pos: Pos,
    /// Position of the room's last event.
    pub room_pos: Pos,
}

/// Visits every membership that is not forgotten.
///
/// # Errors
/// Any failure of the database.
pub fn for_each_member(tx: &impl Reader, mut visit: impl FnMut(Member)) -> Result<(), StoreError> {
    tx.for_each(
        "SELECT m.room_nid, m.user_nid, m.membership, m.pos, r.last_pos \
         FROM members m JOIN rooms r ON r.nid = m.room_nid WHERE m.forgotten = 0",
        params![],
        |row| {
            visit(Member {
                room: row.get(0)?,
                user: row.get(1)?,
                joined: row.get::<Membership>(2)? == Membership::Join,
                pos: row.get(3)?,
                room_pos: row.get(4)?,
            });
            Ok(())
        },
    )
}

/// The newest event of a room at or before `pos`.
///
/// # Errors
/// Any failure of the database.
pub fn last_event(tx: &impl Reader, room: RoomNid, pos: Pos) -> Result<Option<EventNid>, StoreError> {
    tx.query_row(
        "SELECT nid FROM events WHERE room_nid = ?1 AND pos <= ?2 ORDER BY pos DESC LIMIT 1",
        params![room, pos],
        |row| row.get(0),
    )
}

/// The users who hold one of these memberships of a room, in the order in which they came to it, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn earliest_members(
    tx: &impl Reader,
    room: RoomNid,
    memberships: [Membership; 2],
    limit: usize,
) -> Result<Vec<UserNid>, StoreError> {
    tx.query(
        "SELECT user_nid FROM members WHERE room_nid = ?1 AND membership IN (?2, ?3) ORDER BY pos LIMIT ?4",
        params![room, memberships[0], memberships[1], limit],
        |row| row.get(0),
    )
}

/// The position of an event of a room.
///
/// # Errors
/// Any failure of the database.
pub fn event_pos(tx: &impl Reader, room: RoomNid, event: &EventId) -> Result<Option<Pos>, StoreError> {
    tx.query_row(
        "SELECT pos FROM events WHERE event_id = ?2 AND room_nid = ?1",
        params![room, event],
        |row| row.get(0),
    )
}

/// The version of a room.
///
/// # Errors
/// Any failure of the database.
pub fn room_version(tx: &impl Reader, room: RoomNid) -> Result<Option<String>, StoreError> {
    tx.query_row("SELECT room_version FROM rooms WHERE nid = ?1", params![room], |row| row.get(0))
}

/// A room in somebody's list of rooms (MSC4186).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The room.
    pub room: RoomNid,
    /// The user's membership. Leave: somebody else removed them.
    pub membership: Membership,
    /// The member event.
    pub member_event: EventNid,
    /// The type of the room.
    pub room_type: Option<String>,
    /// Whether the room is encrypted.
    pub encrypted: bool,
    /// What orders the list: the position of the newest event that people look at, for a room that the user is not
    /// in that of the membership. 0: no such event after the asked position.
    pub bump: Pos,
}

/// Types of events that move a room up in a list (MSC4186, "bump stamp").
const BUMPING: &str = "('m.room.create', 'm.room.message', 'm.room.encrypted', 'm.sticker', 'm.call.invite', \
     'm.poll.start', 'org.matrix.msc3381.poll.start', 'm.beacon_info', 'org.matrix.msc3672.beacon_info')";

/// Which memberships put a room into a list: who left by themselves knows it, who was removed may not (MSC4186).
const LISTED: &str = "m.forgotten = 0 AND (m.membership <> 3 OR \
     (SELECT e.sender_nid FROM events e WHERE e.nid = m.event_nid) <> m.user_nid)";

/// The rooms in the lists of a user, in no order.
///
/// # Errors
/// Any failure of the database.
pub fn places(tx: &impl Reader, user: UserNid) -> Result<Vec<Place>, StoreError> {
    tx.query(
        &format!(
            "SELECT m.room_nid, m.membership, m.event_nid, r.room_type, r.encrypted, \
             CASE WHEN m.membership <> 2 THEN m.pos ELSE coalesce((SELECT e.pos FROM events e \
             WHERE e.room_nid = m.room_nid AND e.kind IN {BUMPING} ORDER BY e.pos DESC LIMIT 1), 0) END \
             FROM members m JOIN rooms r ON r.nid = m.room_nid \
             WHERE m.user_nid = ?1 AND {LISTED}"
        ),
        params![user],
        place,
    )
}

/// A room in the lists of a user; `None` if it is in none. Events up to `after` do not count for the order.
///
/// # Errors
/// Any failure of the database.
pub fn place_of(
    tx: &impl Reader,
    user: UserNid,
    room: RoomNid,
    after: Pos,
) -> Result<Option<Place>, StoreError> {
    tx.query_row(
        &format!(
            "SELECT m.room_nid, m.membership, m.event_nid, r.room_type, r.encrypted, \
             CASE WHEN m.membership <> 2 THEN m.pos ELSE coalesce((SELECT e.pos FROM events e \
             WHERE e.room_nid = m.room_nid AND e.pos > ?3 AND e.kind IN {BUMPING} \
             ORDER BY e.pos DESC LIMIT 1), 0) END \
             FROM members m JOIN rooms r ON r.nid = m.room_nid \
             WHERE m.user_nid = ?1 AND m.room_nid = ?2 AND {LISTED}"
        ),
        params![user, room, after],
        place,
    )
}

fn place(row: &crate::Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        room: row.get(0)?,
        membership: row.get(1)?,
        member_event: row.get(2)?,
        room_type: row.get(3)?,
        encrypted: row.get::<i64>(4)? != 0,
        bump: row.get(5)?,
    })
}
