//! What identity asks of others. The `wardline` crate wires the answers.

use std::{future::Future, pin::Pin};

use wardline_domain::ruma::{DeviceId, UserId};
use wardline_store::{StoreError, UserNid, WriteTx};

/// Removes what belongs to a device (its keys, its waiting messages) when the device is deleted.
pub trait DeviceCleanup: Send + Sync {
    /// Called inside the transaction that deletes the device, before the device's own row goes.
    ///
    /// # Errors
    /// An error keeps the device and everything of it.
    fn on_delete(
        &self,
        tx: &mut WriteTx<'_>,
        user: UserNid,
        user_id: &UserId,
        device: &DeviceId,
    ) -> Result<(), StoreError>;
}

/// Carries a changed profile on, into the member events of the user's rooms.
pub trait ProfileListener: Send + Sync {
    /// Called after `displayname` or `avatar_url` of a user changed and the change is durable. The request
    /// that changed it is answered when this is done.
    fn profile_changed<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Called after an account was deactivated and that is durable: the user should leave all rooms.
    fn account_deactivated<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
