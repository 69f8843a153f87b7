//! Public keys of devices and users: upload, query, claim (Client-Server API, "End-to-end encryption").
//!
//! # Invariants
//! - A one-time key is given out at most once, in the order of upload. Giving it out removes it and leaves a
//!   tombstone in the same transaction, so neither a crash nor a repeated upload can bring it back.
//! - Keys and the stream row that announces them are one transaction: nobody can miss a new device.
//! - Signatures are checked at upload; what cannot be verified is refused and changes nothing.

mod authority;
mod cross_signing;
mod dehydrated;
mod metrics;
mod parse;
mod query;

use std::collections::BTreeMap;
use std::sync::Arc;

use wardline_domain::Clock;
use wardline_domain::canonical::{CanonicalError, Value};
use wardline_domain::ids;
use wardline_domain::ruma::{OwnedServerName, OwnedUserId, UserId};
use wardline_store::{
    Kind, Pos, Reader, Store, StoreError, UserNid, WriteTx, device_keys, device_lists, one_time_keys,
    sessions, users,
};

pub use authority::{IdentityAuthority, IdentitySignature};
pub use cross_signing::{SignatureFailures, SigningKeys};
pub use dehydrated::{Dehydrated, Messages};
pub use metrics::{Cause, KeyMetrics, Reading};
pub use query::Queried;

/// The most one-time keys of one algorithm that may wait for a device. Clients keep 50 to 100.
const MAX_WAITING: u64 = 1000;
/// Keys that are claimed in one turn of the writer.
const CLAIMS_AT_ONCE: usize = 128;

/// Why an operation on keys was refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A value is not acceptable; the text names the field.
    #[error("{0}")]
    Invalid(String),
    /// Another one-time key was uploaded under this algorithm and id before.
    #[error("one_time_keys.{0}:{1}: another key was uploaded under this id")]
    OtherKey(String, String),
    /// A signature is missing or does not verify; the text names the key.
    #[error("{0}")]
    BadSignature(String),
    /// A key is needed that was neither given nor uploaded before.
    #[error("{0}")]
    Missing(String),
    /// The key that a signature is for is not known.
    #[error("the signed key is not known")]
    UnknownKey,
    /// The user has no such sleeping device.
    #[error("there is no such dehydrated device")]
    UnknownDevice,
    /// A cross-signing key has the name of one of the user's devices: a signature by one would pass for the other's.
    #[error("{0}: one of the user's devices has the name of this key")]
    NameTaken(&'static str),
    /// The device was deleted while it uploaded.
    #[error("the device does not exist any more")]
    DeviceGone,
    /// Cross-signing keys would be replaced: the user must prove who they are first.
    #[error("replacing cross-signing keys needs authentication")]
    AuthRequired,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a device uploads; every value is a JSON text.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The device's identity keys, signed by the device.
    pub device_keys: Option<String>,
    /// One-time keys in the order in which they are to be given out: `algorithm:id` and the key.
    pub one_time_keys: Vec<(String, String)>,
    /// Fallback keys, one for each algorithm: `algorithm:id` and the key.
    pub fallback_keys: Vec<(String, String)>,
}

/// Keys that were claimed: by user and device, `algorithm:id` and the key as JSON text.
pub type Claimed = BTreeMap<OwnedUserId, BTreeMap<String, (String, String)>>;

/// Public keys of devices and users.
#[derive(Clone, Debug)]
pub struct Keys {
    store: Store,
    clock: Arc<dyn Clock>,
    server_name: OwnedServerName,
    authority: Option<Arc<dyn IdentityAuthority>>,
    metrics: Arc<KeyMetrics>,
}

struct OneTimeKey {
    algorithm: String,
    id: String,
    json: String,
}

impl Keys {
    /// The keys of the users of `server_name`.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, server_name: OwnedServerName) -> Self {
        Self { store, clock, server_name, authority: None, metrics: Arc::default() }
    }

    /// These keys, with an authority that signs the identities of staff.
    #[must_use]
    pub fn with_authority(self, authority: Option<Arc<dyn IdentityAuthority>>) -> Self {
        Self { authority, ..self }
    }

    /// Stores what a device uploads, all or nothing (`POST /keys/upload`). How many one-time keys wait then, by
    /// algorithm.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] if the keys are not this device's; [`KeyError::OtherKey`]; [`KeyError::BadSignature`] if the device did not sign its keys; [`KeyError::DeviceGone`].
    pub async fn upload(
        &self,
        user: (&UserId, UserNid),
        device: &str,
        upload: Upload,
    ) -> Result<Vec<(String, u64)>, KeyError> {
        let (user_id, user) = user;
        let device_keys =
            upload.device_keys.map(|json| parse::device_keys(&json, user_id, device)).transpose()?;
        let otks = named_keys("one_time_keys", upload.one_time_keys)?;
        let fallbacks = named_keys("fallback_keys", upload.fallback_keys)?;
        let device = device.to_owned();
        let metrics = Arc::clone(&self.metrics);
        if device_keys.is_none() && otks.is_empty() && fallbacks.is_empty() {
            return Ok(self.store.read_now(|tx| one_time_keys::counts(tx, user, &device))?);
        }
        self.store
            .write_with(move |tx| {
                // Its session was checked before; keys of a device that has gone since would haunt every room.
                if sessions::device(tx, user, &device)?.is_none() {
                    return Err(KeyError::DeviceGone);
                }
                if let Some(json) = device_keys {
                    set_device_keys(tx, user, &device, &json)?;
                }
                store_one_time_keys(tx, user, &device, &otks, &fallbacks)
            })
            .await
            .inspect_err(|error| {
                if matches!(error, KeyError::OtherKey(..)) {
                    KeyMetrics::count(&metrics.conflicting_keys);
                }
            })
    }

    /// Takes one key of each wanted device out of its queue (`POST /keys/claim`). `wanted`: user, device and
    /// algorithm. Devices that have none left, and users of other servers, are absent from the answer.
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn claim(&self, wanted: Vec<(OwnedUserId, String, String)>) -> Result<Claimed, KeyError> {
        let mut claimed = Claimed::new();
        // Key by key it is a matter of microseconds, but somebody may ask for thousands: others write in between.
        for part in wanted.chunks(CLAIMS_AT_ONCE).map(<[_]>::to_vec) {
            let asked = part.len();
            let keys: Vec<_> = self.store.write(move |tx| claim_all(tx, part)).await?;
            (keys.len()..asked).for_each(|_| KeyMetrics::count(&self.metrics.no_key_left));
            for ClaimedKey { user, device, name, json, fallback } in keys {
                let given = if fallback { &self.metrics.fallback_keys } else { &self.metrics.one_time_keys };
                KeyMetrics::count(given);
                claimed.entry(user).or_default().insert(device, (name, json));
            }
        }
        Ok(claimed)
    }

    /// Whose keys changed between two positions, as `user` may see it (`GET /keys/changes`).
    ///
    /// # Errors
    /// Only a failure of the store.
    pub async fn changes(
        &self,
        user: UserNid,
        from: Pos,
        to: Pos,
    ) -> Result<device_lists::Changes, KeyError> {
        self.store.read(move |tx| Ok(device_lists::changed_between(tx, user, from, to)?)).await
    }

    /// How well encryption works, in counts.
    #[must_use]
    pub fn metrics(&self) -> &KeyMetrics {
        &self.metrics
    }

    /// Whether the user belongs to this server.
    #[must_use]
    pub fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.server_name
    }
}

/// Reads a user id of a request body; `field` names where it stands.
///
/// # Errors
/// [`KeyError::Invalid`].
pub fn user_id_of(field: &str, id: &str) -> Result<OwnedUserId, KeyError> {
    ids::parse_user_id(id).map_err(|error| KeyError::Invalid(format!("{field}: {error}")))
}

/// Splits `algorithm:id` names and brings the keys into canonical form, so that equal keys have equal bytes.
fn named_keys(field: &str, keys: Vec<(String, String)>) -> Result<Vec<OneTimeKey>, KeyError> {
    keys.into_iter()
        .map(|(name, json)| {
            let Some((algorithm, id)) =
                name.split_once(':').filter(|(a, id)| !a.is_empty() && !id.is_empty())
            else {
                return Err(KeyError::Invalid(format!("{field}: a name must be algorithm:id")));
            };
            if name.len() > 255 {
                return Err(KeyError::Invalid(format!("{field}: a name is longer than 255 bytes")));
            }
            let value = Value::parse(&json)
                .map_err(|e: CanonicalError| KeyError::Invalid(format!("{field}: {e}")))?;
            if !matches!(value, Value::Object(_) | Value::String(_)) {
                return Err(KeyError::Invalid(format!("{field}: a key must be an object or a string")));
            }
            Ok(OneTimeKey { algorithm: algorithm.to_owned(), id: id.to_owned(), json: value.to_canonical() })
        })
        .collect()
}

/// A key that was claimed, and of which device.
struct ClaimedKey {
    user: OwnedUserId,
    device: String,
    /// `algorithm:id`.
    name: String,
    json: String,
    fallback: bool,
}

/// Every key that was there to be claimed.
fn claim_all(
    tx: &mut WriteTx<'_>,
    wanted: Vec<(OwnedUserId, String, String)>,
) -> Result<Vec<ClaimedKey>, StoreError> {
    let mut claimed = Vec::with_capacity(wanted.len());
    for (user_id, device, algorithm) in wanted {
        let Some(user) = users::find(tx, &user_id)? else { continue };
        if let Some(key) = one_time_keys::claim(tx, user, &device, &algorithm)? {
            claimed.push(ClaimedKey {
                user: user_id,
                device,
                name: format!("{algorithm}:{}", key.key_id),
                json: key.json,
                fallback: key.fallback,
            });
        }
    }
    Ok(claimed)
}

fn set_device_keys(tx: &mut WriteTx<'_>, user: UserNid, device: &str, json: &str) -> Result<(), KeyError> {
    let old = device_keys::get(tx, user, device)?;
    if old.as_deref() == Some(json) {
        return Ok(());
    }
    // One-time keys of another identity could not be used by anybody.
    if old.is_some_and(|old| parse::identity(&old, device) != parse::identity(json, device)) {
        device_keys::forget_session_keys(tx, user, device)?;
    }
    Ok(device_keys::set(tx, user, device, json)?)
}

fn store_one_time_keys(
    tx: &mut WriteTx<'_>,
    user: UserNid,
    device: &str,
    otks: &[OneTimeKey],
    fallbacks: &[OneTimeKey],
) -> Result<Vec<(String, u64)>, KeyError> {
    let mut stored = !fallbacks.is_empty();
    for key in otks {
        match one_time_keys::upload(tx, user, device, &key.algorithm, &key.id, &key.json)? {
            one_time_keys::Upload::Stored => stored = true,
            one_time_keys::Upload::Known => {}
            one_time_keys::Upload::Differs => {
                tracing::warn!(user = user.0, "a device uploaded another one-time key under a known id");
                return Err(KeyError::OtherKey(key.algorithm.clone(), key.id.clone()));
            }
        }
    }
    for key in fallbacks {
        one_time_keys::set_fallback(tx, user, device, &key.algorithm, &key.id, &key.json)?;
    }
    let counts = one_time_keys::counts(tx, user, device)?;
    if counts.iter().any(|(_, count)| *count > MAX_WAITING) {
        return Err(KeyError::Invalid(format!("one_time_keys: more than {MAX_WAITING} keys would wait")));
    }
    if stored {
        tx.record(Kind::OneTimeKeys, None, Some(user), 0)?;
    }
    Ok(counts)
}

/// The user ids behind numbers, each looked up once.
struct Names<'t, R> {
    tx: &'t R,
    known: BTreeMap<UserNid, OwnedUserId>,
}

impl<'t, R: Reader> Names<'t, R> {
    fn new(tx: &'t R) -> Self {
        Self { tx, known: BTreeMap::new() }
    }

    fn of(&mut self, user: UserNid) -> Result<OwnedUserId, StoreError> {
        if let Some(id) = self.known.get(&user) {
            return Ok(id.clone());
        }
        let id = users::user_id(self.tx, user)?;
        self.known.insert(user, id.clone());
        Ok(id)
    }
}
