//! A server's engine with a settable clock and seeded randomness.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde_json::Value;
use serde_json::value::RawValue;
use tempfile::TempDir;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use wardline_domain::signing::Signer;
use wardline_domain::{Clock, Random, Timestamp};
use wardline_engine::rooms::{Caller, CreateRoom, Message};
use wardline_engine::{Context, Engine, EngineConfig, EngineError};
use wardline_store::{Durability, Store, StoreConfig, UserNid, users};

/// A clock that moves only when told.
#[derive(Debug)]
pub(crate) struct FakeClock(pub(crate) AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// The same numbers every time (splitmix64).
#[derive(Debug)]
pub(crate) struct Seeded(AtomicU64);

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let seed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 56) as u8;
        }
    }
}

/// An engine in a temporary folder.
pub(crate) struct Home {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<FakeClock>,
    path: PathBuf,
    seed: u64,
    folder: Option<TempDir>,
}

/// A local user.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) nid: UserNid,
    pub(crate) id: OwnedUserId,
}

impl Person {
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { user: self.nid, user_id: &self.id, device: Some("DEVICE") }
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("wardline.db");
        Self::open(path, Some(folder), 1, EngineConfig::default())
    }

    /// With other settings; they do not survive a restart.
    pub(crate) fn with(config: EngineConfig) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("wardline.db");
        Self::open(path, Some(folder), 1, config)
    }

    fn open(path: PathBuf, folder: Option<TempDir>, seed: u64, config: EngineConfig) -> Self {
        let store = open_store(&path);
        let clock = Arc::new(FakeClock(AtomicI64::new(1_800_000_000_000)));
        let signer = Signer::from_seed("ward.example".try_into().unwrap(), "a1", [7; 32]).unwrap();
        let random = Arc::new(Seeded(AtomicU64::new(seed)));
        let context = Context::new(store, clock.clone(), random, signer, config);
        Self { engine: Engine::start(Arc::new(context)).unwrap(), clock, path, seed, folder }
    }

    /// Stops the engine and starts another one on the same data.
    pub(crate) fn restart(mut self) -> Self {
        let (path, folder, seed) = (self.path.clone(), self.folder.take(), self.seed + 1);
        drop(self);
        Self::open(path, folder, seed, EngineConfig::default())
    }

    pub(crate) fn store(&self) -> &Store {
        &self.engine.context.store
    }

    /// Proves the audit log; how many entries it has.
    pub(crate) fn audited(&self) -> u64 {
        self.store().read_now(|tx| wardline_audit::verify(tx)).unwrap().entries
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn person(&self, name: &str) -> Person {
        let id = UserId::parse(format!("@{name}:ward.example")).unwrap();
        let user = id.clone();
        let nid = self.store().write(move |tx| users::intern(tx, &user)).await.unwrap();
        Person { nid, id }
    }

    pub(crate) async fn room(&self, creator: &Person, request: CreateRoom) -> OwnedRoomId {
        self.engine.rooms.create(creator.caller(), request).await.unwrap()
    }

    pub(crate) async fn say(
        &self,
        person: &Person,
        room: &RoomId,
        text: &str,
        txn: &str,
    ) -> Result<OwnedEventId, EngineError> {
        let content = raw(&serde_json::json!({ "msgtype": "m.text", "body": text }));
        let message = Message { room, kind: "m.room.message", content, txn: Some(txn), also: None };
        self.engine.rooms.send(person.caller(), message).await
    }
}

/// Full durability is the committer's own tests' matter; here speed is.
pub(crate) fn open_store(path: &Path) -> Store {
    Store::open(&StoreConfig { durability: Durability::Normal, ..StoreConfig::at(path) }).unwrap()
}

pub(crate) fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
