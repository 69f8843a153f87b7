//! Push rules of users who changed theirs (Client-Server API, "Push Rules").

use crate::{Kind, Pos, Reader, StoreError, UserNid, WriteTx, params};

/// Stores a user's ruleset.
///
/// # Errors
/// Any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, user: UserNid, rules: &str) -> Result<Pos, StoreError> {
    let pos = tx.record(Kind::PushRules, None, Some(user), 0)?;
    tx.execute(
        "INSERT INTO push_rules (user_nid, rules, pos) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_nid) DO UPDATE SET rules = excluded.rules, pos = excluded.pos",
        params![user, rules, pos],
    )?;
    Ok(pos)
}

/// The position of the last change of a user's rules; 0 if they are the default ones.
///
/// # Errors
/// Any failure of the database.
pub fn changed_at(tx: &impl Reader, user: UserNid) -> Result<Pos, StoreError> {
    tx.query_row("SELECT pos FROM push_rules WHERE user_nid = ?1", params![user], |row| row.get(0))
        .map(Option::unwrap_or_default)
}

/// A user's ruleset and the position of its last change; `None` if it is the default one.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid) -> Result<Option<(String, Pos)>, StoreError> {
    tx.query_row("SELECT rules, pos FROM push_rules WHERE user_nid = ?1", params![user], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}
