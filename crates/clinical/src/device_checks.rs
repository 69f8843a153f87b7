//! The test of a device before a shift: its result is there for the team of whoever holds a role.

use wardline_store::clinical::{
    device_checks::{self, DeviceCheck, DevicePart},
    directory,
};

use crate::{Caller, Clinical, ClinicalError, Only};

impl Clinical {
    /// Keeps what the caller found when they tested their device: the parts that did not work.
    ///
    /// # Errors
    /// [`ClinicalError::Forbidden`] for who is not in the directory.
    pub async fn record_device_check(
        &self,
        caller: &Caller,
        failed: Vec<DevicePart>,
    ) -> Result<(), ClinicalError> {
        let (parts, caller, now) = (self.parts.clone(), caller.clone(), self.parts.clock.now());
        self.parts
            .store
            .write_with(move |tx| {
                let person = caller.person();
                if directory::practitioner(tx, person)?.is_none() {
                    return Err(ClinicalError::Forbidden(Only::Staff));
                }
                Ok(device_checks::put(tx, &parts.cipher, person, &DeviceCheck { at: now, failed })?)
            })
            .await
    }

    /// What a member of staff found when they last tested a device.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn device_check_of(&self, person: &str) -> Result<Option<DeviceCheck>, ClinicalError> {
        let parts = &self.parts;
        Ok(parts.store.read_now(|tx| device_checks::get(tx, &parts.cipher, person))?)
    }
}
