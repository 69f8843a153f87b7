//! Membership: who is or was in which room. The only source of it.

use wardline_domain::ruma::OwnedUserId;
pub use wardline_domain::visibility::Membership;

use crate::{
    EventNid, FromColumn, Param, Pos, Reader, RoomNid, Row, StoreError, ToParam, UserNid, WriteTx, params,
};

impl ToParam for Membership {
    /// The numbers are stored: never change one. 2 and 4 are named in the statements below.
    fn to_param(&self) -> Param<'_> {
        Param::Int(match self {
            Self::Invite => 1,
            Self::Join => 2,
            Self::Leave => 3,
            Self::Ban => 4,
            Self::Knock => 5,
        })
    }
}

impl FromColumn for Membership {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        match u8::from_column(row, index)? {
            1 => Ok(Self::Invite),
            2 => Ok(Self::Join),
            3 => Ok(Self::Leave),
            4 => Ok(Self::Ban),
            5 => Ok(Self::Knock),
            other => Err(StoreError::Malformed(format!("unknown membership {other}"))),
        }
    }
}

/// One user's membership of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The room.
    pub room: RoomNid,
    /// The user.
    pub user: UserNid,
    /// The membership now.
    pub membership: Membership,
    /// The `m.room.member` event.
    pub event: EventNid,
    /// Position of the change.
    pub pos: Pos,
    /// Whether the user forgot the room after leaving it.
    pub forgotten: bool,
    /// For an invite: JSON array of stripped state events.
    pub stripped: Option<String>,
}

const COLUMNS: &str = "room_nid, user_nid, membership, event_nid, pos, forgotten, stripped";

fn read(row: &Row<'_>) -> Result<MemberRow, StoreError> {
    Ok(MemberRow {
        room: row.get(0)?,
        user: row.get(1)?,
        membership: row.get(2)?,
        event: row.get(3)?,
        pos: row.get(4)?,
        forgotten: row.get(5)?,
        stripped: row.get(6)?,
    })
}

/// Writes a membership; forgetting is undone by it.
///
/// # Errors
/// Any failure of the database.
pub fn set(tx: &mut WriteTx<'_>, member: &MemberRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO members (room_nid, user_nid, membership, event_nid, pos, forgotten, stripped) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (room_nid, user_nid) DO UPDATE SET \
         membership = excluded.membership, event_nid = excluded.event_nid, pos = excluded.pos, \
         forgotten = excluded.forgotten, stripped = excluded.stripped",
        params![
            member.room,
            member.user,
            member.membership,
            member.event,
            member.pos,
            member.forgotten,
            member.stripped
        ],
    )?;
    Ok(())
}

/// Marks a room that the user has left (or was banned from) as forgotten; whether it was such a room.
///
/// # Errors
/// Any failure of the database.
pub fn forget(tx: &mut WriteTx<'_>, room: RoomNid, user: UserNid) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE members SET forgotten = 1 WHERE room_nid = ?1 AND user_nid = ?2 AND membership IN (3, 4)",
        params![room, user],
    )?;
    Ok(changed == 1)
}

/// A user's membership of a room, if they ever had one.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, room: RoomNid, user: UserNid) -> Result<Option<MemberRow>, StoreError> {
    tx.query_row(
        &format!("SELECT {COLUMNS} FROM members WHERE room_nid = ?1 AND user_nid = ?2"),
        params![room, user],
        read,
    )
}

/// Everybody who is or was in a room, in the order of their numbers.
///
/// # Errors
/// Any failure of the database.
pub fn of_room(tx: &impl Reader, room: RoomNid) -> Result<Vec<(OwnedUserId, MemberRow)>, StoreError> {
    tx.query(
        "SELECT m.room_nid, m.user_nid, m.membership, m.event_nid, m.pos, m.forgotten, m.stripped, u.user_id \
         FROM members m JOIN users u ON u.nid = m.user_nid WHERE m.room_nid = ?1 ORDER BY m.user_nid",
        params![room],
        |row| Ok((row.get(7)?, read(row)?)),
    )
}

/// The users with this membership of a room.
///
/// # Errors
/// Any failure of the database.
pub fn users_in(tx: &impl Reader, room: RoomNid, membership: Membership) -> Result<Vec<UserNid>, StoreError> {
    tx.query(
        "SELECT user_nid FROM members WHERE room_nid = ?1 AND membership = ?2 ORDER BY user_nid",
        params![room, membership],
        |row| row.get(0),
    )
}

/// All memberships of a user, forgotten ones included, oldest change first.
///
/// # Errors
/// Any failure of the database.
pub fn of_user(tx: &impl Reader, user: UserNid) -> Result<Vec<MemberRow>, StoreError> {
    tx.query(&format!("SELECT {COLUMNS} FROM members WHERE user_nid = ?1 ORDER BY pos"), params![user], read)
}

/// The rooms that a user has this membership of.
///
/// # Errors
/// Any failure of the database.
pub fn rooms_of(tx: &impl Reader, user: UserNid, membership: Membership) -> Result<Vec<RoomNid>, StoreError> {
    tx.query(
        "SELECT room_nid FROM members WHERE user_nid = ?1 AND membership = ?2 ORDER BY pos",
        params![user, membership],
        |row| row.get(0),
    )
}

/// Every current join, for followers in memory that start from nothing.
///
/// # Errors
/// Any failure of the database, or what `visit` returns.
pub fn for_each_joined(
    tx: &impl Reader,
    mut visit: impl FnMut(RoomNid, UserNid) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.for_each("SELECT room_nid, user_nid FROM members WHERE membership = 2", params![], |row| {
        visit(row.get(0)?, row.get(1)?)
    })
}

/// Whether two users are joined to a common room.
///
/// # Errors
/// Any failure of the database.
pub fn share_room(tx: &impl Reader, a: UserNid, b: UserNid) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT 1 FROM members a JOIN members b ON b.room_nid = a.room_nid \
         WHERE a.user_nid = ?1 AND a.membership = 2 AND b.user_nid = ?2 AND b.membership = 2 LIMIT 1",
        params![a, b],
        |_| Ok(()),
    )
    .map(|found| found.is_some())
}

/// Everybody who shares a room with a user, without the user, in no order.
///
/// # Errors
/// Any failure of the database.
pub fn neighbours(tx: &impl Reader, user: UserNid) -> Result<Vec<UserNid>, StoreError> {
    tx.query(
        "SELECT DISTINCT b.user_nid FROM members a JOIN members b ON b.room_nid = a.room_nid \
         WHERE a.user_nid = ?1 AND a.membership = 2 AND b.membership = 2 AND b.user_nid <> ?1",
        params![user],
        |row| row.get(0),
    )
}
