//! A hospital in a temporary directory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use serde_json::Value;
use wardline_clinical::{
    Budget, CallManagers, Caller, Clinical, ClinicalError, ClinicalParts, ColumnCipher, Conversations,
    ImportMode, NewRequest, PortError, PortFuture, TaskView,
};
use wardline_domain::{
    Clock, Random, Timestamp,
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
    ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId},
    signing::Signer,
};
use wardline_store::{Store, StoreConfig};

pub(crate) const MINUTE: i64 = 60_000;
/// 2026-11-22 12:00 in London, in the day shift.
pub(crate) const NOON: i64 = 1_795_348_800_000;

#[derive(Debug)]
pub(crate) struct FakeClock(pub(crate) AtomicI64);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Different bytes at each call and from each generator.
#[derive(Debug)]
struct Counter(AtomicU64);

static SEED: AtomicU64 = AtomicU64::new(1);

impl Random for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::SeqCst).to_le_bytes();
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte = next[at % 8];
        }
    }
}

/// Rooms in memory; they outlive a restart of the server as the engine's own tables would.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    pub(crate) members: Mutex<BTreeMap<OwnedRoomId, BTreeSet<OwnedUserId>>>,
    pub(crate) patients: Mutex<BTreeMap<String, OwnedRoomId>>,
    pub(crate) invited: Mutex<Vec<(OwnedRoomId, OwnedUserId)>>,
    pub(crate) state: Mutex<BTreeMap<(OwnedRoomId, String), Value>>,
    pub(crate) said: Mutex<Vec<(String, Value)>>,
    pub(crate) down: AtomicBool,
}

impl Rooms {
    fn up(&self) -> Result<(), PortError> {
        if self.down.load(Ordering::SeqCst) { Err(PortError::Retry("down".into())) } else { Ok(()) }
    }

    /// The plain lines that were said, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap().iter().map(|(_, c)| c["body"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn last(&self) -> Value {
        self.said.lock().unwrap().last().unwrap().1.clone()
    }
}

impl Conversations for Rooms {
    fn create_patient_room<'a>(
        &'a self,
        patient: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            self.up()?;
            let room: OwnedRoomId = format!("!{patient}:riverside.example").try_into().unwrap();
            self.patients.lock().unwrap().insert(patient.to_owned(), room.clone());
            self.members.lock().unwrap().entry(room.clone()).or_default().extend(members);
            Ok(room)
        })
    }

    fn create_role_room<'a>(&'a self, service: &'a str, _: &'a str) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            self.up()?;
            let room: OwnedRoomId = format!("!role-{service}:riverside.example").try_into().unwrap();
            self.members.lock().unwrap().entry(room.clone()).or_default();
            Ok(room)
        })
    }

    fn create_digest_room<'a>(&'a self, user: &'a UserId) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            self.up()?;
            let room: OwnedRoomId =
                format!("!digest-{}:riverside.example", user.localpart()).try_into().unwrap();
            self.members.lock().unwrap().entry(room.clone()).or_default().insert(user.to_owned());
            Ok(room)
        })
    }

    fn create_call_room<'a>(
        &'a self,
        call: &'a str,
        _: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId> {
        Box::pin(async move {
            self.up()?;
            let room: OwnedRoomId = format!("!call-{call}:riverside.example").try_into().unwrap();
            self.members.lock().unwrap().entry(room.clone()).or_default().extend(members);
            Ok(room)
        })
    }

    fn join<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async move {
            self.up()?;
            self.members.lock().unwrap().entry(room.to_owned()).or_default().insert(user.to_owned());
            Ok(())
        })
    }

    fn leave<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async move {
            self.up()?;
            if let Some(members) = self.members.lock().unwrap().get_mut(room) {
                members.remove(user);
            }
            Ok(())
        })
    }

    fn invite<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()> {
        Box::pin(async move {
            self.up()?;
            self.invited.lock().unwrap().push((room.to_owned(), user.to_owned()));
            Ok(())
        })
    }

    fn announce<'a>(
        &'a self,
        _: &'a RoomId,
        kind: &'a str,
        content: Value,
        key: &'a str,
    ) -> PortFuture<'a, ()> {
        Box::pin(async move {
            self.up()?;
            assert!(kind.starts_with("org.wardline.") || content.get("org.wardline.digest").is_some());
            // No schema of ours allows a member that is null.
            assert!(content.as_object().unwrap().values().all(|value| !value.is_null()), "{content}");
            let mut said = self.said.lock().unwrap();
            if !said.iter().any(|(known, _)| known == key) {
                said.push((key.to_owned(), content));
            }
            Ok(())
        })
    }

    fn set_state<'a>(&'a self, room: &'a RoomId, kind: &'a str, content: Value) -> PortFuture<'a, ()> {
        Box::pin(async move {
            self.up()?;
            self.state.lock().unwrap().insert((room.to_owned(), kind.to_owned()), content);
            Ok(())
        })
    }

    fn members(&self, room: &RoomId) -> Result<Vec<OwnedUserId>, PortError> {
        self.up()?;
        Ok(self.members.lock().unwrap().get(room).into_iter().flatten().cloned().collect())
    }

    fn is_member(&self, room: &RoomId, user: &UserId) -> bool {
        self.members.lock().unwrap().get(room).is_some_and(|m| m.contains(user))
    }
}

pub(crate) struct Hospital {
    pub(crate) clinical: Arc<Clinical>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) store: Store,
    folder: tempfile::TempDir,
}

pub(crate) fn demo(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").join(file)).unwrap()
}

pub(crate) fn caller(person: &str) -> Caller {
    let user = UserId::parse(format!("@{person}:riverside.example")).unwrap();
    Caller { user, device: Some("DEVICE".to_owned()) }
}

pub(crate) fn london() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("Europe/London").unwrap()
}

/// The cipher of the hospital's columns.
pub(crate) fn cipher() -> ColumnCipher {
    ColumnCipher::new(&[7; 32], Arc::new(Counter((SEED.fetch_add(1, Ordering::SeqCst) << 32).into())))
}

fn open(
    folder: &Path,
    clock: &Arc<FakeClock>,
    rooms: &Arc<Rooms>,
    unreachable_after: Option<u32>,
) -> (Store, Clinical) {
    let store = Store::open(&StoreConfig::at(folder.join("wardline.db"))).unwrap();
    let clinical = over(&store, clock, rooms, unreachable_after);
    (store, clinical)
}

fn over(
    store: &Store,
    clock: &Arc<FakeClock>,
    rooms: &Arc<Rooms>,
    unreachable_after: Option<u32>,
) -> Clinical {
    let random: Arc<dyn Random> = Arc::new(Counter((SEED.fetch_add(1, Ordering::SeqCst) << 32).into()));
    Clinical::new(ClinicalParts {
        store: store.clone(),
        cipher: ColumnCipher::new(&[7; 32], Arc::clone(&random)),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        random,
        server_name: "riverside.example".try_into().unwrap(),
        zone: london(),
        holidays: wardline_domain::care::bank_holiday::BankHolidays::default(),
        budget: Budget { each: None, teams: [("noisy".to_owned(), 2)].into() },
        unreachable_after,
        digest_times: vec![jiff::civil::time(9, 0, 0, 0), jiff::civil::time(17, 0, 0, 0)],
        call_managers: CallManagers { roles: vec!["site-manager".to_owned()], people: Vec::new() },
        outgoing: None,
        signer: Arc::new(Signer::from_seed("riverside.example".try_into().unwrap(), "1", [7; 32]).unwrap()),
        playbooks: wardline_clinical::KnownPlaybooks::default(),
        conversations: Arc::clone(rooms) as Arc<dyn Conversations>,
    })
}

impl Hospital {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, rooms) = (Arc::new(FakeClock(NOON.into())), Arc::new(Rooms::default()));
        let (store, clinical) = open(folder.path(), &clock, &rooms, None);
        Self { clinical: Arc::new(clinical), clock, rooms, store, folder }
    }

    /// The demo hospital at noon, with every conversation open.
    pub(crate) async fn demo() -> Self {
        let it = Self::empty();
        let files = [
            "bundle.json",
            "playbooks/deteriorating-patient.toml",
            "playbooks/action-request.toml",
            "admissions.hl7",
        ];
        for file in files {
            it.clinical.import(&demo(file), ImportMode::Strict).await.unwrap();
        }
        assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
        it
    }

    /// Another node over the same store.
    pub(crate) fn twin(&self) -> Arc<Clinical> {
        Arc::new(over(&self.store, &self.clock, &self.rooms, None))
    }

    /// The same hospital after a restart of the server.
    pub(crate) fn restart(self) -> Self {
        let Self { clinical, clock, rooms, store, folder } = self;
        drop((clinical, store));
        let (store, clinical) = open(folder.path(), &clock, &rooms, None);
        Self { clinical: Arc::new(clinical), clock, rooms, store, folder }
    }

    /// The same hospital, in which holders of roles must be reached by a device within 15 minutes.
    pub(crate) fn watching_devices(self) -> Self {
        let Self { clinical, clock, rooms, store, folder } = self;
        drop((clinical, store));
        let (store, clinical) = open(folder.path(), &clock, &rooms, Some(15));
        Self { clinical: Arc::new(clinical), clock, rooms, store, folder }
    }

    /// Moves the clock forwards, lets clocks ring and jobs be done.
    pub(crate) async fn pass(&self, millis: i64) -> usize {
        let now = self.clock.0.fetch_add(millis, Ordering::SeqCst) + millis;
        let rang = self.clinical.fire_due(Timestamp(now)).await.unwrap();
        assert_eq!(self.clinical.drain_outbox().await.unwrap(), 0);
        rang
    }

    /// The reference of some patient of Sister Adeyemi's ward.
    pub(crate) async fn patient(&self) -> String {
        let found = self.clinical.patients_in_hospital(&caller("grace.adeyemi"), None).await.unwrap();
        found[0].reference.clone()
    }

    pub(crate) async fn raise(&self, id: &str, role: &str) -> Result<(TaskView, bool), ClinicalError> {
        let new = NewRequest {
            id: id.to_owned(),
            class: Class::Urgent,
            patient: self.patient().await,
            addressed: Ask::Role(role.to_owned()),
            needed_by: None,
            playbook: None,
            event: None,
            room: None,
        };
        let result = self.clinical.raise(&caller("grace.adeyemi"), new).await;
        self.clinical.drain_outbox().await.unwrap();
        result
    }

    pub(crate) async fn say(
        &self,
        person: &str,
        id: &str,
        command: Command,
    ) -> Result<TaskView, ClinicalError> {
        let result = self.clinical.command(&caller(person), id, command).await;
        self.clinical.drain_outbox().await.unwrap();
        result
    }

    /// Every byte of the database's files.
    pub(crate) fn database_bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    pub(crate) async fn audit_is_whole(&self) -> u64 {
        self.store
            .read(|tx| Ok::<_, wardline_store::StoreError>(wardline_audit::verify(tx)))
            .await
            .unwrap()
            .unwrap()
            .entries
    }
}
