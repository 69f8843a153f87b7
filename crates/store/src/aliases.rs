//! Local aliases of rooms.

use wardline_domain::Timestamp;

use crate::{Reader, RoomNid, StoreError, UserNid, WriteTx, params};

/// Points an alias to a room. `false` if the alias is taken; nothing is changed then.
///
/// # Errors
/// Any failure of the database.
pub fn create(
    tx: &mut WriteTx<'_>,
    alias: &str,
    room: RoomNid,
    creator: UserNid,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = tx.execute(
        "INSERT INTO room_aliases (alias, room_nid, creator_nid, created_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (alias) DO NOTHING",
        params![alias, room, creator, at],
    )?;
    Ok(inserted == 1)
}

/// Removes an alias; whether it was there.
///
/// # Errors
/// Any failure of the database.
pub fn delete(tx: &mut WriteTx<'_>, alias: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM room_aliases WHERE alias = ?1", params![alias])? == 1)
}

/// The room behind an alias and who made the alias.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, alias: &str) -> Result<Option<(RoomNid, UserNid)>, StoreError> {
    tx.query_row("SELECT room_nid, creator_nid FROM room_aliases WHERE alias = ?1", params![alias], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// The aliases of a room, in alphabetical order.
///
/// # Errors
/// Any failure of the database.
pub fn of_room(tx: &impl Reader, room: RoomNid) -> Result<Vec<String>, StoreError> {
    tx.query("SELECT alias FROM room_aliases WHERE room_nid = ?1 ORDER BY alias", params![room], |row| {
        row.get(0)
    })
}

/// Points all aliases of a room to another one.
///
/// # Errors
/// Any failure of the database.
pub fn move_all(tx: &mut WriteTx<'_>, from: RoomNid, to: RoomNid) -> Result<(), StoreError> {
    tx.execute("UPDATE room_aliases SET room_nid = ?2 WHERE room_nid = ?1", params![from, to])?;
    Ok(())
}
