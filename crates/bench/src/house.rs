//! A server under measurement: its process, its processor time and memory, and the accounts and rooms made on it.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{
    error::{Error, Result},
    process,
    wire::{Connection, Request},
};

const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(30);

/// What a server can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Ours: full sizes.
    Wardline,
    /// Another homeserver: sizes it can do in the time.
    Peer,
    /// `wardline-bench limit`: accepts sends and nothing else.
    Limit,
}

/// One entry of the servers file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// Short and unique: the column of the report.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) version: String,
    /// When a write counts as stored, in words.
    pub(crate) durability: String,
    pub(crate) address: SocketAddr,
    /// How to start it; empty: it runs already.
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Further processes whose processor time counts (a database server); the first one is the server itself when there
    /// is no command.
    #[serde(default)]
    pub(crate) pids: Vec<u32>,
    /// What it keeps on disk.
    #[serde(default)]
    pub(crate) data: Vec<PathBuf>,
    /// The secret of `/_synapse/admin/v1/register`; without it accounts come from open registration.
    #[serde(default)]
    pub(crate) secret_file: Option<PathBuf>,
    /// The token of an application service that may make accounts: they have no password then, whose hash is most of what
    /// an account costs.
    #[serde(default)]
    pub(crate) service_token_file: Option<PathBuf>,
    /// Where this bench keeps what it made on the server, and the server's log.
    pub(crate) scratch: PathBuf,
}

/// An account with one signed-in device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) user_id: String,
    pub(crate) token: String,
    pub(crate) filter: Option<String>,
}

/// What was made on the server already, so that rounds and runs share it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Accounts by the crowd that they belong to.
    pub(crate) crowds: BTreeMap<String, Vec<Account>>,
    /// Accounts that only one scenario uses.
    #[serde(default)]
    pub(crate) lone: BTreeMap<String, Account>,
    pub(crate) rooms: BTreeMap<String, String>,
    pub(crate) done: BTreeSet<String>,
    pub(crate) events: u64,
}

/// A server that is being measured.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) spec: Spec,
    pub(crate) made: RefCell<Made>,
    child: RefCell<Option<Child>>,
    pid: Cell<Option<u32>>,
    transactions: Cell<u64>,
}

impl House {
    /// Takes over what earlier runs made on it. Starts nothing.
    pub(crate) fn open(spec: Spec) -> Result<Self> {
        if !spec.address.ip().is_loopback() {
            return Err(Error::NotLoopback(spec.address));
        }
        fs::create_dir_all(&spec.scratch).map_err(|error| Error::File(spec.scratch.clone(), error))?;
        let made = match fs::read(spec.scratch.join("made.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Error::Json { what: "made.json".to_owned(), error })?,
            Err(_) => Made::default(),
        };
        let pid = if spec.command.is_empty() { spec.pids.first().copied() } else { None };
        let transactions = Cell::new(u64::from(std::process::id()) << 32);
        Ok(Self {
            spec,
            made: RefCell::new(made),
            child: RefCell::new(None),
            pid: Cell::new(pid),
            transactions,
        })
    }

    pub(crate) fn keep(&self) -> Result<()> {
        let path = self.spec.scratch.join("made.json");
        let bytes = serde_json::to_vec(&*self.made.borrow())
            .map_err(|error| Error::Json { what: "made.json".to_owned(), error })?;
        fs::write(&path, bytes).map_err(|error| Error::File(path, error))
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::new(self.spec.address)
    }

    /// A transaction id never used before.
    pub(crate) fn transaction(&self) -> u64 {
        self.transactions.replace(self.transactions.get() + 1)
    }

    /// The server's own process, where it is known.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid.get()
    }

    fn pids(&self) -> Vec<u32> {
        self.pid.get().into_iter().chain(self.spec.pids.iter().copied()).collect()
    }

    /// Processor seconds of the server and of whatever it needs, since their start.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        process::cpu_seconds(&self.pids())
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        self.spec.data.iter().map(|path| process::disk_bytes(path)).sum()
    }

    /// Starts the server if this bench is to start it, and waits for its first answer. Returns how long that took.
    pub(crate) async fn start(&self) -> Result<Duration> {
        let begun = Instant::now();
        if let Some((program, arguments)) = self.spec.command.split_first()
            && self.pid.get().is_none()
        {
            let log = self.spec.scratch.join("server.log");
            let file = fs::File::options().create(true).append(true).open(&log);
            let file = file.map_err(|error| Error::File(log.clone(), error))?;
            let again = file.try_clone().map_err(|error| Error::File(log, error))?;
            let child = Command::new(program)
                .args(arguments)
                .envs(&self.spec.env)
                .stdin(Stdio::null())
                .stdout(file)
                .stderr(again)
                .kill_on_drop(true)
                .spawn()
                .map_err(|error| Error::File(Path::new(program).to_owned(), error))?;
            self.pid.set(child.id());
            *self.child.borrow_mut() = Some(child);
        }
        let get = Request { method: "GET", path: "/_matrix/client/versions", token: None, body: None };
        loop {
            if self.connection().ok(get).await.is_ok() {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > START {
                return Err(Error::Late("the start of a server"));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the server if this bench started it: SIGTERM, and SIGKILL when that was not enough.
    pub(crate) async fn stop(&self) -> Result<()> {
        let Some(mut child) = self.child.borrow_mut().take() else { return Ok(()) };
        if let Some(pid) = child.id() {
            Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        }
        self.pid.set(None);
        if timeout(STOP, child.wait()).await.is_err() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Whether the bench can stop and start this server.
    pub(crate) fn restarts(&self) -> bool {
        !self.spec.command.is_empty()
    }
}
