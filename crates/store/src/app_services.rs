//! Application services: how far each has come, and the rooms that they list.

use crate::{Pos, Reader, RoomNid, StoreError, WriteTx, params};

/// How far an application service has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// It has taken everything up to this position.
    pub pos: Pos,
    /// The number of the transaction that is under way, or comes next.
    pub txn: u64,
    /// The last position of the transaction under way.
    pub upto: Option<Pos>,
}

/// How far a service has come; `None`: it is new.
///
/// # Errors
/// Any failure of the database.
pub fn cursor(tx: &impl Reader, service: &str) -> Result<Option<Cursor>, StoreError> {
    tx.query_row("SELECT pos, txn, upto FROM app_services WHERE id = ?1", params![service], |row| {
        Ok(Cursor { pos: row.get(0)?, txn: row.get(1)?, upto: row.get(2)? })
    })
}

/// Writes how far a service has come.
///
/// # Errors
/// Any failure of the database.
pub fn set_cursor(tx: &mut WriteTx<'_>, service: &str, cursor: Cursor) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO app_services (id, pos, txn, upto) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (id) DO UPDATE SET pos = excluded.pos, txn = excluded.txn, upto = excluded.upto",
        params![service, cursor.pos, cursor.txn, cursor.upto],
    )?;
    Ok(())
}

/// Lists a room in the directory of a network, or takes it off.
///
/// # Errors
/// Any failure of the database.
pub fn list_room(
    tx: &mut WriteTx<'_>,
    service: &str,
    network: &str,
    room: RoomNid,
    listed: bool,
) -> Result<(), StoreError> {
    let key = params![service, network, room];
    if listed {
        tx.execute(
            "INSERT INTO app_service_rooms (service, network, room_nid) VALUES (?1, ?2, ?3) \
             ON CONFLICT (service, network, room_nid) DO NOTHING",
            key,
        )?;
    } else {
        tx.execute(
            "DELETE FROM app_service_rooms WHERE service = ?1 AND network = ?2 AND room_nid = ?3",
            key,
        )?;
    }
    Ok(())
}

/// The rooms that services list: of one network (`service|network`), or of all.
///
/// # Errors
/// Any failure of the database.
pub fn listed_rooms(tx: &impl Reader, network: Option<&str>) -> Result<Vec<RoomNid>, StoreError> {
    tx.query(
        "SELECT DISTINCT room_nid FROM app_service_rooms WHERE ?1 IS NULL OR service || '|' || network = ?1 \
         ORDER BY room_nid",
        params![network],
        |row| row.get(0),
    )
}
