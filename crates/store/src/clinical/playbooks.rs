//! The playbooks, kept as the text that was imported.

use crate::{Reader, StoreError, WriteTx, params};

/// Writes a playbook's text, over the one with the same id.
///
/// # Errors
/// Any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, id: &str, source: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO playbooks (id, source) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET source = ?2",
        params![id, source],
    )?;
    Ok(())
}

/// The texts of all playbooks, by id.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<String>, StoreError> {
    tx.query("SELECT source FROM playbooks ORDER BY id", params![], |row| row.get(0))
}
