//! What local accounts prove themselves with besides a password: passkeys, one-time codes, recovery codes.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRow {
    /// As the authenticator made it.
    pub credential_id: Vec<u8>,
    /// Whose it is.
    pub user: UserNid,
    /// What the person calls it.
    pub name: String,
    /// Public key, counter and flags as JSON.
    pub credential: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
    /// When its counter went back; it is good for nothing from then on.
    pub refused_at: Option<Timestamp>,
}

const PASSKEY: &str =
    "SELECT credential_id, user_nid, name, credential, created_at, used_at, refused_at FROM passkeys WHERE ";

fn passkey_of(row: &Row<'_>) -> Result<PasskeyRow, StoreError> {
    Ok(PasskeyRow {
        credential_id: row.get(0)?,
        user: row.get(1)?,
        name: row.get(2)?,
        credential: row.get(3)?,
        created_at: row.get(4)?,
        used_at: row.get(5)?,
        refused_at: row.get(6)?,
    })
}

/// The handle by which authenticators know a user, if they have one.
///
/// # Errors
/// Any failure of the database.
pub fn handle_of(tx: &impl Reader, user: UserNid) -> Result<Option<[u8; 16]>, StoreError> {
    tx.query_row("SELECT handle FROM passkey_handles WHERE user_nid = ?1", params![user], |row| row.get(0))
}

/// The active account that authenticators know by this handle.
///
/// # Errors
/// Any failure of the database.
pub fn by_handle(tx: &impl Reader, handle: &[u8; 16]) -> Result<Option<(UserNid, OwnedUserId)>, StoreError> {
    tx.query_row(
        "SELECT h.user_nid, u.user_id FROM passkey_handles h JOIN users u ON u.nid = h.user_nid \
         JOIN accounts a ON a.user_nid = h.user_nid WHERE h.handle = ?1 AND a.deactivated_at IS NULL",
        params![*handle],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Gives a user a handle, unless they have one.
///
/// # Errors
/// Any failure of the database.
pub fn set_handle(tx: &mut WriteTx<'_>, user: UserNid, handle: &[u8; 16]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO passkey_handles (handle, user_nid) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![*handle, user],
    )?;
    Ok(())
}

/// Adds a passkey. `false`: this credential is known already, of this or another person.
///
/// # Errors
/// Any failure of the database.
pub fn add_passkey(tx: &mut WriteTx<'_>, passkey: &PasskeyRow) -> Result<bool, StoreError> {
    let added = tx.execute(
        "INSERT INTO passkeys (credential_id, user_nid, name, credential, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (credential_id) DO NOTHING",
        params![
            passkey.credential_id.as_slice(),
            passkey.user,
            passkey.name,
            passkey.credential,
            passkey.created_at
        ],
    )?;
    Ok(added == 1)
}

/// A user's passkeys, oldest first.
///
/// # Errors
/// Any failure of the database.
pub fn passkeys(tx: &impl Reader, user: UserNid) -> Result<Vec<PasskeyRow>, StoreError> {
    tx.query(
        &format!("{PASSKEY} user_nid = ?1 ORDER BY created_at, credential_id"),
        params![user],
        passkey_of,
    )
}

/// The passkey with this credential id.
///
/// # Errors
/// Any failure of the database.
pub fn passkey(tx: &impl Reader, credential_id: &[u8]) -> Result<Option<PasskeyRow>, StoreError> {
    tx.query_row(&format!("{PASSKEY} credential_id = ?1"), params![credential_id], passkey_of)
}

/// Notes the use of a passkey and what changed in it.
///
/// # Errors
/// Any failure of the database.
pub fn note_passkey_used(
    tx: &mut WriteTx<'_>,
    credential_id: &[u8],
    credential: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE passkeys SET credential = ?2, used_at = ?3 WHERE credential_id = ?1",
        params![credential_id, credential, at],
    )?;
    Ok(())
}

/// Notes that a passkey may have been copied.
///
/// # Errors
/// Any failure of the database.
pub fn refuse_passkey(tx: &mut WriteTx<'_>, credential_id: &[u8], at: Timestamp) -> Result<(), StoreError> {
    tx.execute("UPDATE passkeys SET refused_at = ?2 WHERE credential_id = ?1", params![credential_id, at])?;
    Ok(())
}

/// Renames a passkey of a user. Whether it exists.
///
/// # Errors
/// Any failure of the database.
pub fn rename_passkey(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    credential_id: &[u8],
    name: &str,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE passkeys SET name = ?3 WHERE user_nid = ?1 AND credential_id = ?2",
        params![user, credential_id, name],
    )?;
    Ok(changed == 1)
}

/// Removes a passkey of a user. Whether it existed.
///
/// # Errors
/// Any failure of the database.
pub fn remove_passkey(tx: &mut WriteTx<'_>, user: UserNid, credential_id: &[u8]) -> Result<bool, StoreError> {
    let gone = tx.execute(
        "DELETE FROM passkeys WHERE user_nid = ?1 AND credential_id = ?2",
        params![user, credential_id],
    )?;
    Ok(gone == 1)
}

/// The secret of a person's application for one-time codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotpRow {
    /// Sealed.
    pub secret: Vec<u8>,
    /// When it was added.
    pub added_at: Timestamp,
    /// The newest time step whose code was used.
    pub last_step: i64,
}

/// A user's secret for one-time codes.
///
/// # Errors
/// Any failure of the database.
pub fn totp(tx: &impl Reader, user: UserNid) -> Result<Option<TotpRow>, StoreError> {
    tx.query_row(
        "SELECT secret, added_at, last_step FROM totp_secrets WHERE user_nid = ?1",
        params![user],
        |row| Ok(TotpRow { secret: row.get(0)?, added_at: row.get(1)?, last_step: row.get(2)? }),
    )
}

/// Sets a user's secret for one-time codes, in place of an earlier one.
///
/// # Errors
/// Any failure of the database.
pub fn set_totp(tx: &mut WriteTx<'_>, user: UserNid, totp: &TotpRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO totp_secrets (user_nid, secret, added_at, last_step) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (user_nid) DO UPDATE SET secret = excluded.secret, added_at = excluded.added_at, \
         last_step = excluded.last_step",
        params![user, totp.secret.as_slice(), totp.added_at, totp.last_step],
    )?;
    Ok(())
}

/// Uses up the code of a time step. `false`: it, or a later one, was used before.
///
/// # Errors
/// Any failure of the database.
pub fn use_totp_step(tx: &mut WriteTx<'_>, user: UserNid, step: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE totp_secrets SET last_step = ?2 WHERE user_nid = ?1 AND last_step < ?2",
        params![user, step],
    )?;
    Ok(changed == 1)
}

/// Removes a user's secret for one-time codes. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn remove_totp(tx: &mut WriteTx<'_>, user: UserNid) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM totp_secrets WHERE user_nid = ?1", params![user])? == 1)
}

/// Replaces a user's recovery codes.
///
/// # Errors
/// Any failure of the database.
pub fn set_recovery_codes(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    hashes: &[[u8; 32]],
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM recovery_codes WHERE user_nid = ?1", params![user])?;
    for hash in hashes {
        tx.execute("INSERT INTO recovery_codes (user_nid, code_hash) VALUES (?1, ?2)", params![user, *hash])?;
    }
    Ok(())
}

/// Uses up a recovery code. Whether it was good.
///
/// # Errors
/// Any failure of the database.
pub fn use_recovery_code(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    hash: &[u8; 32],
    at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE recovery_codes SET used_at = ?3 WHERE user_nid = ?1 AND code_hash = ?2 AND used_at IS NULL",
        params![user, *hash, at],
    )?;
    Ok(changed == 1)
}

/// How many recovery codes of a user are still good.
///
/// # Errors
/// Any failure of the database.
pub fn recovery_codes_left(tx: &impl Reader, user: UserNid) -> Result<u64, StoreError> {
    let left = tx.query_row(
        "SELECT COUNT(*) FROM recovery_codes WHERE user_nid = ?1 AND used_at IS NULL",
        params![user],
        |row| row.get(0),
    )?;
    Ok(left.unwrap_or(0))
}

/// Removes everything of this kind that a user has.
///
/// # Errors
/// Any failure of the database.
pub fn forget_all_of(tx: &mut WriteTx<'_>, user: UserNid) -> Result<(), StoreError> {
    for table in ["passkeys", "passkey_handles", "totp_secrets", "recovery_codes"] {
        tx.execute(&format!("DELETE FROM {table} WHERE user_nid = ?1"), params![user])?;
    }
    Ok(())
}
