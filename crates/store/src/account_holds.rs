//! Accounts that administrators suspended or locked (Client-Server API, "Account suspension" and "Account locking").

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::{Reader, Store, StoreError, UserNid, WriteTx, params};

/// What an administrator has put on an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// May read, and may not say or change anything.
    pub suspended: bool,
    /// May do nothing until it is unlocked.
    pub locked: bool,
}

/// What is put on an account.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid) -> Result<Holds, StoreError> {
    tx.query_row("SELECT suspended, locked FROM account_holds WHERE user_nid = ?1", params![user], |row| {
        Ok(Holds { suspended: row.get(0)?, locked: row.get(1)? })
    })
    .map(Option::unwrap_or_default)
}

/// The accounts that anything is put on, in memory: every request asks, and few accounts are held.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Grows with every commit that changed the table.
    version: AtomicU64,
    known: RwLock<Option<(u64, HashMap<UserNid, Holds>)>>,
}

impl Memory {
    /// The table was changed, durably; called before the one who changed it is answered.
    pub(crate) fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }
}

impl Store {
    /// What is put on an account, from memory.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn holds(&self, user: UserNid) -> Result<Holds, StoreError> {
        let memory = self.holds_memory();
        // Read before the table: a change in between makes the copy old at once and never keeps it too long.
        let version = memory.version.load(Ordering::Acquire);
        if let Some((known, all)) = &*memory.known.read()
            && *known == version
        {
            return Ok(all.get(&user).copied().unwrap_or_default());
        }
        let all: HashMap<UserNid, Holds> = self.read_now(|tx| {
            let sql =
                "SELECT user_nid, suspended, locked FROM account_holds WHERE suspended <> 0 OR locked <> 0";
            let rows = tx.query(sql, params![], |row| {
                Ok((row.get(0)?, Holds { suspended: row.get(1)?, locked: row.get(2)? }))
            })?;
            Ok::<_, StoreError>(rows.into_iter().collect())
        })?;
        let found = all.get(&user).copied().unwrap_or_default();
        *memory.known.write() = Some((version, all));
        Ok(found)
    }
}

/// Replaces what is put on an account.
///
/// # Errors
/// Any failure of the database.
pub fn set(tx: &mut WriteTx<'_>, user: UserNid, holds: Holds) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO account_holds (user_nid, suspended, locked) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_nid) DO UPDATE SET suspended = excluded.suspended, locked = excluded.locked",
        params![user, holds.suspended, holds.locked],
    )?;
    tx.holds_changed = true;
    Ok(())
}
