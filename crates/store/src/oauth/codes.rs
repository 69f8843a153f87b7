//! Authorisation codes.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// A code to store.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// SHA-256 of the code.
    pub code_hash: [u8; 32],
    /// The client it was given to.
    pub client_id: String,
    /// Who gave consent.
    pub user: UserNid,
    /// The device that the session will be on.
    pub device_id: String,
    /// The granted scope.
    pub scope: String,
    /// The redirect URI of the authorisation request.
    pub redirect_uri: String,
    /// The PKCE code challenge.
    pub challenge: String,
    /// How the person proved who they are.
    pub method: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The key to which the tokens will be bound, if the request named one.
    pub thumbprint: Option<[u8; 32]>,
}

/// A stored code.
#[derive(Clone, Debug)]
pub struct CodeRow {
    /// What was stored.
    pub code: NewCode,
    /// Who gave consent.
    pub user_id: OwnedUserId,
    /// Whether somebody tried it already.
    pub spent: bool,
    /// The session that it opened, while that lasts.
    pub session: Option<i64>,
}

/// Stores a code; forgets those that ended before `forget_before`.
///
/// # Errors
/// Any failure of the database.
pub fn add(tx: &mut WriteTx<'_>, code: &NewCode, forget_before: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM oauth_codes WHERE expires_at < ?1", params![forget_before])?;
    tx.execute(
        "INSERT INTO oauth_codes (code_hash, client_id, user_nid, device_id, scope, redirect_uri, challenge, \
         method, expires_at, spent, dpop_thumbprint) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10)",
        params![
            code.code_hash,
            code.client_id,
            code.user,
            code.device_id,
            code.scope,
            code.redirect_uri,
            code.challenge,
            code.method,
            code.expires_at,
            code.thumbprint
        ],
    )?;
    Ok(())
}

/// The code with this hash.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, hash: &[u8; 32]) -> Result<Option<CodeRow>, StoreError> {
    tx.query_row(
        "SELECT c.client_id, c.user_nid, c.device_id, c.scope, c.redirect_uri, c.challenge, c.method, \
         c.expires_at, u.user_id, c.spent, c.session_id, c.dpop_thumbprint FROM oauth_codes c \
         JOIN users u ON u.nid = c.user_nid WHERE c.code_hash = ?1",
        params![*hash],
        |row| {
            Ok(CodeRow {
                code: NewCode {
                    code_hash: *hash,
                    client_id: row.get(0)?,
                    user: row.get(1)?,
                    device_id: row.get(2)?,
                    scope: row.get(3)?,
                    redirect_uri: row.get(4)?,
                    challenge: row.get(5)?,
                    method: row.get(6)?,
                    expires_at: row.get(7)?,
                    thumbprint: row.get(11)?,
                },
                user_id: row.get(8)?,
                spent: row.get(9)?,
                session: row.get(10)?,
            })
        },
    )
}

/// Marks a code as tried, and names the session that it opened, if it did.
///
/// # Errors
/// Any failure of the database.
pub fn spend(tx: &mut WriteTx<'_>, hash: &[u8; 32], session: Option<i64>) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE oauth_codes SET spent = 1, session_id = ?2 WHERE code_hash = ?1",
        params![*hash, session],
    )?;
    Ok(())
}

/// Makes all unused codes of a user useless.
///
/// # Errors
/// Any failure of the database.
pub fn spend_all_of(tx: &mut WriteTx<'_>, user: UserNid) -> Result<(), StoreError> {
    tx.execute("UPDATE oauth_codes SET spent = 1 WHERE user_nid = ?1", params![user])?;
    Ok(())
}
