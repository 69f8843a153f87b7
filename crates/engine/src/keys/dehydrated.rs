//! Dehydrated devices (MSC3814): a device without a session, to which others encrypt while its user is signed out.
//!
//! Its private keys lie here encrypted under a secret of the user. At the next sign-in the client opens them, takes
//! the messages that came, page by page, and leaves a new sleeping device in place of this one. Messages stay until
//! then, so that a client that breaks off can begin again.

use wardline_audit::{Action, Entry};
use wardline_domain::canonical;
use wardline_domain::ruma::UserId;
use wardline_store::dehydrated_devices::{self, DehydratedDevice};
use wardline_store::{Kind, Pos, StoreError, UserNid, WriteTx, device_keys, sessions, to_device};

use super::{KeyError, Keys, Upload, named_keys, parse, store_one_time_keys};

/// The most messages in one page.
const PAGE: usize = 100;

/// A sleeping device to leave; JSON texts where nothing else is said.
#[derive(Clone, Debug)]
pub struct Dehydrated {
    /// Its id: not that of a device which is awake.
    pub device_id: String,
    /// The name that its user sees.
    pub display_name: Option<String>,
    /// Its private keys, encrypted by the client; must name their `algorithm`.
    pub device_data: String,
    /// Its public keys, the identity among them.
    pub keys: Upload,
}

/// A page of messages to a sleeping device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Messages {
    /// The events as JSON texts, oldest first.
    pub events: Vec<String>,
    /// Where the next page begins.
    pub next: Pos,
    /// Whether there are more.
    pub more: bool,
}

impl Keys {
    /// Leaves a sleeping device in place of the one before, which goes with its keys and messages.
    ///
    /// # Errors
    /// [`KeyError::Missing`] without identity keys; [`KeyError::Invalid`] and [`KeyError::BadSignature`] as for
    /// [`upload`](Keys::upload), and if a device which is awake has the id.
    pub async fn dehydrate(
        &self,
        user: (&UserId, UserNid),
        by: &str,
        device: Dehydrated,
    ) -> Result<(), KeyError> {
        let (user_id, user) = user;
        let Dehydrated { device_id, display_name, device_data, keys } = device;
        if device_id.is_empty() || device_id.len() > 255 {
            return Err(KeyError::Invalid("device_id: must be of 1 to 255 bytes".into()));
        }
        if display_name.as_ref().is_some_and(|name| name.len() > 256) {
            return Err(KeyError::Invalid(
                "initial_device_display_name: must not be longer than 256 bytes".into(),
            ));
        }
        let data = canonical::parse_object(&device_data)
            .map_err(|error| KeyError::Invalid(format!("device_data: {error}")))?;
        if !data.iter().any(|(key, value)| key == "algorithm" && value.as_str().is_some()) {
            return Err(KeyError::Invalid("device_data.algorithm: must be a string".into()));
        }
        let identity =
            keys.device_keys.ok_or_else(|| KeyError::Missing("device_keys: is required".into()))?;
        let identity = parse::device_keys(&identity, user_id, &device_id)?;
        let otks = named_keys("one_time_keys", keys.one_time_keys)?;
        let fallbacks = named_keys("fallback_keys", keys.fallback_keys)?;
        let at = self.clock.now();
        let entry = Entry::new(at, user_id.as_str(), Action::DeviceDehydrated).device(by).target(&*device_id);
        self.store
            .write_with(move |tx| {
                if let Some(before) = dehydrated_devices::get(tx, user)? {
                    remove(tx, user, &before.device_id)?;
                }
                if !sessions::add_device(tx, user, &device_id, display_name.as_deref(), at)? {
                    return Err(KeyError::Invalid("device_id: a device which is awake has it".into()));
                }
                device_keys::set(tx, user, &device_id, &identity)?;
                store_one_time_keys(tx, user, &device_id, &otks, &fallbacks)?;
                tx.record(Kind::Device, None, Some(user), 0)?;
                dehydrated_devices::set(tx, user, &DehydratedDevice { device_id, device_data })?;
                Ok(wardline_audit::append(tx, &entry)?)
            })
            .await
    }

    /// The user's sleeping device, if there is one.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub fn dehydrated(&self, user: UserNid) -> Result<Option<DehydratedDevice>, KeyError> {
        Ok(self.store.read_now(|tx| dehydrated_devices::get(tx, user))?)
    }

    /// Deletes the user's sleeping device with its keys and messages; its id.
    ///
    /// # Errors
    /// [`KeyError::UnknownDevice`] if there is none.
    pub async fn delete_dehydrated(&self, user: (&UserId, UserNid), by: &str) -> Result<String, KeyError> {
        let entry = Entry::new(self.clock.now(), user.0.as_str(), Action::DeviceDeleted).device(by);
        let user = user.1;
        self.store
            .write_with(move |tx| {
                let device = dehydrated_devices::get(tx, user)?.ok_or(KeyError::UnknownDevice)?.device_id;
                remove(tx, user, &device)?;
                wardline_audit::append(tx, &entry.target(&*device))?;
                Ok(device)
            })
            .await
    }

    /// The messages that came for the user's sleeping device after a position: one page.
    ///
    /// # Errors
    /// [`KeyError::UnknownDevice`] if that device does not sleep.
    pub async fn messages_to_dehydrated(
        &self,
        user: UserNid,
        device: String,
        after: Pos,
    ) -> Result<Messages, KeyError> {
        self.store
            .read(move |tx| {
                match dehydrated_devices::get(tx, user)? {
                    Some(asleep) if asleep.device_id == device => {}
                    _ => return Err(KeyError::UnknownDevice),
                }
                let mut messages = to_device::pending(tx, user, &device, after, Pos::MAX >> 1, PAGE + 1)?;
                let more = messages.len() > PAGE;
                messages.truncate(PAGE);
                let next = messages.last().map_or(after, |message| message.pos);
                let events = messages.into_iter().map(|message| message.json).collect();
                Ok(Messages { events, next, more })
            })
            .await
    }
}

fn remove(tx: &mut WriteTx<'_>, user: UserNid, device: &str) -> Result<(), StoreError> {
    device_keys::delete_all(tx, user, device)?;
    sessions::delete_device(tx, user, device)?;
    tx.record(Kind::Device, None, Some(user), 0)?;
    Ok(())
}
