//! The playbooks, kept as the text that was imported or saved, with every version before.

use wardline_domain::Timestamp;

use crate::{Reader, Row, StoreError, WriteTx, params};

/// A version of a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The playbook's id.
    pub playbook: String,
    /// Its number, from 1.
    pub version: u64,
    /// The text; `None`: the playbook was withdrawn.
    pub source: Option<String>,
    /// When it was written; nought if nobody wrote that down.
    pub at: Timestamp,
    /// Who wrote it: a user id, or `system:import`.
    pub author: String,
}

/// Writes a playbook's text as its next version, and gives the number. The same text again changes nothing.
///
/// # Errors
/// Any failure of the database.
pub fn put(
    tx: &mut WriteTx<'_>,
    id: &str,
    source: &str,
    at: Timestamp,
    author: &str,
) -> Result<u64, StoreError> {
    if let Some(last) = last(tx, id)?
        && last.source.as_deref() == Some(source)
    {
        return Ok(last.version);
    }
    tx.execute(
        "INSERT INTO playbooks (id, source) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET source = ?2",
        params![id, source],
    )?;
    note(tx, id, Some(source), at, author)
}

/// Takes a playbook away, which is a version too, and gives its number.
///
/// # Errors
/// Any failure of the database.
pub fn withdraw(tx: &mut WriteTx<'_>, id: &str, at: Timestamp, author: &str) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM playbooks WHERE id = ?1", params![id])?;
    note(tx, id, None, at, author)
}

fn note(
    tx: &mut WriteTx<'_>,
    id: &str,
    source: Option<&str>,
    at: Timestamp,
    author: &str,
) -> Result<u64, StoreError> {
    let version = last(tx, id)?.map_or(1, |last| last.version + 1);
    tx.execute(
        "INSERT INTO playbook_versions (playbook, version, source, at, author) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, version, source, at, author],
    )?;
    Ok(version)
}

/// The texts of all playbooks, by id.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<String>, StoreError> {
    tx.query("SELECT source FROM playbooks ORDER BY id", params![], |row| row.get(0))
}

const VERSION: &str = "SELECT v.playbook, v.version, v.source, v.at, v.author FROM playbook_versions v";

fn read(row: &Row<'_>) -> Result<Version, StoreError> {
    let (playbook, version, source) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Version { playbook, version, source, at: row.get(3)?, author: row.get(4)? })
}

/// The present versions of all playbooks that were not withdrawn, by id.
///
/// # Errors
/// Any failure of the database.
pub fn present(tx: &impl Reader) -> Result<Vec<Version>, StoreError> {
    let sql = format!(
        "{VERSION} JOIN playbooks p ON p.id = v.playbook WHERE v.version = \
         (SELECT max(version) FROM playbook_versions l WHERE l.playbook = v.playbook) ORDER BY v.playbook"
    );
    tx.query(&sql, params![], read)
}

/// The last version of a playbook, a withdrawal included.
///
/// # Errors
/// Any failure of the database.
pub fn last(tx: &impl Reader, id: &str) -> Result<Option<Version>, StoreError> {
    let sql = format!("{VERSION} WHERE v.playbook = ?1 ORDER BY v.version DESC LIMIT 1");
    tx.query_row(&sql, params![id], read)
}

/// Every version of a playbook, latest first.
///
/// # Errors
/// Any failure of the database.
pub fn versions(tx: &impl Reader, id: &str) -> Result<Vec<Version>, StoreError> {
    let sql = format!("{VERSION} WHERE v.playbook = ?1 ORDER BY v.version DESC");
    tx.query(&sql, params![id], read)
}
