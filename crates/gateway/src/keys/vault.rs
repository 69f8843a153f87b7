//! The key service's own SQLite file. The one place outside `store` that speaks SQL: by design nothing here may
//! lie in the server's tables.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use wardline_domain::Timestamp;

use super::OpenError;

const SCHEMA: &str = "
-- One sealed recovery key a person.
CREATE TABLE IF NOT EXISTS recovery_key (
  user_id TEXT PRIMARY KEY,     -- full Matrix id
  sealed BLOB NOT NULL,         -- 24 bytes of nonce, then ciphertext and tag
  updated_at INTEGER NOT NULL   -- milliseconds since the Unix epoch
) STRICT;
-- A key is not given for a password any more: nobody can guess, and nothing of it is kept.
DROP TABLE IF EXISTS attempt;
-- Who read or wrote a key and how it ended; only ever appended to.
CREATE TABLE IF NOT EXISTS access (
  at INTEGER NOT NULL,          -- milliseconds since the Unix epoch
  user_id TEXT NOT NULL,        -- full Matrix id
  device_id TEXT NOT NULL,      -- the device that asked
  action TEXT NOT NULL,         -- store | unseal
  outcome TEXT NOT NULL         -- done | step-up | not-found | failed (earlier versions: wrong-password | limited)
) STRICT;
";

/// Who asks, from which device.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) user_id: String,
    pub(super) device_id: String,
}

/// The database behind its lock. Every call is a few rows and one fsync at most.
pub(super) struct Vault(Mutex<Connection>);

impl Vault {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Keeps `sealed` for the caller in place of what was kept before, and notes that, in one transaction.
    pub(super) fn put(&self, caller: &Caller, sealed: &[u8], now: Timestamp) -> rusqlite::Result<()> {
        let mut connection = self.0.lock();
        let tx = connection.transaction()?;
        tx.execute(
            "INSERT INTO recovery_key (user_id, sealed, updated_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at",
            params![caller.user_id, sealed, now.as_millis()],
        )?;
        note(&tx, caller, "store", "done", now)?;
        tx.commit()
    }

    /// What is kept for the caller.
    pub(super) fn get(&self, caller: &Caller) -> rusqlite::Result<Option<Vec<u8>>> {
        self.0
            .lock()
            .query_row("SELECT sealed FROM recovery_key WHERE user_id = ?1", [&caller.user_id], |row| {
                row.get(0)
            })
            .optional()
    }

    /// Appends one line to the record of accesses.
    pub(super) fn note(
        &self,
        caller: &Caller,
        action: &str,
        outcome: &str,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        note(&self.0.lock(), caller, action, outcome, now)
    }
}

fn note(
    connection: &Connection,
    caller: &Caller,
    action: &str,
    outcome: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT INTO access (at, user_id, device_id, action, outcome) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![now.as_millis(), caller.user_id, caller.device_id, action, outcome],
        )
        .map(|_| ())
}
