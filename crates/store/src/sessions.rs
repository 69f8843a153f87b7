//! Devices, sessions and the hashes of their tokens.
//!
//! A session has one grant (token pair) in force. A refresh adds a child of it; the first use of a child puts
//! that child in force. Every other grant of the session is spent.

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{
    Reader, Row, StoreError, UserNid, WriteTx,
    accounts::{AccountKind, kind_of},
    params,
};

/// Spent grants that a session remembers, so that a stolen refresh token is recognised.
const SPENT_KEPT: u32 = 16;

/// A device of a local user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub device_id: String,
    /// The name its user sees.
    pub display_name: Option<String>,
    /// When it last asked anything, to about ten minutes.
    pub last_seen_at: Timestamp,
    /// The network address from which it did.
    pub last_seen_ip: Option<String>,
}

/// A token pair to store.
#[derive(Clone, Copy, Debug)]
pub struct NewGrant {
    /// SHA-256 of the access token.
    pub access_hash: [u8; 32],
    /// When the access token ends; `None`: never.
    pub access_expires_at: Option<Timestamp>,
    /// SHA-256 of the refresh token, if there is one.
    pub refresh_hash: Option<[u8; 32]>,
    /// When it is given out.
    pub at: Timestamp,
}

/// Where a grant stands in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is in force.
    Current,
    /// It was given out for the one in force and has not been used yet.
    Pending,
    /// Another one is in force: this one is over.
    Spent,
}

/// A grant found by the hash of one of its tokens, with its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRow {
    /// Its number.
    pub id: i64,
    /// Where it stands.
    pub standing: Standing,
    /// When its access token ends; `None`: never.
    pub access_expires_at: Option<Timestamp>,
    /// Its session.
    pub session_id: i64,
    /// The session's user.
    pub user: UserNid,
    /// The session's user.
    pub user_id: OwnedUserId,
    /// The session's device.
    pub device_id: String,
    /// Whether the account may use the administration API.
    pub admin: bool,
    /// What the account is for.
    pub kind: AccountKind,
    /// The authentication that the session follows from, as JSON.
    pub authentication: Option<String>,
    /// When the device was last seen.
    pub last_seen_at: Timestamp,
    /// When the session was opened.
    pub opened_at: Timestamp,
    /// Whether the account is one of a guest.
    pub guest: bool,
    /// The thumbprint of the client's key to which the tokens are bound (DPoP).
    pub thumbprint: Option<[u8; 32]>,
    /// The granted scope, if the session was opened by OAuth.
    pub scope: Option<String>,
}

/// All devices of a user, by id.
///
/// # Errors
/// Any failure of the database.
pub fn devices(tx: &impl Reader, user: UserNid) -> Result<Vec<Device>, StoreError> {
    tx.query(
        "SELECT device_id, display_name, last_seen_at, last_seen_ip FROM devices WHERE user_nid = ?1 ORDER BY device_id",
        params![user],
        device_of,
    )
}

/// One device of a user.
///
/// # Errors
/// Any failure of the database.
pub fn device(tx: &impl Reader, user: UserNid, device: &str) -> Result<Option<Device>, StoreError> {
    tx.query_row(
        "SELECT device_id, display_name, last_seen_at, last_seen_ip FROM devices WHERE user_nid = ?1 AND device_id = ?2",
        params![user, device],
        device_of,
    )
}

fn device_of(row: &Row<'_>) -> Result<Device, StoreError> {
    Ok(Device {
        device_id: row.get(0)?,
        display_name: row.get(1)?,
        last_seen_at: row.get(2)?,
        last_seen_ip: row.get(3)?,
    })
}

/// Adds a device, or marks it as seen if the user has it already (its name stays). Whether it is new.
///
/// # Errors
/// Any failure of the database.
pub fn add_device(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    display_name: Option<&str>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    if touch_device(tx, user, device, at, None)? {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO devices (user_nid, device_id, display_name, created_at, last_seen_at) \
         VALUES (?1, ?2, ?3, ?4, ?4)",
        params![user, device, display_name, at],
    )?;
    Ok(true)
}

/// Marks a device as seen, from this network address if it is known. Whether it exists.
///
/// # Errors
/// Any failure of the database.
pub fn touch_device(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    at: Timestamp,
    address: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE devices SET last_seen_at = ?3, last_seen_ip = COALESCE(?4, last_seen_ip) \
         WHERE user_nid = ?1 AND device_id = ?2",
        params![user, device, at, address],
    )?;
    Ok(changed == 1)
}

/// Renames a device. Whether it exists.
///
/// # Errors
/// Any failure of the database.
pub fn rename_device(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    display_name: Option<&str>,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE devices SET display_name = ?3 WHERE user_nid = ?1 AND device_id = ?2",
        params![user, device, display_name],
    )?;
    Ok(changed == 1)
}

/// Account data that is about one device, named by its id behind this (MSC3890).
const OF_DEVICE: [&str; 2] =
    ["m.local_notification_settings.", "org.matrix.msc3890.local_notification_settings."];

/// Deletes a device with its session, its tokens, its pushers and its notification settings. Whether it existed.
///
/// # Errors
/// Any failure of the database.
pub fn delete_device(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<bool, StoreError> {
    end_session_of(tx, user, device)?;
    crate::pushers::remove_of_device(tx, user, device)?;
    let gone =
        tx.execute("DELETE FROM devices WHERE user_nid = ?1 AND device_id = ?2", params![user, device])?;
    if gone == 1 {
        crate::txn_ids::device_gone(tx, user, device)?;
        for kind in OF_DEVICE {
            crate::account_data::delete(tx, user, None, &format!("{kind}{device}"))?;
        }
    }
    Ok(gone == 1)
}

/// Ends the session of a device, if it has one; the device stays. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn end_session_of(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<bool, StoreError> {
    let id: Option<i64> = tx.query_row(
        "SELECT id FROM sessions WHERE user_nid = ?1 AND device_id = ?2",
        params![user, device],
        |row| row.get(0),
    )?;
    let Some(id) = id else { return Ok(false) };
    tx.execute("DELETE FROM grants WHERE session_id = ?1", params![id])?;
    tx.execute("DELETE FROM sessions WHERE id = ?1", params![id])?;
    Ok(true)
}

/// Revokes a session without forgetting it: none of its grants is in force any more, and whoever comes with one
/// of its tokens can be told that the device still exists. Whether it was in force.
///
/// # Errors
/// Any failure of the database.
pub fn revoke(tx: &mut WriteTx<'_>, session: i64) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE sessions SET grant_id = 0 WHERE id = ?1 AND grant_id <> 0", params![session])?;
    Ok(changed == 1)
}

/// Opens a session on an existing device with its first grant, in force at once; it follows from this
/// authentication (JSON). A session that the device still had is ended. The new session's number.
///
/// # Errors
/// Any failure of the database.
pub fn open(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    grant: &NewGrant,
    authentication: Option<&str>,
) -> Result<i64, StoreError> {
    end_session_of(tx, user, device)?;
    let id: i64 = returned(tx.query_row(
        "INSERT INTO sessions (user_nid, device_id, created_at, grant_id, authentication) \
         VALUES (?1, ?2, ?3, 0, ?4) RETURNING id",
        params![user, device, grant.at, authentication],
        |row| row.get(0),
    )?)?;
    let first = add_grant(tx, id, None, grant)?;
    tx.execute("UPDATE sessions SET grant_id = ?2 WHERE id = ?1", params![id, first])?;
    Ok(id)
}

/// Stores a grant that was given out for `parent`. Its number.
///
/// # Errors
/// Any failure of the database.
pub fn add_grant(
    tx: &mut WriteTx<'_>,
    session: i64,
    parent: Option<i64>,
    grant: &NewGrant,
) -> Result<i64, StoreError> {
    returned(tx.query_row(
        "INSERT INTO grants (session_id, parent_id, access_hash, access_expires_at, refresh_hash, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
        params![
            session,
            parent,
            grant.access_hash,
            grant.access_expires_at,
            grant.refresh_hash,
            grant.at
        ],
        |row| row.get(0),
    )?)
}

/// Binds the tokens of a session to a key of its client (DPoP).
///
/// # Errors
/// Any failure of the database.
pub fn bind(tx: &mut WriteTx<'_>, session: i64, thumbprint: &[u8; 32]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO dpop_sessions (session_id, thumbprint) VALUES (?1, ?2)",
        params![session, *thumbprint],
    )?;
    Ok(())
}

/// Puts a pending grant in force; forgets grants that were spent long ago.
///
/// # Errors
/// Any failure of the database.
pub fn confirm(tx: &mut WriteTx<'_>, session: i64, grant: i64) -> Result<(), StoreError> {
    tx.execute("UPDATE sessions SET grant_id = ?2 WHERE id = ?1", params![session, grant])?;
    tx.execute(
        "DELETE FROM grants WHERE session_id = ?1 AND id <= \
         (SELECT id FROM grants WHERE session_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
        params![session, grant, SPENT_KEPT],
    )?;
    Ok(())
}

const GRANT: &str = "SELECT g.id, g.parent_id, s.grant_id, g.access_expires_at, s.id, s.user_nid, u.user_id, \
     s.device_id, a.admin, d.last_seen_at, a.kind, s.authentication, s.created_at, \
     EXISTS (SELECT 1 FROM guests WHERE user_nid = s.user_nid), p.thumbprint, o.scope FROM grants g \
     JOIN sessions s ON s.id = g.session_id \
     JOIN users u ON u.nid = s.user_nid \
     JOIN accounts a ON a.user_nid = s.user_nid \
     JOIN devices d ON d.user_nid = s.user_nid AND d.device_id = s.device_id \
     LEFT JOIN dpop_sessions p ON p.session_id = s.id \
     LEFT JOIN oauth_sessions o ON o.session_id = s.id \
     WHERE a.deactivated_at IS NULL AND a.disabled_at IS NULL AND ";

/// The grant with this access token.
///
/// # Errors
/// Any failure of the database.
pub fn by_access_token(tx: &impl Reader, hash: &[u8; 32]) -> Result<Option<GrantRow>, StoreError> {
    tx.query_row(&format!("{GRANT} g.access_hash = ?1"), params![*hash], grant_of)
}

/// The grant with this refresh token.
///
/// # Errors
/// Any failure of the database.
pub fn by_refresh_token(tx: &impl Reader, hash: &[u8; 32]) -> Result<Option<GrantRow>, StoreError> {
    tx.query_row(&format!("{GRANT} g.refresh_hash = ?1"), params![*hash], grant_of)
}

fn grant_of(row: &Row<'_>) -> Result<GrantRow, StoreError> {
    let id: i64 = row.get(0)?;
    let parent: Option<i64> = row.get(1)?;
    let current: i64 = row.get(2)?;
    Ok(GrantRow {
        id,
        standing: match parent {
            _ if id == current => Standing::Current,
            Some(parent) if parent == current => Standing::Pending,
            _ => Standing::Spent,
        },
        access_expires_at: row.get(3)?,
        session_id: row.get(4)?,
        user: row.get(5)?,
        user_id: row.get(6)?,
        device_id: row.get(7)?,
        admin: row.get(8)?,
        last_seen_at: row.get(9)?,
        kind: kind_of(&row.get::<String>(10)?)?,
        authentication: row.get(11)?,
        opened_at: row.get(12)?,
        guest: row.get(13)?,
        thumbprint: row.get(14)?,
        scope: row.get(15)?,
    })
}

fn returned(id: Option<i64>) -> Result<i64, StoreError> {
    id.ok_or_else(|| StoreError::Malformed("an insert returned no row".into()))
}
