//! What the server's own requests need: the conversation of a role, and which vacancies were told.

use wardline_domain::{
    Timestamp,
    ruma::{OwnedRoomId, RoomId},
};

use crate::{Reader, StoreError, WriteTx, params};

/// The conversation of a role.
///
/// # Errors
/// Any failure of the database.
pub fn role_room(tx: &impl Reader, service: &str) -> Result<Option<OwnedRoomId>, StoreError> {
    tx.query_row("SELECT room_id FROM role_rooms WHERE service = ?1", params![service], |row| row.get(0))
}

/// Says which room is the conversation of a role.
///
/// # Errors
/// [`StoreError::Constraint`] if there is no such role, or any failure of the database.
pub fn set_role_room(tx: &mut WriteTx<'_>, service: &str, room: &RoomId) -> Result<(), StoreError> {
    let sql = "INSERT INTO role_rooms (service, room_id) VALUES (?1, ?2) ON CONFLICT (service) DO UPDATE SET room_id = ?2";
    tx.execute(sql, params![service, room])?;
    Ok(())
}

/// The request about the vacancy of a role that lasts.
///
/// # Errors
/// Any failure of the database.
pub fn vacancy(tx: &impl Reader, service: &str) -> Result<Option<String>, StoreError> {
    tx.query_row("SELECT task FROM vacancies WHERE service = ?1", params![service], |row| row.get(0))
}

/// Notes that a vacancy began and which request tells of it.
///
/// # Errors
/// [`StoreError::Constraint`] if one lasts already, or any failure of the database.
pub fn begin_vacancy(
    tx: &mut WriteTx<'_>,
    service: &str,
    task: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO vacancies (service, task, since) VALUES (?1, ?2, ?3)",
        params![service, task, since],
    )?;
    Ok(())
}

/// Forgets a vacancy: the role is held again.
///
/// # Errors
/// Any failure of the database.
pub fn end_vacancy(tx: &mut WriteTx<'_>, service: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM vacancies WHERE service = ?1", params![service])?;
    Ok(())
}
