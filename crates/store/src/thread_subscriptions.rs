//! Threads that users follow (MSC4306).

use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};

use crate::{EventNid, Kind, Pos, Reader, RoomNid, Row, StoreError, UserNid, WriteTx, params};

/// Whether and how somebody follows a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Whether they follow it; `false`: they did once.
    pub subscribed: bool,
    /// Whether their client decided so by itself.
    pub automatic: bool,
    /// Position of the last change.
    pub pos: Pos,
}

/// A [`Subscription`] with the thread that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The room of the thread.
    pub room: OwnedRoomId,
    /// The event that the thread hangs from.
    pub root: OwnedEventId,
    /// Whether and how it is followed.
    pub subscription: Subscription,
}

fn read(row: &Row<'_>, first: usize) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        subscribed: row.get::<i64>(first)? != 0,
        automatic: row.get::<i64>(first + 1)? != 0,
        pos: row.get(first + 2)?,
    })
}

/// Whether and how somebody follows a thread; `None` if they never did.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid, root: EventNid) -> Result<Option<Subscription>, StoreError> {
    tx.query_row(
        "SELECT subscribed, automatic, pos FROM thread_subscriptions WHERE user_nid = ?1 AND root_nid = ?2",
        params![user, root],
        |row| read(row, 0),
    )
}

/// The position of the last change of what somebody follows; 0: they never followed anything.
///
/// # Errors
/// Any failure of the database.
pub fn changed_at(tx: &impl Reader, user: UserNid) -> Result<Pos, StoreError> {
    let last = tx.query_row(
        "SELECT pos FROM thread_subscriptions WHERE user_nid = ?1 ORDER BY pos DESC LIMIT 1",
        params![user],
        |row| row.get(0),
    )?;
    Ok(last.unwrap_or(0))
}

/// Notes whether and how somebody follows a thread from now on; the position of the change.
///
/// # Errors
/// Any failure of the database.
pub fn put(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: RoomNid,
    root: EventNid,
    subscribed: bool,
    automatic: bool,
) -> Result<Pos, StoreError> {
    let pos = tx.record(Kind::ThreadSubscription, None, Some(user), root.0)?;
    tx.execute(
        "INSERT INTO thread_subscriptions (user_nid, root_nid, room_nid, subscribed, automatic, pos) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (user_nid, root_nid) DO UPDATE SET \
         subscribed = excluded.subscribed, automatic = excluded.automatic, pos = excluded.pos",
        params![user, root, room, subscribed, automatic, pos],
    )?;
    Ok(pos)
}

/// What somebody changed with `after < pos <= upto`, newest first, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn changes(
    tx: &impl Reader,
    user: UserNid,
    after: Pos,
    upto: Pos,
    limit: usize,
) -> Result<Vec<Followed>, StoreError> {
    tx.query(
        "SELECT r.room_id, e.event_id, s.subscribed, s.automatic, s.pos FROM thread_subscriptions s \
         JOIN rooms r ON r.nid = s.room_nid JOIN events e ON e.nid = s.root_nid \
         WHERE s.user_nid = ?1 AND s.pos > ?2 AND s.pos <= ?3 ORDER BY s.pos DESC LIMIT ?4",
        params![user, after, upto, limit],
        |row| Ok(Followed { room: row.get(0)?, root: row.get(1)?, subscription: read(row, 2)? }),
    )
}
