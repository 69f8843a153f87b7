//! An identity floor in a temporary folder, with a clock that is set by hand.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};
use wardline_domain::{Clock, Random, Timestamp, ruma::OwnedServerName};
use wardline_identity::{Device, Identity, Tokens};
use wardline_store::{Store, StoreConfig};

#[derive(Debug)]
pub(crate) struct Hand(pub(crate) AtomicI64);

impl Hand {
    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Debug, Default)]
struct Dice(AtomicU64);

impl Random for Dice {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&Sha256::digest(n.to_be_bytes())[..chunk.len()]);
        }
    }
}

pub(crate) const PASSWORD: &str = "a long password";

pub(crate) struct House {
    pub(crate) identity: Identity,
    pub(crate) store: Store,
    pub(crate) clock: Arc<Hand>,
    pub(crate) folder: tempfile::TempDir,
}

impl House {
    /// With the user amy; `wire` adds the ports.
    pub(crate) async fn new(wire: impl FnOnce(Identity) -> Identity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::at(folder.path().join("wardline.db"))).unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000_000)));
        let name = OwnedServerName::try_from("riverside.example").unwrap();
        let identity = Identity::new(store.clone(), clock.clone(), Arc::new(Dice::default()), name);
        let identity = wire(identity);
        identity.create_account("amy", Some(PASSWORD), false).await.unwrap();
        Self { identity, store, clock, folder }
    }

    pub(crate) async fn sign_in(&self, device: &str, refresh: bool) -> Tokens {
        let proven = self.identity.check_password("amy", PASSWORD, None).await.unwrap();
        let device = Device { device_id: Some(device.into()), display_name: None, refresh };
        self.identity.sign_in(proven, device).await.unwrap()
    }
}
