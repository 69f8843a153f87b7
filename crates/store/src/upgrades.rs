//! Room upgrades that are begun: the new room is there, the old one does not say so yet.

use crate::{Reader, RoomNid, Row, StoreError, UserNid, WriteTx, params};

/// An upgrade that is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The room that is replaced.
    pub room: RoomNid,
    /// Id of the room that takes its place.
    pub replacement: String,
    /// Who asked.
    pub user: UserNid,
    /// From which device.
    pub device: Option<String>,
}

const COLUMNS: &str = "SELECT room_nid, replacement, user_nid, device_id FROM room_upgrades";

fn read(row: &Row<'_>) -> Result<Upgrade, StoreError> {
    Ok(Upgrade { room: row.get(0)?, replacement: row.get(1)?, user: row.get(2)?, device: row.get(3)? })
}

/// Notes that an upgrade is begun, in the transaction that makes the new room.
///
/// # Errors
/// [`StoreError::Constraint`] if one is begun already, or any other failure of the database.
pub fn begin(tx: &mut WriteTx<'_>, upgrade: &Upgrade) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO room_upgrades (room_nid, replacement, user_nid, device_id) VALUES (?1, ?2, ?3, ?4)",
        params![upgrade.room, upgrade.replacement, upgrade.user, upgrade.device],
    )?;
    Ok(())
}

/// Notes that an upgrade is finished or given up.
///
/// # Errors
/// Any failure of the database.
pub fn end(tx: &mut WriteTx<'_>, room: RoomNid) -> Result<(), StoreError> {
    tx.execute("DELETE FROM room_upgrades WHERE room_nid = ?1", params![room])?;
    Ok(())
}

/// The upgrade of a room that is begun.
///
/// # Errors
/// Any failure of the database.
pub fn of_room(tx: &impl Reader, room: RoomNid) -> Result<Option<Upgrade>, StoreError> {
    tx.query_row(&format!("{COLUMNS} WHERE room_nid = ?1"), params![room], read)
}

/// All upgrades that are begun.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<Upgrade>, StoreError> {
    tx.query(&format!("{COLUMNS} ORDER BY room_nid"), params![], read)
}
