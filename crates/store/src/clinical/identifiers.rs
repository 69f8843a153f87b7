//! The identifiers of members of staff in registers, such as a registration number.

use super::directory;
use crate::{Reader, StoreError, WriteTx, params};

/// Notes that a practitioner has this identifier in a register; nobody else has it then.
///
/// # Errors
/// Any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, system: &str, value: &str, practitioner: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO practitioner_identifiers (system, value, practitioner) VALUES (?1, ?2, ?3) \
         ON CONFLICT (system, value) DO UPDATE SET practitioner = ?3",
        params![system, value, practitioner],
    )?;
    directory::touch(tx)
}

/// Forgets that a practitioner has these identifiers; nothing to do for one that is not theirs.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, practitioner: &str, gone: &[(String, String)]) -> Result<(), StoreError> {
    for (system, value) in gone {
        tx.execute(
            "DELETE FROM practitioner_identifiers WHERE system = ?1 AND value = ?2 AND practitioner = ?3",
            params![system, value, practitioner],
        )?;
    }
    directory::touch(tx)
}

/// All identifiers: practitioner and value.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "SELECT practitioner, value FROM practitioner_identifiers";
    tx.query(sql, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The id of the practitioner with this identifier in a register.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, system: &str, value: &str) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT practitioner FROM practitioner_identifiers WHERE system = ?1 AND value = ?2",
        params![system, value],
        |row| row.get(0),
    )
}

/// The identifiers of a practitioner: register and value.
///
/// # Errors
/// Any failure of the database.
pub fn of(tx: &impl Reader, practitioner: &str) -> Result<Vec<(String, String)>, StoreError> {
    tx.query(
        "SELECT system, value FROM practitioner_identifiers WHERE practitioner = ?1 ORDER BY system, value",
        params![practitioner],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
