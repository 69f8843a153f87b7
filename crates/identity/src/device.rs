//! A user's list of devices.
//!
//! Specification: Client-Server API, "Device management".

use wardline_audit::Action;
use wardline_store::{
    Kind, dehydrated_devices, device_keys, device_lists,
    sessions::{self, Device},
};

use crate::{
    Identity, IdentityError, Session,
    sign_in::{Actor, acceptable_device_id},
};

impl Identity {
    /// All devices of the session's user, by id.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn devices(&self, session: &Session) -> Result<Vec<Device>, IdentityError> {
        Ok(self.store.read_now(|tx| sessions::devices(tx, session.user_nid))?)
    }

    /// The devices on which the session's user is signed in, by id: all but the sleeping one, on which nobody is.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn signed_in_devices(&self, session: &Session) -> Result<Vec<Device>, IdentityError> {
        Ok(self.store.read_now(|tx| dehydrated_devices::awake(tx, session.user_nid))?)
    }

    /// One device of the session's user.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], or a failure of the server.
    pub fn device(&self, session: &Session, device: &str) -> Result<Device, IdentityError> {
        self.store
            .read_now(|tx| sessions::device(tx, session.user_nid, device))?
            .ok_or(IdentityError::NotFound("device"))
    }

    /// Renames a device of the session's user.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`], or a failure of the server.
    pub async fn rename_device(
        &self,
        session: &Session,
        device: &str,
        display_name: Option<String>,
    ) -> Result<(), IdentityError> {
        if display_name.as_ref().is_some_and(|name| name.len() > 256) {
            return Err(IdentityError::Invalid("display_name", "must not be longer than 256 bytes"));
        }
        let (user, device) = (session.user_nid, device.to_owned());
        self.store
            .write_with(move |tx| {
                if !sessions::rename_device(tx, user, &device, display_name.as_deref())? {
                    return Err(IdentityError::NotFound("device"));
                }
                tx.record(Kind::Device, None, Some(user), 0)?;
                // The name is part of what others are told about the device with its keys.
                if device_keys::get(tx, user, &device)?.is_some() {
                    device_lists::record(tx, user)?;
                }
                Ok(())
            })
            .await
    }

    /// Makes a device for a user of an application service, or renames it. Whether it is new (MSC4190).
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], or a failure of the server.
    pub async fn put_service_device(
        &self,
        session: &Session,
        device: &str,
        display_name: Option<String>,
    ) -> Result<bool, IdentityError> {
        if display_name.as_ref().is_some_and(|name| name.len() > 256) {
            return Err(IdentityError::Invalid("display_name", "must not be longer than 256 bytes"));
        }
        if self.store.read_now(|tx| sessions::device(tx, session.user_nid, device))?.is_some() {
            if display_name.is_some() {
                self.rename_device(session, device, display_name).await?;
            }
            return Ok(false);
        }
        let device = acceptable_device_id(device.to_owned())?;
        let (user, at) = (session.user_nid, self.now());
        self.store
            .write(move |tx| {
                sessions::add_device(tx, user, &device, display_name.as_deref(), at)?;
                tx.record(Kind::Device, None, Some(user), 0)
            })
            .await?;
        Ok(true)
    }

    /// Deletes devices of the session's user, with their keys and tokens; those that do not exist are ignored.
    ///
    /// # Errors
    /// A failure of the server; then none of them is deleted.
    pub async fn delete_devices(&self, session: &Session, devices: Vec<String>) -> Result<(), IdentityError> {
        self.remove_devices(&Actor::of(session), Action::DeviceDeleted, move |_| Ok(devices)).await
    }
}
