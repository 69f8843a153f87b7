//! What an answer says of a person and a device although it seldom changes, kept in memory between answers.
//!
//! Each entry carries the position of the snapshot that it was read from and holds until the hub names a later change.

use std::collections::HashSet;
use std::sync::Arc;

use quick_cache::sync::Cache;
use wardline_store::{Pos, ReadTx, Store, StoreError, UserNid, one_time_keys, stream};

use super::json::{Object, array};
use crate::hub::LastChanges;
use crate::unread;

/// People and devices that are remembered.
const ENTRIES: usize = 20_000;

/// The keys of a device that wait for others, as every answer tells it.
#[derive(Debug)]
pub(super) struct KeyCounts {
    /// JSON object: how many by algorithm.
    pub(super) counts: String,
    /// JSON array: algorithms with a fallback key that was never used.
    pub(super) fallback_types: String,
}

impl KeyCounts {
    pub(super) fn read(tx: &ReadTx<'_>, user: UserNid, device: &str) -> Result<Self, StoreError> {
        let mut counts = String::new();
        let mut object = Object::open(&mut counts);
        for (algorithm, count) in one_time_keys::counts(tx, user, device)? {
            object.number(&algorithm, count);
        }
        object.close();
        let mut fallback_types = String::new();
        let types = one_time_keys::unused_fallback_types(tx, user, device)?;
        array(&mut fallback_types, types, |out, kind| {
            wardline_domain::canonical::write_string(out, &kind);
        });
        Ok(Self { counts, fallback_types })
    }
}

type Device = (UserNid, Arc<str>);

#[derive(Debug)]
pub(super) struct Memo {
    ignored: Cache<UserNid, (Pos, Arc<HashSet<String>>)>,
    keys: Cache<Device, (Pos, Arc<KeyCounts>)>,
    /// No message to the device waits that was sent up to this position.
    emptied: Cache<Device, Pos>,
}

impl Default for Memo {
    fn default() -> Self {
        Self { ignored: Cache::new(ENTRIES), keys: Cache::new(ENTRIES), emptied: Cache::new(ENTRIES) }
    }
}

impl Memo {
    /// The ids of the people whom a user ignores.
    ///
    /// # Errors
    /// Any failure of the database.
    pub(super) fn ignored(
        &self,
        store: &Store,
        user: UserNid,
        last: LastChanges,
    ) -> Result<Arc<HashSet<String>>, StoreError> {
        if let Some((_, known)) = self.ignored.get(&user).filter(|(pos, _)| last.account_data <= *pos) {
            return Ok(known);
        }
        let (pos, ignored) = store.read_now(|tx| {
            Ok::<_, StoreError>((stream::head(tx)?, Arc::new(unread::ignored_users(tx, user)?)))
        })?;
        self.ignored.insert(user, (pos, Arc::clone(&ignored)));
        Ok(ignored)
    }

    /// The keys of a device.
    ///
    /// # Errors
    /// Any failure of the database.
    pub(super) fn keys(
        &self,
        store: &Store,
        (user, device): (UserNid, &Arc<str>),
        last: LastChanges,
    ) -> Result<Arc<KeyCounts>, StoreError> {
        let key = (user, Arc::clone(device));
        let changed = last.one_time_keys.max(last.devices);
        if let Some((_, known)) = self.keys.get(&key).filter(|(pos, _)| changed <= *pos) {
            return Ok(known);
        }
        let (pos, keys) = store.read_now(|tx| {
            Ok::<_, StoreError>((stream::head(tx)?, Arc::new(KeyCounts::read(tx, user, device)?)))
        })?;
        self.keys.insert(key, (pos, Arc::clone(&keys)));
        Ok(keys)
    }

    /// Whether it is certain that no message to the device waits.
    pub(super) fn is_empty(&self, user: UserNid, device: &Arc<str>, last: LastChanges) -> bool {
        self.emptied.get(&(user, Arc::clone(device))).is_some_and(|pos| last.to_device <= pos)
    }

    /// Notes that no message to the device waits that was sent up to `pos`.
    pub(super) fn note_empty(&self, user: UserNid, device: &Arc<str>, pos: Pos) {
        self.emptied.insert((user, Arc::clone(device)), pos);
    }
}
