//! Places in memory where two devices of a person leave each other short encrypted messages, to sign the new one in by
//! QR code.
//!
//! Specification: MSC4108 (2024 and earlier clients) and MSC4388. What is left here is opaque to the server. A restart
//! forgets all of it: the person scans again.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use wardline_domain::{Clock, Random, Timestamp};

/// How long a place lasts after the last message.
const LIFETIME_MS: i64 = 5 * 60 * 1000;
/// How long it lasts at all.
const LONGEST_MS: i64 = 20 * 60 * 1000;
/// The largest message, in bytes.
pub const MAX_RENDEZVOUS: usize = 4 * 1024;
/// Places at one time; more push the oldest out.
const MAX: usize = 4096;

/// What is left at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendezvous {
    /// The message.
    pub data: String,
    /// Changes with every message.
    pub version: String,
    /// When it was left.
    pub modified_at: Timestamp,
    /// When the place ends.
    pub expires_at: Timestamp,
    made_at: Timestamp,
}

/// Why a message was not left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RendezvousError {
    /// There is no such place (any more).
    NotFound,
    /// The other device left a message in the meantime.
    Changed,
    /// The message is larger than [`MAX_RENDEZVOUS`].
    TooLarge,
}

/// All places.
#[derive(Debug)]
pub struct Rendezvouses {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    places: Mutex<HashMap<String, Rendezvous>>,
}

impl Rendezvouses {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, places: Mutex::default() }
    }

    fn message(&self, data: String, made_at: Timestamp) -> Rendezvous {
        let now = self.clock.now();
        let ends = now.plus_millis(LIFETIME_MS).min(made_at.plus_millis(LONGEST_MS));
        Rendezvous { data, version: self.random.token(12), modified_at: now, expires_at: ends, made_at }
    }

    /// Makes a place with its first message; its name, which only those can know who were told.
    ///
    /// # Errors
    /// [`RendezvousError::TooLarge`].
    pub fn create(&self, data: String) -> Result<(String, Rendezvous), RendezvousError> {
        if data.len() > MAX_RENDEZVOUS {
            return Err(RendezvousError::TooLarge);
        }
        let (id, now) = (self.random.token(24), self.clock.now());
        let place = self.message(data, now);
        let mut places = self.places.lock();
        if places.len() >= MAX {
            places.retain(|_, place| place.expires_at > now);
        }
        if places.len() >= MAX {
            let oldest = places.iter().min_by_key(|(_, place)| place.made_at).map(|(id, _)| id.clone());
            oldest.map(|id| places.remove(&id));
        }
        places.insert(id.clone(), place.clone());
        Ok((id, place))
    }

    /// What is left at a place.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Rendezvous> {
        let now = self.clock.now();
        self.places.lock().get(id).filter(|place| place.expires_at > now).cloned()
    }

    /// Leaves a message in place of the one with this version.
    ///
    /// # Errors
    /// [`RendezvousError`]; nothing is changed then.
    pub fn put(&self, id: &str, version: &str, data: String) -> Result<Rendezvous, RendezvousError> {
        if data.len() > MAX_RENDEZVOUS {
            return Err(RendezvousError::TooLarge);
        }
        let now = self.clock.now();
        let mut places = self.places.lock();
        let place = places.get_mut(id).filter(|place| place.expires_at > now);
        let place = place.ok_or(RendezvousError::NotFound)?;
        if place.version != version {
            return Err(RendezvousError::Changed);
        }
        *place = self.message(data, place.made_at);
        Ok(place.clone())
    }

    /// Removes a place. Whether there was one.
    pub fn delete(&self, id: &str) -> bool {
        let now = self.clock.now();
        self.places.lock().remove(id).is_some_and(|place| place.expires_at > now)
    }
}
