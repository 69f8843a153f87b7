//! The rows of the audit log. What they mean and how they are chained is the `audit` crate's.

use wardline_domain::Timestamp;

use crate::{Reader, StoreError, WriteTx, params};

/// One stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Number of the entry, consecutive from 1.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who acted: a user id, or `system:` and a part of the server.
    pub actor: String,
    /// Stable name of the action.
    pub action: String,
    /// Id of what was acted on.
    pub target: Option<String>,
    /// The actor's device id.
    pub device: Option<String>,
    /// `success`, `refused` or `failed`.
    pub outcome: String,
    /// JSON object of ids, exactly as hashed.
    pub detail: String,
    /// SHA-256 over the hash before and this entry.
    pub hash: [u8; 32],
}

/// The number and hash of the last entry: (0, zeros) for an empty log.
///
/// # Errors
/// Any failure of the database.
pub fn head(tx: &impl Reader) -> Result<(u64, [u8; 32]), StoreError> {
    tx.query_row("SELECT seq, hash FROM audit_head WHERE id = 1", params![], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .ok_or_else(|| StoreError::Malformed("audit_head has no row".into()))
}

/// Writes the next entry and moves the head to it.
///
/// # Errors
/// [`StoreError::Constraint`] if the number is taken, or any other failure of the database.
pub fn append(tx: &mut WriteTx<'_>, row: &AuditRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO audit_log (seq, at, actor, action, target, device, outcome, detail, hash) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            row.seq,
            row.at,
            row.actor,
            row.action,
            row.target,
            row.device,
            row.outcome,
            row.detail,
            row.hash
        ],
    )?;
    tx.execute("UPDATE audit_head SET seq = ?1, hash = ?2 WHERE id = 1", params![row.seq, row.hash])?;
    Ok(())
}

/// Visits all entries from number `from` on, in order, at most `limit`.
///
/// # Errors
/// Any failure of the database, [`StoreError::Malformed`] for a row of another shape, or what `visit` returns.
pub fn for_each(
    tx: &impl Reader,
    from: u64,
    limit: usize,
    mut visit: impl FnMut(AuditRow) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tx.for_each(
        "SELECT seq, at, actor, action, target, device, outcome, detail, hash FROM audit_log \
         WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
        params![from, limit],
        |row| {
            visit(AuditRow {
                seq: row.get(0)?,
                at: row.get(1)?,
                actor: row.get(2)?,
                action: row.get(3)?,
                target: row.get(4)?,
                device: row.get(5)?,
                outcome: row.get(6)?,
                detail: row.get(7)?,
                hash: row.get(8)?,
            })
        },
    )
}
