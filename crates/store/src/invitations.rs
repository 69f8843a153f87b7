//! One-time links by which an administrator lets somebody make an account.

use wardline_domain::Timestamp;

use crate::{Reader, Row, StoreError, WriteTx, params};

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// How administrators name it.
    pub id: String,
    /// Kind of the account: `staff`, `patient` or `outsider`.
    pub kind: String,
    /// Whether the account will be an administrator's.
    pub admin: bool,
    /// For whom it is, in the administrator's words.
    pub note: String,
    /// User id of the administrator.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used, and by which account.
    pub used: Option<(Timestamp, String)>,
}

const SELECT: &str =
    "SELECT id, kind, admin, note, created_by, created_at, expires_at, used_at, used_by FROM invitations ";

fn of_row(row: &Row<'_>) -> Result<Invitation, StoreError> {
    let used: (Option<Timestamp>, Option<String>) = (row.get(7)?, row.get(8)?);
    Ok(Invitation {
        id: row.get(0)?,
        kind: row.get(1)?,
        admin: row.get(2)?,
        note: row.get(3)?,
        created_by: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        used: used.0.zip(used.1),
    })
}

/// Stores an invitation.
///
/// # Errors
/// Any failure of the database.
pub fn add(tx: &mut WriteTx<'_>, token_hash: &[u8; 32], new: &Invitation) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO invitations (id, token_hash, kind, admin, note, created_by, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            new.id,
            *token_hash,
            new.kind,
            new.admin,
            new.note,
            new.created_by,
            new.created_at,
            new.expires_at
        ],
    )?;
    Ok(())
}

/// The newest invitations, used and ended ones too.
///
/// # Errors
/// Any failure of the database.
pub fn list(tx: &impl Reader, limit: u32) -> Result<Vec<Invitation>, StoreError> {
    tx.query(&format!("{SELECT} ORDER BY created_at DESC, id LIMIT ?1"), params![limit], of_row)
}

/// The invitation with this token.
///
/// # Errors
/// Any failure of the database.
pub fn by_token(tx: &impl Reader, token_hash: &[u8; 32]) -> Result<Option<Invitation>, StoreError> {
    tx.query_row(&format!("{SELECT} WHERE token_hash = ?1"), params![*token_hash], of_row)
}

/// Uses an invitation up. `false`: it was used before or has ended.
///
/// # Errors
/// Any failure of the database.
pub fn spend(tx: &mut WriteTx<'_>, id: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE invitations SET used_at = ?3, used_by = ?2 WHERE id = ?1 AND used_at IS NULL AND expires_at > ?3",
        params![id, by, at],
    )?;
    Ok(changed == 1)
}

/// Withdraws an invitation that was not used. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn withdraw(tx: &mut WriteTx<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM invitations WHERE id = ?1 AND used_at IS NULL", params![id])? == 1)
}
