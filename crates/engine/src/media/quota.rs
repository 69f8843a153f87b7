//! How much may be uploaded: by one user, and by all together.
//!
//! A user's use is summed in the transaction that adds to it, so no two uploads at once slip through together. The use
//! of all is summed on a reader now and then and counted on in between: the limit of the disk's sake may be passed by
//! what arrives at the same moment.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use wardline_store::{Reader, UserNid, media};

use super::{MediaConfig, MediaError};
use crate::Context;

/// How long a sum of everybody's files is good for, in milliseconds. Files that are deleted free their room by then.
const SUM_KEPT_MS: i64 = 60_000;

/// The limits, and what everybody uses.
#[derive(Debug)]
pub(super) struct Quota {
    user: Option<u64>,
    total: Option<u64>,
    used: AtomicU64,
    /// When `used` was last summed, milliseconds; 0: never.
    summed_at: AtomicI64,
}

impl Quota {
    pub(super) fn new(config: &MediaConfig) -> Self {
        Self {
            user: config.user_quota,
            total: config.total_quota,
            used: AtomicU64::new(0),
            summed_at: AtomicI64::new(0),
        }
    }

    /// Whether `size` more bytes of a user fit.
    pub(super) async fn check(&self, context: &Context, owner: UserNid, size: u64) -> Result<(), MediaError> {
        if self.user.is_some() {
            context.store.read_now(|tx| self.check_user(tx, owner, size))?;
        }
        let Some(limit) = self.total else { return Ok(()) };
        let now = context.now().as_millis();
        let summed_at = self.summed_at.load(Ordering::Acquire);
        if summed_at == 0 || !(0..SUM_KEPT_MS).contains(&(now - summed_at)) {
            let used = context.store.read(|tx| media::used(tx)).await?;
            self.used.store(used, Ordering::Release);
            self.summed_at.store(now, Ordering::Release);
        }
        match self.used.load(Ordering::Acquire).checked_add(size) {
            Some(after) if after <= limit => Ok(()),
            _ => Err(MediaError::NoRoom),
        }
    }

    /// Whether `size` more bytes fit into the user's share.
    pub(super) fn check_user(&self, tx: &impl Reader, owner: UserNid, size: u64) -> Result<(), MediaError> {
        let Some(limit) = self.user else { return Ok(()) };
        match media::used_by(tx, owner)?.checked_add(size) {
            Some(after) if after <= limit => Ok(()),
            _ => Err(MediaError::QuotaReached { limit }),
        }
    }

    /// Counts an upload that was stored.
    pub(super) fn add(&self, size: u64) {
        self.used.fetch_add(size, Ordering::AcqRel);
    }
}
