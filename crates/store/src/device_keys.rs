//! Identity keys of devices.

use crate::{Reader, StoreError, UserNid, WriteTx, device_lists, params};

/// The uploaded keys of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKeys {
    /// The device.
    pub device_id: String,
    /// The name that its user gave it.
    pub display_name: Option<String>,
    /// Canonical JSON with the device's own signature.
    pub json: String,
}

/// Stores the keys of a device and records the change of the user's device list.
///
/// # Errors
/// Any failure of the database.
pub fn set(tx: &mut WriteTx<'_>, user: UserNid, device: &str, json: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO device_keys (user_nid, device_id, json) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_nid, device_id) DO UPDATE SET json = excluded.json",
        params![user, device, json],
    )?;
    device_lists::record(tx, user)?;
    Ok(())
}

/// The stored keys of a device, as canonical JSON.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid, device: &str) -> Result<Option<String>, StoreError> {
    tx.query_row(
        "SELECT json FROM device_keys WHERE user_nid = ?1 AND device_id = ?2",
        params![user, device],
        |row| row.get(0),
    )
}

/// The keys of all of a user's devices that have any, by device id.
///
/// # Errors
/// Any failure of the database.
pub fn of_user(tx: &impl Reader, user: UserNid) -> Result<Vec<DeviceKeys>, StoreError> {
    tx.query(
        "SELECT k.device_id, d.display_name, k.json FROM device_keys k \
         LEFT JOIN devices d ON d.user_nid = k.user_nid AND d.device_id = k.device_id \
         WHERE k.user_nid = ?1 ORDER BY k.device_id",
        params![user],
        |row| Ok(DeviceKeys { device_id: row.get(0)?, display_name: row.get(1)?, json: row.get(2)? }),
    )
}

/// Forgets everything that was uploaded by or waits for a device: identity, one-time and fallback keys, their
/// tombstones, signatures on the keys, messages and transactions, and what wakes it if it sleeps. To be called in the transaction that deletes
/// the device. Records the change of the user's device list if the device had keys.
///
/// # Errors
/// Any failure of the database.
pub fn delete_all(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<(), StoreError> {
    let had_keys =
        tx.execute("DELETE FROM device_keys WHERE user_nid = ?1 AND device_id = ?2", params![user, device])?;
    forget_session_keys(tx, user, device)?;
    for sql in [
        "DELETE FROM to_device WHERE user_nid = ?1 AND device_id = ?2",
        "DELETE FROM to_device_txns WHERE user_nid = ?1 AND device_id = ?2",
        "DELETE FROM dehydrated_devices WHERE user_nid = ?1 AND device_id = ?2",
    ] {
        tx.execute(sql, params![user, device])?;
    }
    if had_keys == 1 {
        device_lists::record(tx, user)?;
    }
    Ok(())
}

/// Forgets what belongs to the identity keys of a device and is useless with others: one-time and fallback keys,
/// their tombstones, and the signatures on the device's keys.
///
/// # Errors
/// Any failure of the database.
pub fn forget_session_keys(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM otks WHERE user_nid = ?1 AND device_id = ?2",
        "DELETE FROM otks_issued WHERE user_nid = ?1 AND device_id = ?2",
        "DELETE FROM fallback_keys WHERE user_nid = ?1 AND device_id = ?2",
        "DELETE FROM key_signatures WHERE user_nid = ?1 AND key = ?2",
    ] {
        tx.execute(sql, params![user, device])?;
    }
    Ok(())
}
