//! Who took over a role with its open requests; the person is sealed.

use wardline_domain::Timestamp;

use super::ColumnCipher;
use crate::{Reader, StoreError, WriteTx, params};

const SEALED: &str = "handovers.person";

/// An acceptance of a handover list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// When.
    pub at: Timestamp,
    /// Who accepted it (id of the practitioner).
    pub person: String,
    /// The digest of the list.
    pub digest: String,
    /// How many requests were on it.
    pub tasks: usize,
}

/// Writes an acceptance.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn add(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    service: &str,
    it: &Handover,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO handovers (service, at, digest, tasks, person) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![service, it.at, it.digest, it.tasks, cipher.seal(SEALED, service, it.person.as_bytes())?],
    )?;
    Ok(())
}

/// The last acceptance for a role.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn last(tx: &impl Reader, cipher: &ColumnCipher, service: &str) -> Result<Option<Handover>, StoreError> {
    let sql = "SELECT at, digest, tasks, person FROM handovers WHERE service = ?1 ORDER BY at DESC, id DESC LIMIT 1";
    tx.query_row(sql, params![service], |row| {
        let person = String::from_utf8(cipher.open(SEALED, service, row.blob(3)?)?)
            .map_err(|_| StoreError::Malformed("column person is not text".into()))?;
        Ok(Handover { at: row.get(0)?, digest: row.get(1)?, tasks: row.get(2)?, person })
    })
}
