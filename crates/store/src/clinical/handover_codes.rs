//! Codes by which the holder of a role hands it to whoever scans them. Only their hash is kept; the person is sealed.

use wardline_domain::Timestamp;

use super::ColumnCipher;
use crate::{Reader, StoreError, WriteTx, params};

const SEALED: &str = "handover_codes.person";

/// Writes the code of a role, instead of the one before.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn put(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    service: &str,
    hash: &[u8; 32],
    person: &str,
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO handover_codes (service, hash, ends_at, person) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (service) DO UPDATE SET hash = ?2, ends_at = ?3, person = ?4",
        params![service, hash, until, cipher.seal(SEALED, service, person.as_bytes())?],
    )?;
    Ok(())
}

/// Who made the code with this hash, if it is the one of the role and has not lapsed at `at`.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn find(
    tx: &impl Reader,
    cipher: &ColumnCipher,
    service: &str,
    hash: &[u8; 32],
    at: Timestamp,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT person FROM handover_codes WHERE service = ?1 AND hash = ?2 AND ends_at > ?3";
    tx.query_row(sql, params![service, hash, at], |row| {
        String::from_utf8(cipher.open(SEALED, service, row.blob(0)?)?)
            .map_err(|_| StoreError::Malformed("column person is not text".into()))
    })
}

/// Takes the code of a role away.
///
/// # Errors
/// Any failure of the database.
pub fn clear(tx: &mut WriteTx<'_>, service: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM handover_codes WHERE service = ?1", params![service])?;
    Ok(())
}
