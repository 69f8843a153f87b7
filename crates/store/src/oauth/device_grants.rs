//! Devices that wait for somebody to allow them from another one (RFC 8628).

use wardline_domain::{Timestamp, ruma::OwnedUserId};

use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// A waiting device to store.
#[derive(Clone, Debug)]
pub struct NewDeviceGrant {
    /// SHA-256 of the device code.
    pub device_code_hash: [u8; 32],
    /// What the person types.
    pub user_code: String,
    /// The client that asks.
    pub client_id: String,
    /// The device that the session will be on.
    pub device_id: String,
    /// The scope asked for.
    pub scope: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Milliseconds that the device must wait between two questions.
    pub interval_ms: i64,
}

/// What was decided about a waiting device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Waiting,
    /// This person allowed it, having proved who they are in this way.
    Allowed(UserNid, OwnedUserId, String),
    /// Somebody refused it.
    Refused,
}

/// A stored waiting device.
#[derive(Clone, Debug)]
pub struct DeviceGrantRow {
    /// What was stored.
    pub grant: NewDeviceGrant,
    /// When the device last asked.
    pub asked_at: Option<Timestamp>,
    /// What was decided.
    pub decision: Decision,
}

/// Stores a waiting device; forgets those that have ended. `false` if the user code is taken.
///
/// # Errors
/// Any failure of the database.
pub fn add(tx: &mut WriteTx<'_>, grant: &NewDeviceGrant, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM oauth_device_grants WHERE expires_at <= ?1", params![now])?;
    let added = tx.execute(
        "INSERT INTO oauth_device_grants (device_code_hash, user_code, client_id, device_id, scope, expires_at, \
         interval_ms, decision) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) ON CONFLICT (user_code) DO NOTHING",
        params![
            grant.device_code_hash,
            grant.user_code,
            grant.client_id,
            grant.device_id,
            grant.scope,
            grant.expires_at,
            grant.interval_ms
        ],
    )?;
    Ok(added == 1)
}

const SELECT: &str = "SELECT d.device_code_hash, d.user_code, d.client_id, d.device_id, d.scope, d.expires_at, \
     d.interval_ms, d.asked_at, d.decision, d.user_nid, u.user_id, d.method FROM oauth_device_grants d \
     LEFT JOIN users u ON u.nid = d.user_nid WHERE ";

/// The waiting device with this device code.
///
/// # Errors
/// Any failure of the database.
pub fn by_device_code(tx: &impl Reader, hash: &[u8; 32]) -> Result<Option<DeviceGrantRow>, StoreError> {
    tx.query_row(&format!("{SELECT} d.device_code_hash = ?1"), params![*hash], of_row)
}

/// The waiting device with this user code.
///
/// # Errors
/// Any failure of the database.
pub fn by_user_code(tx: &impl Reader, user_code: &str) -> Result<Option<DeviceGrantRow>, StoreError> {
    tx.query_row(&format!("{SELECT} d.user_code = ?1"), params![user_code], of_row)
}

fn of_row(row: &Row<'_>) -> Result<DeviceGrantRow, StoreError> {
    let decision: i64 = row.get(8)?;
    let who: (Option<UserNid>, Option<OwnedUserId>, Option<String>) =
        (row.get(9)?, row.get(10)?, row.get(11)?);
    Ok(DeviceGrantRow {
        grant: NewDeviceGrant {
            device_code_hash: row.get(0)?,
            user_code: row.get(1)?,
            client_id: row.get(2)?,
            device_id: row.get(3)?,
            scope: row.get(4)?,
            expires_at: row.get(5)?,
            interval_ms: row.get(6)?,
        },
        asked_at: row.get(7)?,
        decision: match (decision, who) {
            (0, _) => Decision::Waiting,
            (1, (Some(user), Some(user_id), Some(method))) => Decision::Allowed(user, user_id, method),
            _ => Decision::Refused,
        },
    })
}

/// Notes that the device asked, and how long it must wait from now on.
///
/// # Errors
/// Any failure of the database.
pub fn note_asked(
    tx: &mut WriteTx<'_>,
    hash: &[u8; 32],
    at: Timestamp,
    interval_ms: i64,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE oauth_device_grants SET asked_at = ?2, interval_ms = ?3 WHERE device_code_hash = ?1",
        params![*hash, at, interval_ms],
    )?;
    Ok(())
}

/// Decides about a device that still waits. Whether there was one.
///
/// # Errors
/// Any failure of the database.
pub fn decide(
    tx: &mut WriteTx<'_>,
    user_code: &str,
    allow: bool,
    user: UserNid,
    method: &str,
) -> Result<bool, StoreError> {
    let decision = if allow { 1_i64 } else { 2 };
    let changed = tx.execute(
        "UPDATE oauth_device_grants SET decision = ?2, user_nid = ?3, method = ?4 \
         WHERE user_code = ?1 AND decision = 0",
        params![user_code, decision, user, method],
    )?;
    Ok(changed == 1)
}

/// Forgets a waiting device: its codes are good for nothing any more.
///
/// # Errors
/// Any failure of the database.
pub fn forget(tx: &mut WriteTx<'_>, hash: &[u8; 32]) -> Result<(), StoreError> {
    tx.execute("DELETE FROM oauth_device_grants WHERE device_code_hash = ?1", params![*hash])?;
    Ok(())
}
