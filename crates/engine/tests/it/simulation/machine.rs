//! A simulated machine: a disk that fails when the dice say so, and what a power cut leaves of its files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;
use wardline_store::{Disk, DiskWork, Durability, Stepper, Store, StoreConfig, StoreError};

use super::dice::Dice;

/// What the disk does to the next batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The sync fails and nothing of the batch is there.
    Lost,
    /// The machine stops in the middle: the batch has reached the disk in full, in part or not at all. (SQLite shows
    /// a batch to readers only after its sync, so nobody may go on from here.)
    Torn,
    /// There is no room for the batch.
    Full,
    /// There is not even room to begin.
    FullAtOnce,
}

/// The bytes of the log that are known to be on the disk.
#[derive(Debug, Default)]
struct Platter {
    fault: Fault,
    synced: u64,
    stopped: bool,
}

struct FaultyDisk {
    log: PathBuf,
    platter: Arc<Mutex<Platter>>,
}

impl Disk for FaultyDisk {
    fn begin(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        let mut platter = self.platter.lock();
        if platter.fault == Fault::FullAtOnce {
            platter.fault = Fault::None;
            return Err(StoreError::DiskFull);
        }
        drop(platter);
        work()
    }

    fn commit(&mut self, work: DiskWork<'_>) -> Result<(), StoreError> {
        let broken = || StoreError::Database("simulated: the disk did not sync".into());
        let fault = std::mem::take(&mut self.platter.lock().fault);
        match fault {
            Fault::None | Fault::FullAtOnce => {
                work()?;
                self.platter.lock().synced = length(&self.log);
                Ok(())
            }
            Fault::Full => Err(StoreError::DiskFull),
            Fault::Lost => Err(broken()),
            Fault::Torn => {
                self.platter.lock().stopped = true;
                work().and(Err(broken()))
            }
        }
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

fn log_of(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

/// One machine with its files.
pub(crate) struct Machine {
    folder: TempDir,
    /// Each start works on files of its own: what an earlier process does to its own is gone with it.
    starts: usize,
    platter: Arc<Mutex<Platter>>,
    /// How many bytes the database may have.
    room: Option<u64>,
}

impl Machine {
    /// A machine whose database is a copy of `template`.
    pub(crate) fn new(template: &[u8]) -> Self {
        // In memory where there is such a folder: the simulation decides what is durable.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let machine = Self { folder, starts: 0, platter: Arc::default(), room: None };
        fs::write(machine.database(), template).unwrap();
        machine
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", self.starts))
    }

    /// Leaves little room on the disk from the next start on, or all that is wanted.
    pub(crate) fn set_room(&mut self, pages: Option<u64>) {
        self.room = pages.map(|pages| length(&self.database()) + pages * 4096);
    }

    /// Starts the store.
    pub(crate) fn start(&self) -> (Store, Stepper) {
        let config = StoreConfig {
            durability: Durability::Normal,
            readers: 2,
            max_bytes: self.room,
            ..StoreConfig::at(self.database())
        };
        *self.platter.lock() = Platter::default();
        let log = log_of(&self.database());
        Store::stepped(&config, Box::new(FaultyDisk { log, platter: Arc::clone(&self.platter) })).unwrap()
    }

    /// What the disk does to the next batch.
    pub(crate) fn set_fault(&self, fault: Fault) {
        self.platter.lock().fault = fault;
    }

    /// Whether the machine has stopped.
    pub(crate) fn has_stopped(&self) -> bool {
        self.platter.lock().stopped
    }

    /// Takes the files as the process leaves them when it is killed, or with `power_cut` as the disk holds them: what
    /// was not synced is there up to a random byte. Then the old process may end.
    pub(crate) fn crash(&mut self, power_cut: bool, dice: &Dice) {
        let (database, log) = (self.database(), log_of(&self.database()));
        let mut tail = fs::read(&log).unwrap_or_default();
        if power_cut {
            let synced = usize::try_from(self.platter.lock().synced).unwrap().min(tail.len());
            let kept = synced + dice.below(tail.len() - synced + 1);
            tail.truncate(kept);
            if kept > synced && dice.chance(50) {
                tail[kept - 1] ^= 0x55;
            }
        }
        self.starts += 1;
        fs::copy(database, self.database()).unwrap();
        fs::write(log_of(&self.database()), tail).unwrap();
    }
}
