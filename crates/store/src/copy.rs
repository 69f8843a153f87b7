//! A copy of a database in use, as of one instant.

use std::fs::File;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::{ReadTx, StoreError};

/// Copies the database at `from`, which this or another process may be writing to, into a new file at `to`. The copy is
/// what was durable at one instant; writing goes on meanwhile. When this returns the copy is on the disk.
///
/// # Errors
/// [`StoreError::Io`] if there is a file at `to`; any failure of the disk or the database. What was written of the copy
/// is left for the caller to remove.
pub fn database(from: &Path, to: &Path) -> Result<(), StoreError> {
    // SQLite would go on in a file that is there.
    File::options().write(true).create_new(true).open(to)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(std::time::Duration::from_secs(10))?;
    let mut target = Connection::open(to)?;
    // All pages in one step: one read transaction, so nothing that is written meanwhile gets in between.
    match Backup::new(&source, &mut target)?.step(-1)? {
        StepResult::Done => {}
        _ => return Err(StoreError::Database("the database was too busy to be copied".into())),
    }
    // The copy stands alone: no log beside it.
    let mode: String = target.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    if mode != "delete" {
        return Err(StoreError::Database("the copy could not be closed".into()));
    }
    target.close().map_err(|(_, error)| error)?;
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Reads a database that no server has open.
///
/// # Errors
/// What the closure returns, or a failure of the database.
pub fn read<T, E: From<StoreError>>(
    path: &Path,
    work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(StoreError::from)?;
    work(&ReadTx { connection: &connection })
}

/// Reads the database at `path` through and says what is wrong with it, if anything: pages, indices, references.
///
/// # Errors
/// A failure of the disk or the database.
pub fn faults(path: &Path) -> Result<Vec<String>, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut found = Vec::new();
    for check in ["PRAGMA integrity_check(20)", "PRAGMA foreign_key_check"] {
        let mut statement = connection.prepare(check)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let text: Option<String> = row.get(0)?;
            if text.as_deref() != Some("ok") {
                found.push(text.unwrap_or_default());
            }
        }
    }
    Ok(found)
}
