//! A store in a temporary folder, users with devices, and devices that sign their keys.

use std::sync::Arc;

use serde_json::{Value, json};
use wardline_domain::canonical::Value as Canonical;
use wardline_domain::ruma::{OwnedServerName, OwnedUserId, UserId};
use wardline_domain::signing::Signer;
use wardline_domain::{Clock, Timestamp};
use wardline_engine::backup::Backup;
use wardline_engine::keys::{Keys, Upload};
use wardline_engine::to_device::ToDevice;
use wardline_store::{Store, StoreConfig, UserNid, accounts, device_keys, sessions};

#[derive(Debug)]
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000)
    }
}

pub(crate) fn server_name() -> OwnedServerName {
    OwnedServerName::try_from("riverside.example").unwrap()
}

/// A server that can be stopped and started again on the same folder.
pub(crate) struct Home {
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) to_device: ToDevice,
    pub(crate) backup: Backup,
    pub(crate) folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap())
    }

    fn open(folder: tempfile::TempDir) -> Self {
        let store = Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap();
        Self {
            keys: Keys::new(store.clone(), Arc::new(Noon), server_name()),
            to_device: ToDevice::new(store.clone(), Arc::new(Noon)),
            backup: Backup::new(store.clone()),
            store,
            folder,
        }
    }

    pub(crate) fn restarted(self) -> Self {
        let Self { store, keys, to_device, backup, folder } = self;
        drop((store, keys, to_device, backup));
        Self::open(folder)
    }

    /// A device of the user, both made if needed.
    pub(crate) async fn device(&self, user: &str, device: &str) -> Device {
        let user_id = UserId::parse(format!("@{user}:riverside.example")).unwrap();
        let (id, name) = (user_id.clone(), device.to_owned());
        let user = self
            .store
            .write(move |tx| {
                let user = match accounts::create(tx, &id, None, false, Noon.now())? {
                    Some(user) => user,
                    None => wardline_store::users::intern(tx, &id)?,
                };
                sessions::add_device(tx, user, &name, Some("Ward phone"), Noon.now())?;
                Ok(user)
            })
            .await
            .unwrap();
        let mut seed = [7_u8; 32];
        seed.iter_mut().zip(user_id.as_bytes().iter().chain(device.as_bytes())).for_each(|(s, b)| *s ^= b);
        Device { user_id, user, id: device.to_owned(), key: Key::new(device, seed) }
    }

    /// A device with uploaded keys.
    pub(crate) async fn device_with_keys(&self, user: &str, device: &str) -> Device {
        let device = self.device(user, device).await;
        let upload = Upload { device_keys: Some(device.keys().to_string()), ..Upload::default() };
        self.upload(&device, upload).await.unwrap();
        device
    }

    pub(crate) async fn upload(
        &self,
        device: &Device,
        upload: Upload,
    ) -> Result<Vec<(String, u64)>, wardline_engine::keys::KeyError> {
        self.keys.upload((&device.user_id, device.user), &device.id, upload).await
    }

    /// Claims a key of the device; its name.
    pub(crate) async fn claim(&self, device: &Device) -> Option<String> {
        let wanted = vec![(device.user_id.clone(), device.id.clone(), "signed_curve25519".to_owned())];
        let mut claimed = self.keys.claim(wanted).await.unwrap();
        claimed.remove(&device.user_id)?.remove(&device.id).map(|(name, _)| name)
    }

    pub(crate) async fn delete_device(&self, device: &Device) {
        let (user, id) = (device.user, device.id.clone());
        self.store
            .write(move |tx| {
                device_keys::delete_all(tx, user, &id)?;
                sessions::delete_device(tx, user, &id)
            })
            .await
            .unwrap();
    }
}

/// An ed25519 key named `ed25519:<name>`.
pub(crate) struct Key {
    name: String,
    signer: Signer,
}

impl Key {
    pub(crate) fn new(name: &str, seed: [u8; 32]) -> Self {
        Self { name: name.to_owned(), signer: Signer::from_seed(server_name(), "a", seed).unwrap() }
    }

    /// A key that is named by its public part, as cross-signing keys are.
    pub(crate) fn cross_signing(seed: u8) -> Self {
        let mut key = Self::new("", [seed; 32]);
        key.name = key.public();
        key
    }

    pub(crate) fn public(&self) -> String {
        self.signer.public_key()
    }

    pub(crate) fn id(&self) -> String {
        format!("ed25519:{}", self.name)
    }

    /// The object with the signature of `user` by this key added.
    pub(crate) fn sign(&self, mut object: Value, user: &UserId) -> Value {
        let mut bare = object.clone();
        for member in ["signatures", "unsigned"] {
            bare.as_object_mut().unwrap().remove(member);
        }
        let text = bare.to_string();
        let signature = self.signer.sign(Canonical::parse(&text).unwrap().to_canonical().as_bytes());
        object["signatures"][user.as_str()][self.id()] = json!(signature);
        object
    }
}

pub(crate) struct Device {
    pub(crate) user_id: OwnedUserId,
    pub(crate) user: UserNid,
    pub(crate) id: String,
    pub(crate) key: Key,
}

impl Device {
    pub(crate) fn as_user(&self) -> (&UserId, UserNid) {
        (&self.user_id, self.user)
    }

    /// Its signed `DeviceKeys`.
    pub(crate) fn keys(&self) -> Value {
        let keys = json!({
            "user_id": self.user_id,
            "device_id": self.id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
            "keys": {
                format!("ed25519:{}", self.id): self.key.public(),
                format!("curve25519:{}", self.id): "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI",
            },
        });
        self.key.sign(keys, &self.user_id)
    }
}

/// One-time keys with these ids, in this order.
pub(crate) fn otks(ids: impl IntoIterator<Item = impl std::fmt::Display>) -> Upload {
    Upload { one_time_keys: ids.into_iter().map(|id| otk(&id.to_string())).collect(), ..Upload::default() }
}

pub(crate) fn otk(id: &str) -> (String, String) {
    (
        format!("signed_curve25519:{id}"),
        json!({ "key": format!("public {id}"), "signatures": {} }).to_string(),
    )
}
