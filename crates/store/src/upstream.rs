//! Sign-in with identity providers: whom their people are here, and which sessions follow from a sign-in there.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, StoreError, UserNid, WriteTx, params};

/// A sign-in at a provider to store.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// The provider's id in the configuration.
    pub provider: String,
    /// The key of the person at the provider.
    pub subject: String,
    /// The claim `sub`.
    pub token_sub: String,
    /// The provider's session.
    pub sid: Option<String>,
    /// Who they are here.
    pub user: UserNid,
    /// The provider's tokens, sealed.
    pub tokens: Vec<u8>,
    /// The id of the role that was chosen.
    pub role: Option<String>,
    /// When it was.
    pub at: Timestamp,
}

/// A stored sign-in.
#[derive(Clone, Debug)]
pub struct LoginRow {
    /// Its number.
    pub id: i64,
    /// What was stored; `at` is when the provider last said that it holds.
    pub login: NewLogin,
    /// Who.
    pub user_id: OwnedUserId,
}

/// Which sign-ins a provider ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The one of this session there; with a subject only if it is that one's.
    Session(String, Option<String>),
    /// All of this person (the claim `sub`).
    Person(String),
    /// This one, by its number here.
    Login(i64),
}

/// Whom a person at a provider is here.
///
/// # Errors
/// Any failure of the database.
pub fn account(
    tx: &impl Reader,
    provider: &str,
    subject: &str,
) -> Result<Option<(UserNid, OwnedUserId)>, StoreError> {
    tx.query_row(
        "SELECT a.user_nid, u.user_id FROM upstream_accounts a JOIN users u ON u.nid = a.user_nid \
         WHERE a.provider = ?1 AND a.subject = ?2",
        params![provider, subject],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Whether an account is some person's at this provider.
///
/// # Errors
/// Any failure of the database.
pub fn is_linked(tx: &impl Reader, provider: &str, user: UserNid) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.query_row(
        "SELECT 1 FROM upstream_accounts WHERE user_nid = ?1 AND provider = ?2",
        params![user, provider],
        |row| row.get(0),
    )?;
    Ok(found.is_some())
}

/// The ids of the providers at which a user is some person.
///
/// # Errors
/// Any failure of the database.
pub fn providers_of(tx: &impl Reader, user: UserNid) -> Result<Vec<String>, StoreError> {
    tx.query("SELECT provider FROM upstream_accounts WHERE user_nid = ?1", params![user], |row| row.get(0))
}

/// Notes whom a person at a provider is here.
///
/// # Errors
/// Any failure of the database.
pub fn link(
    tx: &mut WriteTx<'_>,
    provider: &str,
    subject: &str,
    user: UserNid,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO upstream_accounts (provider, subject, user_nid, linked_at) VALUES (?1, ?2, ?3, ?4)",
        params![provider, subject, user, at],
    )?;
    Ok(())
}

/// Stores a sign-in. Its number.
///
/// # Errors
/// Any failure of the database.
pub fn add_login(tx: &mut WriteTx<'_>, login: &NewLogin) -> Result<i64, StoreError> {
    let id = tx.query_row(
        "INSERT INTO upstream_logins (provider, subject, token_sub, sid, user_nid, tokens, role, at, checked_at, \
         ended) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0) RETURNING id",
        params![
            login.provider,
            login.subject,
            login.token_sub,
            login.sid,
            login.user,
            login.tokens,
            login.role,
            login.at
        ],
        |row| row.get(0),
    )?;
    id.ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}

/// Notes that a session follows from a sign-in. False if the provider has ended that: the session must not be.
///
/// # Errors
/// Any failure of the database.
pub fn add_session(tx: &mut WriteTx<'_>, session: i64, login: i64) -> Result<bool, StoreError> {
    let stored = tx.execute(
        "INSERT INTO upstream_sessions (session_id, login) SELECT ?1, id FROM upstream_logins \
         WHERE id = ?2 AND ended = 0",
        params![session, login],
    )?;
    Ok(stored == 1)
}

const LOGIN: &str = "SELECT l.id, l.provider, l.subject, l.token_sub, l.sid, l.user_nid, l.tokens, l.role, \
     l.checked_at, u.user_id FROM upstream_logins l JOIN users u ON u.nid = l.user_nid WHERE l.ended = 0 AND ";

fn login_of(row: &crate::Row<'_>) -> Result<LoginRow, StoreError> {
    Ok(LoginRow {
        id: row.get(0)?,
        login: NewLogin {
            provider: row.get(1)?,
            subject: row.get(2)?,
            token_sub: row.get(3)?,
            sid: row.get(4)?,
            user: row.get(5)?,
            tokens: row.get(6)?,
            role: row.get(7)?,
            at: row.get(8)?,
        },
        user_id: row.get(9)?,
    })
}

/// A sign-in that was not ended, by its number.
///
/// # Errors
/// Any failure of the database.
pub fn login(tx: &impl Reader, id: i64) -> Result<Option<LoginRow>, StoreError> {
    tx.query_row(&format!("{LOGIN} l.id = ?1"), params![id], login_of)
}

/// The sign-ins at a provider that a session follows from and that the provider was last asked about at `before` or
/// earlier: by their numbers, those above `after`, at most `limit`.
///
/// # Errors
/// Any failure of the database.
pub fn due(
    tx: &impl Reader,
    provider: &str,
    before: Timestamp,
    after: i64,
    limit: u32,
) -> Result<Vec<LoginRow>, StoreError> {
    tx.query(
        &format!(
            "{LOGIN} l.provider = ?1 AND l.checked_at <= ?2 AND l.id > ?3 AND EXISTS \
             (SELECT 1 FROM upstream_sessions s WHERE s.login = l.id) ORDER BY l.id LIMIT ?4"
        ),
        params![provider, before, after, limit],
        login_of,
    )
}

/// Notes that the provider said that a sign-in still holds; with its new tokens if it gave any.
///
/// # Errors
/// Any failure of the database.
pub fn checked(
    tx: &mut WriteTx<'_>,
    id: i64,
    at: Timestamp,
    tokens: Option<&[u8]>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE upstream_logins SET checked_at = ?2, tokens = COALESCE(?3, tokens) WHERE id = ?1",
        params![id, at, tokens.map(<[u8]>::to_vec)],
    )?;
    Ok(())
}

/// The sign-ins at a provider that it ended and that were not ended before.
///
/// # Errors
/// Any failure of the database.
pub fn of_ended(tx: &impl Reader, provider: &str, ended: &Ended) -> Result<Vec<LoginRow>, StoreError> {
    match ended {
        Ended::Session(sid, sub) => tx.query(
            &format!("{LOGIN} l.provider = ?1 AND l.sid = ?2 AND l.token_sub = COALESCE(?3, l.token_sub)"),
            params![provider, sid, sub],
            login_of,
        ),
        Ended::Person(sub) => tx.query(
            &format!("{LOGIN} l.provider = ?1 AND l.token_sub = ?2"),
            params![provider, sub],
            login_of,
        ),
        Ended::Login(id) => {
            tx.query(&format!("{LOGIN} l.provider = ?1 AND l.id = ?2"), params![provider, id], login_of)
        }
    }
}

/// Marks a sign-in as ended; the sessions that follow from it, with their devices.
///
/// # Errors
/// Any failure of the database.
pub fn end(tx: &mut WriteTx<'_>, id: i64) -> Result<Vec<(i64, String)>, StoreError> {
    tx.execute("UPDATE upstream_logins SET ended = 1 WHERE id = ?1", params![id])?;
    tx.query(
        "SELECT s.id, s.device_id FROM upstream_sessions x JOIN sessions s ON s.id = x.session_id \
         WHERE x.login = ?1 ORDER BY s.id",
        params![id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Forgets sign-ins from before `before` that no session follows from.
///
/// # Errors
/// Any failure of the database.
pub fn forget_unused(tx: &mut WriteTx<'_>, before: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM upstream_logins WHERE at <= ?1 AND NOT EXISTS \
         (SELECT 1 FROM upstream_sessions s WHERE s.login = upstream_logins.id)",
        params![before],
    )?;
    Ok(())
}

/// Notes that somebody signed in with the browser that has this cookie; forgets browsers not used since `before`.
///
/// # Errors
/// Any failure of the database.
pub fn know_browser(
    tx: &mut WriteTx<'_>,
    token_hash: &[u8; 32],
    user: UserNid,
    at: Timestamp,
    before: Timestamp,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM known_browsers WHERE used_at < ?1", params![before])?;
    tx.execute(
        "INSERT INTO known_browsers (token_hash, user_nid, used_at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (token_hash, user_nid) DO UPDATE SET used_at = excluded.used_at",
        params![*token_hash, user, at],
    )?;
    Ok(())
}

/// Whether anybody has signed in with the browser that has this cookie.
///
/// # Errors
/// Any failure of the database.
pub fn is_known_browser(tx: &impl Reader, token_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.query_row(
        "SELECT 1 FROM known_browsers WHERE token_hash = ?1 LIMIT 1",
        params![*token_hash],
        |row| row.get(0),
    )?;
    Ok(found.is_some())
}

/// Whether this user has signed in with the browser that has this cookie.
///
/// # Errors
/// Any failure of the database.
pub fn knows_browser(tx: &impl Reader, token_hash: &[u8; 32], user: UserNid) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.query_row(
        "SELECT 1 FROM known_browsers WHERE token_hash = ?1 AND user_nid = ?2",
        params![*token_hash, user],
        |row| row.get(0),
    )?;
    Ok(found.is_some())
}
