//! Registered clients and the sessions that they hold.

use wardline_domain::Timestamp;

use crate::{Reader, StoreError, WriteTx, params};

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRow {
    /// Its id.
    pub id: String,
    /// The registered metadata as JSON.
    pub metadata: String,
    /// SHA-256 of its secret; `None`: a public client.
    pub secret_hash: Option<[u8; 32]>,
}

/// Adds a client, or marks it as used if it is registered already.
///
/// # Errors
/// Any failure of the database.
pub fn register(tx: &mut WriteTx<'_>, client: &ClientRow, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO oauth_clients (id, metadata, secret_hash, created_at, used_at) \
         VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at",
        params![client.id, client.metadata, client.secret_hash, at],
    )?;
    Ok(())
}

/// Notes that a client begins a sign-in.
///
/// # Errors
/// Any failure of the database.
pub fn note_used(tx: &mut WriteTx<'_>, id: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE oauth_clients SET used_at = ?2 WHERE id = ?1", params![id, at])?;
    Ok(())
}

/// Forgets clients that were last used before `before` and hold no session, code or waiting device.
///
/// # Errors
/// Any failure of the database.
pub fn forget_unused(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM oauth_clients WHERE used_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM oauth_sessions s WHERE s.client_id = oauth_clients.id) \
         AND NOT EXISTS (SELECT 1 FROM oauth_codes c WHERE c.client_id = oauth_clients.id) \
         AND NOT EXISTS (SELECT 1 FROM oauth_device_grants d WHERE d.client_id = oauth_clients.id)",
        params![before],
    )
}

/// How many clients are registered.
///
/// # Errors
/// Any failure of the database.
pub fn count(tx: &impl Reader) -> Result<u64, StoreError> {
    let count = tx.query_row("SELECT COUNT(*) FROM oauth_clients", params![], |row| row.get(0))?;
    Ok(count.unwrap_or(0))
}

/// The client with this id.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, id: &str) -> Result<Option<ClientRow>, StoreError> {
    tx.query_row("SELECT id, metadata, secret_hash FROM oauth_clients WHERE id = ?1", params![id], |row| {
        Ok(ClientRow { id: row.get(0)?, metadata: row.get(1)?, secret_hash: row.get(2)? })
    })
}

/// Notes that a client holds a session with this scope.
///
/// # Errors
/// [`StoreError::Constraint`] if the session or client does not exist, or any other failure of the database.
pub fn add_session(tx: &mut WriteTx<'_>, session: i64, client: &str, scope: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO oauth_sessions (session_id, client_id, scope) VALUES (?1, ?2, ?3)",
        params![session, client, scope],
    )?;
    Ok(())
}

/// The client and scope of a session; `None` for a session of the legacy login API.
///
/// # Errors
/// Any failure of the database.
pub fn of_session(tx: &impl Reader, session: i64) -> Result<Option<(String, String)>, StoreError> {
    tx.query_row(
        "SELECT client_id, scope FROM oauth_sessions WHERE session_id = ?1",
        params![session],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The metadata of the client that is signed in on a device, if it signed in by OAuth.
///
/// # Errors
/// Any failure of the database.
pub fn of_device(tx: &impl Reader, user: crate::UserNid, device: &str) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT c.metadata FROM sessions s JOIN oauth_sessions o ON o.session_id = s.id \
         JOIN oauth_clients c ON c.id = o.client_id WHERE s.user_nid = ?1 AND s.device_id = ?2",
        params![user, device],
        |row| row.get(0),
    )
}
