//! Local accounts and profiles.

use wardline_domain::{Timestamp, ruma::UserId};

use crate::{Reader, StoreError, UserNid, WriteTx, params, users};

/// What an account is for, and with it what it may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountKind {
    /// A member of staff: the directory, rooms of their own, everything that is not kept to administrators.
    Staff,
    /// A patient: only in conversations that staff opened and invited them to; no directory.
    Patient,
    /// Somebody outside the organisation (a relative, a carer, a supplier): as a patient.
    Outsider,
    /// A program.
    Service,
}

impl AccountKind {
    /// The stable name, as stored and shown to clients.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Patient => "patient",
            Self::Outsider => "outsider",
            Self::Service => "service",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Staff, Self::Patient, Self::Outsider, Self::Service]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }

    /// Whether it is a guest in other people's conversations: no directory, no rooms of its own, invited only.
    #[must_use]
    pub const fn is_guest(self) -> bool {
        matches!(self, Self::Patient | Self::Outsider)
    }
}

/// A kind out of its column.
pub(crate) fn kind_of(text: &str) -> Result<AccountKind, StoreError> {
    AccountKind::parse(text).ok_or_else(|| StoreError::Malformed(format!("accounts.kind: {text}")))
}

/// A local account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its user.
    pub user: UserNid,
    /// Argon2id hash in PHC form; `None`: cannot sign in by password.
    pub password_hash: Option<String>,
    /// Whether it may use the administration API.
    pub admin: bool,
    /// Whether it was deactivated. A deactivated account cannot sign in and its name stays taken.
    pub deactivated: bool,
    /// What it is for.
    pub kind: AccountKind,
    /// Whether the organisation's identity system disabled it: it cannot sign in until that enables it again.
    pub disabled: bool,
}

/// Creates an account. `None` if the user already has one; nothing is changed then.
///
/// # Errors
/// Any failure of the database.
pub fn create(
    tx: &mut WriteTx<'_>,
    user: &UserId,
    password_hash: Option<&str>,
    admin: bool,
    at: Timestamp,
) -> Result<Option<UserNid>, StoreError> {
    let nid = users::intern(tx, user)?;
    let inserted = tx.execute(
        "INSERT INTO accounts (user_nid, password_hash, admin, created_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (user_nid) DO NOTHING",
        params![nid, password_hash, admin, at],
    )?;
    Ok((inserted == 1).then_some(nid))
}

/// The account of a user, active or not.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, user: &UserId) -> Result<Option<Account>, StoreError> {
    tx.query_row(
        "SELECT a.user_nid, a.password_hash, a.admin, a.deactivated_at, a.kind, a.disabled_at FROM accounts a \
         JOIN users u ON u.nid = a.user_nid WHERE u.user_id = ?1",
        params![user],
        |row| {
            Ok(Account {
                user: row.get(0)?,
                password_hash: row.get(1)?,
                admin: row.get(2)?,
                deactivated: row.get::<Option<i64>>(3)?.is_some(),
                kind: kind_of(&row.get::<String>(4)?)?,
                disabled: row.get::<Option<i64>>(5)?.is_some(),
            })
        },
    )
}

/// Says what an account is for.
///
/// # Errors
/// Any failure of the database.
pub fn set_kind(tx: &mut WriteTx<'_>, user: UserNid, kind: AccountKind) -> Result<(), StoreError> {
    tx.execute("UPDATE accounts SET kind = ?2 WHERE user_nid = ?1", params![user, kind.as_str()])?;
    Ok(())
}

/// Disables an account (`Some`: when) or enables it again.
///
/// # Errors
/// Any failure of the database.
pub fn set_disabled(tx: &mut WriteTx<'_>, user: UserNid, at: Option<Timestamp>) -> Result<(), StoreError> {
    tx.execute("UPDATE accounts SET disabled_at = ?2 WHERE user_nid = ?1", params![user, at])?;
    Ok(())
}

/// What the account of a user is for; `None`: there is none here.
///
/// # Errors
/// Any failure of the database.
pub fn kind(tx: &impl Reader, user: &UserId) -> Result<Option<AccountKind>, StoreError> {
    tx.query_row(
        "SELECT a.kind FROM accounts a JOIN users u ON u.nid = a.user_nid WHERE u.user_id = ?1",
        params![user],
        |row| kind_of(&row.get::<String>(0)?),
    )
}

/// Whether an account has a password.
///
/// # Errors
/// Any failure of the database.
pub fn has_password(tx: &impl Reader, user: UserNid) -> Result<bool, StoreError> {
    let has = tx.query_row(
        "SELECT 1 FROM accounts WHERE user_nid = ?1 AND password_hash IS NOT NULL",
        params![user],
        |row| row.get::<i64>(0),
    )?;
    Ok(has.is_some())
}

/// Whether an account is an administrator's.
///
/// # Errors
/// Any failure of the database.
pub fn is_admin(tx: &impl Reader, user: UserNid) -> Result<bool, StoreError> {
    let admin =
        tx.query_row("SELECT admin FROM accounts WHERE user_nid = ?1", params![user], |row| row.get(0))?;
    Ok(admin.unwrap_or(false))
}

/// Replaces the password hash.
///
/// # Errors
/// Any failure of the database.
pub fn set_password(tx: &mut WriteTx<'_>, user: UserNid, password_hash: &str) -> Result<(), StoreError> {
    tx.execute("UPDATE accounts SET password_hash = ?2 WHERE user_nid = ?1", params![user, password_hash])?;
    Ok(())
}

/// Deactivates the account for good: its password goes, its name stays taken.
///
/// # Errors
/// Any failure of the database.
pub fn deactivate(tx: &mut WriteTx<'_>, user: UserNid, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE accounts SET deactivated_at = ?2, password_hash = NULL, admin = 0 \
         WHERE user_nid = ?1 AND deactivated_at IS NULL",
        params![user, at],
    )?;
    Ok(())
}

/// All profile fields of a user, by name, each value as JSON text.
///
/// # Errors
/// Any failure of the database.
pub fn profile(tx: &impl Reader, user: UserNid) -> Result<Vec<(String, String)>, StoreError> {
    tx.query("SELECT field, value FROM profiles WHERE user_nid = ?1 ORDER BY field", params![user], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// One profile field as JSON text.
///
/// # Errors
/// Any failure of the database.
pub fn profile_field(tx: &impl Reader, user: UserNid, field: &str) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT value FROM profiles WHERE user_nid = ?1 AND field = ?2",
        params![user, field],
        |row| row.get(0),
    )
}

/// Sets a profile field to a JSON text, or removes it (`None`).
///
/// # Errors
/// Any failure of the database.
pub fn set_profile_field(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    field: &str,
    value: Option<&str>,
) -> Result<(), StoreError> {
    match value {
        Some(value) => tx.execute(
            "INSERT INTO profiles (user_nid, field, value) VALUES (?1, ?2, ?3) \
             ON CONFLICT (user_nid, field) DO UPDATE SET value = excluded.value",
            params![user, field, value],
        )?,
        None => {
            tx.execute("DELETE FROM profiles WHERE user_nid = ?1 AND field = ?2", params![user, field])?
        }
    };
    Ok(())
}
