//! Systems that use the FHIR API without a person behind them, their tokens and the assertions that they used.

use wardline_domain::Timestamp;

use crate::{Reader, Row, StoreError, WriteTx, params};

/// A system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRow {
    /// Its `client_id`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The SMART scopes that it may ask for, parted by spaces.
    pub scope: String,
    /// Its public keys, a JWK Set as JSON.
    pub keys: Option<String>,
    /// Where its public keys are.
    pub keys_uri: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// By which administrator: a user id.
    pub changed_by: String,
}

const SYSTEM: &str =
    "SELECT id, name, scope, keys, keys_uri, created_at, changed_at, changed_by FROM system_clients";

fn read(row: &Row<'_>) -> Result<SystemRow, StoreError> {
    Ok(SystemRow {
        id: row.get(0)?,
        name: row.get(1)?,
        scope: row.get(2)?,
        keys: row.get(3)?,
        keys_uri: row.get(4)?,
        created_at: row.get(5)?,
        changed_at: row.get(6)?,
        changed_by: row.get(7)?,
    })
}

/// Writes a system, over the one with the same id; when that was registered stays. Its tokens end.
///
/// # Errors
/// Any failure of the database.
pub fn put(tx: &mut WriteTx<'_>, it: &SystemRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO system_clients (id, name, scope, keys, keys_uri, created_at, changed_at, changed_by) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET \
         name = ?2, scope = ?3, keys = ?4, keys_uri = ?5, changed_at = ?7, changed_by = ?8",
        params![it.id, it.name, it.scope, it.keys, it.keys_uri, it.created_at, it.changed_at, it.changed_by],
    )?;
    tx.execute("DELETE FROM system_tokens WHERE client = ?1", params![it.id])?;
    Ok(())
}

/// Removes a system with its tokens. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn remove(tx: &mut WriteTx<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM system_clients WHERE id = ?1", params![id])? > 0)
}

/// The system with this id.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, id: &str) -> Result<Option<SystemRow>, StoreError> {
    tx.query_row(&format!("{SYSTEM} WHERE id = ?1"), params![id], read)
}

/// All systems, by id.
///
/// # Errors
/// Any failure of the database.
pub fn all(tx: &impl Reader) -> Result<Vec<SystemRow>, StoreError> {
    tx.query(&format!("{SYSTEM} ORDER BY id"), params![], read)
}

/// Notes that a system used an assertion, and forgets those that have ended. `false`: it was used before.
///
/// # Errors
/// [`StoreError::Constraint`] if there is no such system, or any other failure of the database.
pub fn use_assertion(
    tx: &mut WriteTx<'_>,
    client: &str,
    jti_hash: &[u8; 32],
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM system_assertions WHERE expires_at < ?1", params![now])?;
    let added = tx.execute(
        "INSERT INTO system_assertions (client, jti_hash, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![client, *jti_hash, expires_at],
    )?;
    Ok(added > 0)
}

/// Adds a token, and forgets those that have ended.
///
/// # Errors
/// [`StoreError::Constraint`] if there is no such system, or any other failure of the database.
pub fn add_token(
    tx: &mut WriteTx<'_>,
    client: &str,
    hash: &[u8; 32],
    scope: &str,
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM system_tokens WHERE expires_at <= ?1", params![now])?;
    tx.execute(
        "INSERT INTO system_tokens (token_hash, client, scope, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![*hash, client, scope, expires_at],
    )?;
    Ok(())
}

/// The system and scope of a token that has not ended, and when it will.
///
/// # Errors
/// Any failure of the database.
pub fn by_token(
    tx: &impl Reader,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<(String, String, Timestamp)>, StoreError> {
    tx.query_row(
        "SELECT client, scope, expires_at FROM system_tokens WHERE token_hash = ?1 AND expires_at > ?2",
        params![*hash, now],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// Ends a token. The system whose it was, if it was one.
///
/// # Errors
/// Any failure of the database.
pub fn remove_token(tx: &mut WriteTx<'_>, hash: &[u8; 32]) -> Result<Option<String>, StoreError> {
    let sql = "SELECT client FROM system_tokens WHERE token_hash = ?1";
    let client = tx.query_row(sql, params![*hash], |row| row.get(0))?;
    tx.execute("DELETE FROM system_tokens WHERE token_hash = ?1", params![*hash])?;
    Ok(client)
}
