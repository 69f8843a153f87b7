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
-- Step-up attempts that have not ended in success, the newest few minutes of them.
CREATE TABLE IF NOT EXISTS attempt (
  user_id TEXT NOT NULL,        -- full Matrix id
  device_id TEXT NOT NULL,      -- the device that asked
  at INTEGER NOT NULL           -- milliseconds since the Unix epoch
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_by_device ON attempt (user_id, device_id, at);
-- Who read or wrote a key and how it ended; only ever appended to.
CREATE TABLE IF NOT EXISTS access (
  at INTEGER NOT NULL,          -- milliseconds since the Unix epoch
  user_id TEXT NOT NULL,        -- full Matrix id
  device_id TEXT NOT NULL,      -- the device that asked
  action TEXT NOT NULL,         -- store | unseal
  outcome TEXT NOT NULL         -- done | wrong-password | not-found | limited | failed
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

    /// Counts one attempt in, unless `limit` of them already lie within `window` milliseconds before `now`: then
    /// `Err(wait)` with the milliseconds until the oldest of them leaves the window. Counted before the password
    /// is looked at, so that attempts made at the same moment cannot slip through together.
    pub(super) fn attempt(
        &self,
        caller: &Caller,
        now: Timestamp,
        limit: usize,
        window: i64,
    ) -> rusqlite::Result<Result<(), u64>> {
        let mut connection = self.0.lock();
        let tx = connection.transaction()?;
        tx.execute("DELETE FROM attempt WHERE at <= ?1", [now.as_millis() - window])?;
        let recent = tx
            .prepare_cached("SELECT at FROM attempt WHERE user_id = ?1 AND device_id = ?2 ORDER BY at")?
            .query_map(params![caller.user_id, caller.device_id], |row| row.get::<_, i64>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        if recent.len() >= limit {
            let oldest = recent[recent.len() - limit];
            return Ok(Err(u64::try_from(oldest + window - now.as_millis()).unwrap_or(0)));
        }
        tx.execute(
            "INSERT INTO attempt (user_id, device_id, at) VALUES (?1, ?2, ?3)",
            params![caller.user_id, caller.device_id, now.as_millis()],
        )?;
        tx.commit()?;
        Ok(Ok(()))
    }

    /// Forgets the attempts of a device that has proved the password.
    pub(super) fn clear_attempts(&self, caller: &Caller) -> rusqlite::Result<()> {
        self.0
            .lock()
            .execute(
                "DELETE FROM attempt WHERE user_id = ?1 AND device_id = ?2",
                params![caller.user_id, caller.device_id],
            )
            .map(|_| ())
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
