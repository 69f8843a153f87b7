//! Dehydrated devices (MSC3814): what the client left to wake its user's sleeping device with.

use crate::{Reader, StoreError, UserNid, WriteTx, params, sessions};

/// The sleeping device of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DehydratedDevice {
    /// Its id.
    pub device_id: String,
    /// Its private keys, encrypted by the client: a JSON object.
    pub device_data: String,
}

/// The sleeping device of a user, if there is one.
///
/// # Errors
/// Any failure of the database.
pub fn get(tx: &impl Reader, user: UserNid) -> Result<Option<DehydratedDevice>, StoreError> {
    tx.query_row(
        "SELECT device_id, device_data FROM dehydrated_devices WHERE user_nid = ?1",
        params![user],
        |row| Ok(DehydratedDevice { device_id: row.get(0)?, device_data: row.get(1)? }),
    )
}

/// Makes a device of the user the sleeping one. What was the sleeping one before is an ordinary device then: the
/// caller deletes it.
///
/// # Errors
/// Any failure of the database.
pub fn set(tx: &mut WriteTx<'_>, user: UserNid, device: &DehydratedDevice) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO dehydrated_devices (user_nid, device_id, device_data) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_nid) DO UPDATE SET device_id = excluded.device_id, \
           device_data = excluded.device_data",
        params![user, device.device_id, device.device_data],
    )?;
    Ok(())
}

/// The devices of a user but the sleeping one: those that signing out everywhere is about. Messages to the sleeping
/// one are what is read at the next sign-in.
///
/// # Errors
/// Any failure of the database.
pub fn awake(tx: &impl Reader, user: UserNid) -> Result<Vec<sessions::Device>, StoreError> {
    let asleep = get(tx, user)?;
    let mut devices = sessions::devices(tx, user)?;
    devices.retain(|device| asleep.as_ref().is_none_or(|asleep| asleep.device_id != device.device_id));
    Ok(devices)
}
