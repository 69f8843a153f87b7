//! Unread notifications: the events that a push rule told somebody of and that are not read yet. The unread
//! counts of `/sync` and of the badge are counts of these rows, so they cannot drift.

use crate::{EventNid, Pos, Reader, RoomNid, StoreError, UserNid, WriteTx, params};

/// The thread of an event that is in no thread (Client-Server API, "Threaded read receipts").
pub const MAIN_THREAD: &str = "main";

/// An event of which somebody is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The room.
    pub room: RoomNid,
    /// The event.
    pub event: EventNid,
    /// Its position.
    pub event_pos: Pos,
    /// [`MAIN_THREAD`] or the id of the thread's root.
    pub thread: String,
    /// Whether it is also to be highlighted.
    pub highlight: bool,
    /// The actions of the rule that matched: a JSON array.
    pub actions: String,
}

/// Unread events of one thread of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// [`MAIN_THREAD`] or the id of the thread's root.
    pub thread: String,
    /// How many.
    pub notifications: u64,
    /// How many of them are highlighted.
    pub highlights: u64,
}

/// Notes that `user` is to be told of an event.
///
/// # Errors
/// Any failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, user: UserNid, what: &Notification) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO notify (user_nid, room_nid, event_pos, event_nid, thread, highlight, actions) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (user_nid, room_nid, event_pos) DO NOTHING",
        params![user, what.room, what.event_pos, what.event, what.thread, what.highlight, what.actions],
    )
    .map(drop)
}

/// Marks everything up to an event as read: in one thread, or in all threads of the room for `None`.
///
/// # Errors
/// Any failure of the database.
pub fn read_up_to(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: RoomNid,
    thread: Option<&str>,
    event_pos: Pos,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM notify WHERE user_nid = ?1 AND room_nid = ?2 AND event_pos <= ?3 \
         AND (?4 IS NULL OR thread = ?4)",
        params![user, room, event_pos, thread],
    )
    .map(drop)
}

/// The unread events of a user in a room, by thread; threads without any are left out.
///
/// # Errors
/// Any failure of the database.
pub fn unread(tx: &impl Reader, user: UserNid, room: RoomNid) -> Result<Vec<Unread>, StoreError> {
    tx.query(
        "SELECT thread, count(*), sum(highlight) FROM notify WHERE user_nid = ?1 AND room_nid = ?2 GROUP BY thread",
        params![user, room],
        |row| Ok(Unread { thread: row.get(0)?, notifications: row.get(1)?, highlights: row.get(2)? }),
    )
}

/// The unread notifications of a user before position `before`, newest first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn latest(
    tx: &impl Reader,
    user: UserNid,
    before: Pos,
    highlights_only: bool,
    limit: usize,
) -> Result<Vec<Notification>, StoreError> {
    tx.query(
        "SELECT room_nid, event_nid, event_pos, thread, highlight, actions FROM notify \
         WHERE user_nid = ?1 AND event_pos < ?2 AND highlight >= ?3 ORDER BY event_pos DESC LIMIT ?4",
        params![user, before, highlights_only, limit],
        |row| {
            Ok(Notification {
                room: row.get(0)?,
                event: row.get(1)?,
                event_pos: row.get(2)?,
                thread: row.get(3)?,
                highlight: row.get(4)?,
                actions: row.get(5)?,
            })
        },
    )
}
