//! Account data (Client-Server API, "Client Config"): JSON that a user keeps on the server, for the whole
//! account or for one room. Tags (`m.tag`) and the read marker (`m.fully_read`) are account data of a room.

use crate::{Kind, Pos, Reader, RoomNid, StoreError, UserNid, WriteTx, params};

/// One piece of account data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountData {
    /// The room, or `None` for the whole account.
    pub room: Option<RoomNid>,
    /// The event type.
    pub kind: String,
    /// The content: a JSON object.
    pub content: String,
}

fn room_column(room: Option<RoomNid>) -> RoomNid {
    room.unwrap_or(RoomNid(0))
}

/// Stores account data; what was there under the same type is replaced.
///
/// # Errors
/// Any failure of the database.
pub fn put(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: Option<RoomNid>,
    kind: &str,
    content: &str,
) -> Result<Pos, StoreError> {
    put_marked(tx, user, room, kind, content, 0)
}

/// Deletes account data; whether there was any. What is left of it tells other devices.
///
/// # Errors
/// Any failure of the database.
pub fn delete(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: Option<RoomNid>,
    kind: &str,
) -> Result<bool, StoreError> {
    if get(tx, user, room, kind)?.is_none() {
        return Ok(false);
    }
    let pos = tx.record(Kind::AccountData, room, Some(user), 0)?;
    tx.execute(
        "UPDATE account_data SET content = '{}', mark = -1, pos = ?4 \
         WHERE user_nid = ?1 AND room_nid = ?2 AND kind = ?3",
        params![user, room_column(room), kind, pos],
    )?;
    Ok(true)
}

/// Moves a room's read marker (`m.fully_read`) forward; `false` if it already stands at that event or later.
///
/// # Errors
/// Any failure of the database.
pub fn advance_marker(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: RoomNid,
    content: &str,
    event_pos: Pos,
) -> Result<bool, StoreError> {
    let stands: Option<Pos> = tx.query_row(
        "SELECT mark FROM account_data WHERE user_nid = ?1 AND room_nid = ?2 AND kind = 'm.fully_read'",
        params![user, room],
        |row| row.get(0),
    )?;
    if stands.is_some_and(|stands| stands >= event_pos) {
        return Ok(false);
    }
    put_marked(tx, user, Some(room), "m.fully_read", content, event_pos).map(|_| true)
}

fn put_marked(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    room: Option<RoomNid>,
    kind: &str,
    content: &str,
    mark: Pos,
) -> Result<Pos, StoreError> {
    let pos = tx.record(Kind::AccountData, room, Some(user), 0)?;
    tx.execute(
        "INSERT INTO account_data (user_nid, room_nid, kind, content, mark, pos) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (user_nid, room_nid, kind) DO UPDATE SET \
         content = excluded.content, mark = excluded.mark, pos = excluded.pos",
        params![user, room_column(room), kind, content, mark, pos],
    )?;
    Ok(pos)
}

/// The content of one piece of account data.
///
/// # Errors
/// Any failure of the database.
pub fn get(
    tx: &impl Reader,
    user: UserNid,
    room: Option<RoomNid>,
    kind: &str,
) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT content FROM account_data WHERE user_nid = ?1 AND room_nid = ?2 AND kind = ?3 AND mark >= 0",
        params![user, room_column(room), kind],
        |row| row.get(0),
    )
}

/// All account data of a user, global and of rooms, that changed after `since`, in order of change. What was deleted
/// since is shown empty; who asks from the beginning (0) does not see it at all.
///
/// # Errors
/// Any failure of the database.
pub fn changed_since(tx: &impl Reader, user: UserNid, since: Pos) -> Result<Vec<AccountData>, StoreError> {
    tx.query(
        "SELECT room_nid, kind, content FROM account_data WHERE user_nid = ?1 AND pos > ?2 \
         AND (mark >= 0 OR ?2 > 0) ORDER BY pos",
        params![user, since],
        |row| {
            let room: RoomNid = row.get(0)?;
            Ok(AccountData { room: (room.0 != 0).then_some(room), kind: row.get(1)?, content: row.get(2)? })
        },
    )
}

/// All account data of a user in one room.
///
/// # Errors
/// Any failure of the database.
pub fn of_room(tx: &impl Reader, user: UserNid, room: RoomNid) -> Result<Vec<AccountData>, StoreError> {
    tx.query(
        "SELECT kind, content FROM account_data WHERE user_nid = ?1 AND room_nid = ?2 AND mark >= 0 ORDER BY kind",
        params![user, room],
        |row| Ok(AccountData { room: Some(room), kind: row.get(0)?, content: row.get(1)? }),
    )
}
