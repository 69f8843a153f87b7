//! What may disturb whom, for the engine's push: answered by what people said of their duty.

use wardline_clinical::{ColumnCipher, Silence as Said, TimeZone, silence};
use wardline_domain::{Timestamp, ruma::UserId};
use wardline_engine::push::{Disturb, Silence};
use wardline_store::{ReadTx, StoreError};

/// The duty statuses of the store.
#[derive(Debug)]
pub(super) struct Duty {
    pub(super) cipher: ColumnCipher,
    pub(super) zone: TimeZone,
}

impl Silence for Duty {
    fn of(&self, tx: &ReadTx<'_>, user: &UserId, now: Timestamp) -> Result<Disturb, StoreError> {
        Ok(match silence(tx, &self.cipher, &self.zone, user.localpart(), now)? {
            Said::None => Disturb::Everything,
            Said::ButUrgent => Disturb::Urgent,
            Said::All => Disturb::Nothing,
        })
    }
}
