//! The one ordered stream: every persisted change takes its position here, at commit.
//!
//! A position is a consecutive `u64` that starts at 1; a sync token is one such number. The stream says *that*
//! something changed and where; the rows themselves live in their aggregate's tables.

use std::sync::Arc;

use crate::value::{FromColumn, Param, ToParam};
use crate::{EventNid, Reader, RoomNid, Row, StoreError, UserNid, params};

/// A position in the stream.
pub type Pos = u64;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal),* $(,)?) => {
        /// What kind of change a position stands for. The numbers are stored: never reuse one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name = $code),* }

        impl FromColumn for Kind {
            fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                match u8::from_column(row, index)? {
                    $($code => Ok(Self::$name),)*
                    other => Err(StoreError::Malformed(format!("unknown stream kind {other}"))),
                }
            }
        }
    };
}

kinds! {
    /// An event entered a room's timeline. `room`; `user` is the sender; `reference` is the event's nid.
    Event = 1,
    /// A receipt moved. `room`; `user` is whose.
    Receipt = 2,
    /// Account data changed. `user`; `room` if it is a room's; private to the user.
    AccountData = 3,
    /// A to-device message waits. `user`; `reference` is the message's row.
    ToDevice = 4,
    /// A user's devices or identity keys changed. `user` is whose.
    DeviceList = 5,
    /// Push rules changed. `user`; private to the user.
    PushRules = 6,
    /// One-time or fallback keys of a device changed. `user`; private to the user.
    OneTimeKeys = 7,
    /// A user's membership of a room changed. `room`; `user` is the member; `reference` is a
    /// [`membership_reference`], so that followers in memory know who is joined without reading a table.
    Membership = 8,
    /// A request (FHIR Task) changed. `reference` is the task's row.
    Request = 9,
    /// A profile changed. `user` is whose.
    Profile = 10,
    /// A device was added, renamed or removed. `user`; private to the user.
    Device = 11,
    /// A room was forgotten by a user. `room`, `user`; private to the user.
    Forgotten = 12,
    /// A user follows a thread, or no longer. `user`; `reference` is the root's nid; private to the user.
    ThreadSubscription = 40,
    /// A person has an alert. `user`; tells pushers only.
    Alert = 43,
    /// Old messages of a room were erased. `room`.
    Erased = 41,
    /// What stood here was purged with its room (then nothing else is said), or a stretch of a room's history was just
    /// purged. `room` in the second case.
    Purged = 42,
}

impl ToParam for Kind {
    fn to_param(&self) -> Param<'_> {
        Param::Int(*self as i64)
    }
}

/// The `reference` of a [`Kind::Membership`] row: the member event, and whether the user is joined after it.
#[must_use]
pub const fn membership_reference(event: EventNid, joined: bool) -> i64 {
    (event.0 << 1) | joined as i64
}

/// Takes a [`membership_reference`] apart: the member event, and whether the user is joined after it.
#[must_use]
pub const fn membership_of(reference: i64) -> (EventNid, bool) {
    (EventNid(reference >> 1), reference & 1 == 1)
}

/// One change: what happened, where, to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamRow {
    /// The position; assigned by [`WriteTx::record`](crate::WriteTx::record).
    pub pos: Pos,
    /// What kind of change.
    pub kind: Kind,
    /// The room concerned, if any.
    pub room: Option<RoomNid>,
    /// The user concerned, if any.
    pub user: Option<UserNid>,
    /// A row of the kind's own table (for memberships: a [`membership_reference`]), or 0.
    pub reference: i64,
}

/// Somebody who follows the stream in memory.
pub trait StreamSink: Send + Sync {
    /// Called on the writer thread after the rows are durable and before their writers are answered: rows in
    /// position order, no gaps between calls. Must return quickly and must not write to the store.
    fn committed(&self, rows: &[StreamRow]);
}

impl<T: StreamSink + ?Sized> StreamSink for Arc<T> {
    fn committed(&self, rows: &[StreamRow]) {
        (**self).committed(rows);
    }
}

/// The rows with `after < pos <= upto`, in order, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn range(tx: &impl Reader, after: Pos, upto: Pos, limit: usize) -> Result<Vec<StreamRow>, StoreError> {
    tx.query(
        "SELECT pos, kind, room_nid, user_nid, ref FROM stream WHERE pos > ?1 AND pos <= ?2 ORDER BY pos LIMIT ?3",
        params![after, upto, limit],
        |row| {
            Ok(StreamRow {
                pos: row.get(0)?,
                kind: row.get(1)?,
                room: row.get(2)?,
                user: row.get(3)?,
                reference: row.get(4)?,
            })
        },
    )
}

/// The last durable position (0 in an empty database).
///
/// # Errors
/// Any failure of the database.
pub fn head(tx: &impl Reader) -> Result<Pos, StoreError> {
    tx.query_row("SELECT pos FROM stream_head WHERE id = 1", params![], |row| row.get(0))
        .map(Option::unwrap_or_default)
}

/// Checks that the stream has no gaps: returns the first missing position, if any.
///
/// # Errors
/// Any failure of the database.
pub fn first_gap(tx: &impl Reader) -> Result<Option<Pos>, StoreError> {
    let head = head(tx)?;
    let gap = tx.query_row(
        "SELECT a.pos + 1 FROM stream a LEFT JOIN stream b ON b.pos = a.pos + 1 \
         WHERE b.pos IS NULL AND a.pos < ?1 ORDER BY a.pos LIMIT 1",
        params![head],
        |row| row.get(0),
    )?;
    let last: Option<Pos> =
        tx.query_row("SELECT max(pos) FROM stream", params![], |row| row.get(0))?.flatten();
    Ok(gap.or_else(|| (last.unwrap_or(0) < head).then(|| last.unwrap_or(0) + 1)))
}
