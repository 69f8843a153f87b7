//! Accounts that administrators suspended or locked (Client-Server API, "Account suspension" and "Account locking").

use crate::{Reader, StoreError, UserNid, WriteTx, params};

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
    Ok(())
}
