//! The signed links of requests, one for each transition.

use super::ColumnCipher;
use crate::{Reader, StoreError, WriteTx, params};

const SEALED: &str = "task_links.link";

/// The number and hash of the last link of a request; `None` if it has none yet.
///
/// # Errors
/// Any failure of the database.
pub fn last(tx: &impl Reader, task: &str) -> Result<Option<(u64, [u8; 32])>, StoreError> {
    let sql = "SELECT l.ord, l.hash FROM task_links l JOIN tasks t ON t.nid = l.task \
               WHERE t.id = ?1 ORDER BY l.ord DESC LIMIT 1";
    tx.query_row(sql, params![task], |row| {
        let hash = row.blob(1)?.try_into();
        Ok((row.get(0)?, hash.map_err(|_| StoreError::Malformed("column hash is not 32 bytes".into()))?))
    })
}

/// Writes the next link of a request, which must exist.
///
/// # Errors
/// [`StoreError::Constraint`] if it has this link already, or any failure of the database or the cipher.
pub fn append(
    tx: &mut WriteTx<'_>,
    cipher: &ColumnCipher,
    task: &str,
    number: u64,
    (link, hash): (&str, &[u8; 32]),
) -> Result<(), StoreError> {
    let sealed = cipher.seal(SEALED, &format!("{task}/{number}"), link.as_bytes())?;
    tx.execute(
        "INSERT INTO task_links (task, ord, hash, link) SELECT nid, ?2, ?3, ?4 FROM tasks WHERE id = ?1",
        params![task, number, hash.as_slice(), sealed],
    )?;
    Ok(())
}

/// The links of a request, in order.
///
/// # Errors
/// Any failure of the database or the cipher.
pub fn links(tx: &impl Reader, cipher: &ColumnCipher, task: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT l.ord, l.link FROM task_links l JOIN tasks t ON t.nid = l.task WHERE t.id = ?1 ORDER BY l.ord";
    tx.query(sql, params![task], |row| {
        let number: u64 = row.get(0)?;
        let plain = cipher.open(SEALED, &format!("{task}/{number}"), row.blob(1)?)?;
        String::from_utf8(plain).map_err(|_| StoreError::Malformed("column link is not text".into()))
    })
}
