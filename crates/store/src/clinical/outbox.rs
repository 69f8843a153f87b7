//! Work in rooms that is decided but not done. A row is written in the transaction of the decision and
//! deleted when the work is done, so that a crash in between repeats it and never forgets it.

use crate::{Reader, StoreError, WriteTx, params, rooms};

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Order of execution. Never used twice: whoever is late in calling [`done`] cannot remove a later job.
    pub seq: i64,
    /// The patient concerned; jobs of one patient are done in order.
    pub subject: String,
    /// The job as JSON.
    pub job: String,
}

/// Adds a job at the end.
///
/// # Errors
/// Any failure of the database.
pub fn push(tx: &mut WriteTx<'_>, subject: &str, job: &str) -> Result<(), StoreError> {
    let seq = rooms::reserve_nids(tx, 1)?;
    tx.execute(
        "INSERT INTO clerk_outbox (seq, subject, job) VALUES (?1, ?2, ?3)",
        params![seq, subject, job],
    )?;
    Ok(())
}

/// The jobs after number `after`, in order, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn after(tx: &impl Reader, after: i64, limit: usize) -> Result<Vec<OutboxRow>, StoreError> {
    let sql = "SELECT seq, subject, job FROM clerk_outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    tx.query(sql, params![after, limit], |row| {
        Ok(OutboxRow { seq: row.get(0)?, subject: row.get(1)?, job: row.get(2)? })
    })
}

/// Removes a job that is done.
///
/// # Errors
/// Any failure of the database.
pub fn done(tx: &mut WriteTx<'_>, seq: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM clerk_outbox WHERE seq = ?1", params![seq])?;
    Ok(())
}
