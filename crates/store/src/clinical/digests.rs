//! Digests of what was sent for information: when each person was told last, and in which conversation.

use wardline_domain::{
    Timestamp,
    ruma::{OwnedRoomId, RoomId},
};

use crate::{Reader, StoreError, WriteTx, params};

/// When a person was told last.
///
/// # Errors
/// Any failure of the database.
pub fn told_at(tx: &impl Reader, person: &str) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT told_at FROM digests WHERE person = ?1";
    Ok(tx.query_row(sql, params![person], |row| row.get::<Option<Timestamp>>(0))?.flatten())
}

/// Notes that a person is told now.
///
/// # Errors
/// Any failure of the database.
pub fn set_told(tx: &mut WriteTx<'_>, person: &str, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO digests (person, told_at) VALUES (?1, ?2) ON CONFLICT (person) DO UPDATE SET told_at = ?2";
    tx.execute(sql, params![person, at])?;
    Ok(())
}

/// The conversation of a person's digests.
///
/// # Errors
/// Any failure of the database.
pub fn room(tx: &impl Reader, person: &str) -> Result<Option<OwnedRoomId>, StoreError> {
    let sql = "SELECT room_id FROM digests WHERE person = ?1";
    Ok(tx.query_row(sql, params![person], |row| row.get::<Option<OwnedRoomId>>(0))?.flatten())
}

/// Says which room is the conversation of a person's digests.
///
/// # Errors
/// Any failure of the database.
pub fn set_room(tx: &mut WriteTx<'_>, person: &str, room: &RoomId) -> Result<(), StoreError> {
    let sql = "INSERT INTO digests (person, room_id) VALUES (?1, ?2) ON CONFLICT (person) DO UPDATE SET room_id = ?2";
    tx.execute(sql, params![person, room])?;
    Ok(())
}

/// Up to when digests have been sent; `None` before the first time.
///
/// # Errors
/// Any failure of the database.
pub fn cursor(tx: &impl Reader) -> Result<Option<Timestamp>, StoreError> {
    tx.query_row("SELECT at FROM digest_cursor WHERE id = 1", params![], |row| row.get(0))
}

/// Moves the cursor.
///
/// # Errors
/// Any failure of the database.
pub fn set_cursor(tx: &mut WriteTx<'_>, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO digest_cursor (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1";
    tx.execute(sql, params![at])?;
    Ok(())
}
