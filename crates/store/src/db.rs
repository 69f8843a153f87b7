//! Opening the database, and the handle that everything else holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot, watch};

use crate::commit::{Committer, Job, LogWatch, Task, log_pages};
use crate::disk::{Disk, RealDisk};
use crate::epochs::Epochs;
use crate::stream::{self, Pos, StreamSink};
use crate::tx::{ReadTx, WriteTx};
use crate::{StoreError, account_holds, migrate};

/// Writes that may wait for the committer; more than that are held back at the caller.
const QUEUE: usize = 8192;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 512;

/// What an answered write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: every batch is synced before it is answered. The default, always, for care.
    #[default]
    Full,
    /// A crash of the process but not of the machine. Only by explicit configuration.
    Normal,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The database file; created if missing, with its folder.
    pub path: PathBuf,
    /// What an answered write survives.
    pub durability: Durability,
    /// Reading connections kept open, at least 1.
    pub readers: usize,
    /// The most that the database file may grow to, in bytes; beyond it a write is answered with
    /// [`StoreError::DiskFull`], as it is when the disk itself is full. `None`: only the disk limits it.
    pub max_bytes: Option<u64>,
}

impl StoreConfig {
    /// Full durability and four readers at `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), durability: Durability::Full, readers: 4, max_bytes: None }
    }
}

/// The store. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    queue: mpsc::Sender<Box<dyn Job>>,
    sinks: Arc<RwLock<Vec<Arc<dyn StreamSink>>>>,
    head: watch::Receiver<Pos>,
    holds: Arc<account_holds::Memory>,
    failed: watch::Receiver<Option<StoreError>>,
    readers: Readers,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    epochs: Epochs,
    closing: Arc<AtomicBool>,
    /// Whether a [`Stepper`] writes.
    stepped: bool,
    path: PathBuf,
}

/// Drives a store that was opened with [`Store::stepped`].
pub struct Stepper {
    committer: Committer,
}

impl std::fmt::Debug for Stepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stepper").finish_non_exhaustive()
    }
}

impl Stepper {
    /// Commits one batch of at most `most` closures out of those that wait. How many there were.
    ///
    /// # Errors
    /// Why the writer has stopped for good.
    pub fn step(&mut self, most: usize) -> Result<usize, StoreError> {
        self.committer.step(most)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens (or creates) the database, brings its schema up to date and starts the committer.
    ///
    /// # Errors
    /// [`StoreError::UnknownSchema`] for a database of another lineage; any failure to open or write the file.
    pub fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::open_on(config, Box::new(RealDisk))
    }

    /// Opens a store like [`open`](Self::open) on a disk that may be simulated.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(config: &StoreConfig, disk: Box<dyn Disk>) -> Result<Self, StoreError> {
        let (mut shared, committer) = build(config, disk, false)?;
        let writer = std::thread::Builder::new().name("committer".into()).spawn(move || committer.run())?;
        *shared.writer.get_mut() = Some(writer);
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens a store that does nothing by itself: it writes when the [`Stepper`] is told to, and reads on the
    /// thread that asks. What happens in it, and in which order, is up to the caller alone.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn stepped(config: &StoreConfig, disk: Box<dyn Disk>) -> Result<(Self, Stepper), StoreError> {
        let (shared, committer) = build(config, disk, true)?;
        Ok((Self { shared: Arc::new(shared) }, Stepper { committer }))
    }

    /// Runs a closure in the shared write transaction and answers after the batch is durable.
    ///
    /// # Errors
    /// What the closure returns (nothing of it is kept then), or a failure of the batch.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_with(work).await
    }

    /// [`write`](Self::write) with the caller's own error type.
    ///
    /// # Errors
    /// What the closure returns (nothing of it is kept then), or a failure of the batch.
    pub async fn write_with<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.submit(work).await?.await.map_err(|_| self.closed())?
    }

    /// Queues a closure and returns at once with the place where its answer will come: the order of calls
    /// (from one task) is the order of execution, so a caller can pipeline writes.
    ///
    /// # Errors
    /// [`StoreError::Closed`] or the reason why the writer stopped.
    pub async fn submit<T, E, F>(&self, work: F) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.queue(work, false).await
    }

    /// [`submit`](Self::submit) for a closure that fails, if at all, before it changes anything: it needs no savepoint.
    /// Should it fail later all the same, as for a damaged page, the whole batch is given up: this caller is told why,
    /// the others [`StoreError::Abandoned`].
    ///
    /// # Errors
    /// [`StoreError::Closed`] or the reason why the writer stopped.
    pub async fn submit_decided<T, E, F>(
        &self,
        work: F,
    ) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.queue(work, true).await
    }

    async fn queue<T, E, F>(
        &self,
        work: F,
        decided: bool,
    ) -> Result<oneshot::Receiver<Result<T, E>>, StoreError>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task: Box<dyn Job> = Box::new(Task { work: Some(work), outcome: None, reply, decided });
        self.shared.queue.send(task).await.map_err(|_| self.closed())?;
        Ok(answer)
    }

    /// Runs a closure over a consistent snapshot on a thread for blocking work. For anything that may read
    /// more than a few rows.
    ///
    /// # Errors
    /// What the closure returns, or a failure of the database.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    {
        let store = self.clone();
        if store.shared.stepped {
            yield_once().await;
            return store.read_now(work);
        }
        tokio::task::spawn_blocking(move || store.read_now(work)).await.map_err(|_| StoreError::Panicked)?
    }

    /// Runs a closure over a consistent snapshot on the calling thread. For point look-ups: microseconds.
    ///
    /// # Errors
    /// What the closure returns, or a failure of the database.
    pub fn read_now<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.readers.with(|connection| {
            connection.prepare_cached("BEGIN").and_then(|mut s| s.execute([])).map_err(StoreError::from)?;
            let result = work(&ReadTx { connection });
            connection.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).map_err(StoreError::from)?;
            result
        })
    }

    /// Adds a follower of the stream. It sees every batch that commits from now on.
    pub fn subscribe(&self, sink: Arc<dyn StreamSink>) {
        self.shared.sinks.write().push(sink);
    }

    /// The last durable position.
    #[must_use]
    pub fn head(&self) -> Pos {
        *self.shared.head.borrow()
    }

    /// Resolves when the writer has stopped for good because the disk failed: the process must end.
    pub async fn failed(&self) -> StoreError {
        let mut failed = self.shared.failed.clone();
        match failed.wait_for(Option::is_some).await {
            Ok(error) => error.clone().unwrap_or(StoreError::Closed),
            Err(_) => std::future::pending().await,
        }
    }

    /// Takes no more writes, and returns when all that were taken are answered and the writer has closed its file.
    /// Whoever writes later is told [`StoreError::Closed`]; reading goes on.
    pub async fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        // Wakes the writer; what comes of it does not matter.
        drop(self.write(|_| Ok(())).await);
        let writer = self.shared.writer.lock().take();
        if let Some(writer) = writer {
            drop(tokio::task::spawn_blocking(move || writer.join()).await);
        }
    }

    /// The lives of this database.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        &self.shared.epochs
    }

    /// Where the database file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    pub(crate) fn holds_memory(&self) -> &account_holds::Memory {
        &self.shared.holds
    }

    fn closed(&self) -> StoreError {
        self.shared.failed.borrow().clone().unwrap_or(StoreError::Closed)
    }
}

/// Opens the files: everything of a store but the thread that writes.
fn build(
    config: &StoreConfig,
    disk: Box<dyn Disk>,
    stepped: bool,
) -> Result<(Shared, Committer), StoreError> {
    if let Some(folder) = config.path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut connection = Connection::open(&config.path)?;
    tune(&connection)?;
    connection.execute_batch(match config.durability {
        Durability::Full => "PRAGMA synchronous = FULL",
        Durability::Normal => "PRAGMA synchronous = NORMAL",
    })?;
    // What an earlier process left in the log may never have reached the disk, whatever the cache of the operating
    // system shows: it is written anew, and synced, before anything is built on it.
    // Without waiting: where a server runs (`audit verify` opens its database too), its writer must not be held up.
    connection.busy_timeout(std::time::Duration::ZERO)?;
    if log_pages(&connection, "TRUNCATE")? != 0 {
        tracing::warn!("another process uses the database: its log is kept for now");
    }
    keep_plans(&connection)?;
    migrate::migrate(&mut connection)?;
    if let Some(bytes) = config.max_bytes {
        let size: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes / u64::from(size)).unwrap_or(i64::MAX).max(1);
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    let position = stream::head(&ReadTx { connection: &connection })?;
    let epochs = Epochs::load(&ReadTx { connection: &connection })?;
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (head, head_seen) = watch::channel(position);
    let (failed, failed_seen) = watch::channel(None);
    let sinks = Arc::new(RwLock::new(Vec::new()));
    let log = LogWatch::default();
    let holds = Arc::new(account_holds::Memory::default());
    let closing = Arc::new(AtomicBool::new(false));
    let committer = Committer {
        connection,
        disk,
        queue: jobs,
        sinks: Arc::clone(&sinks),
        head,
        holds: Arc::clone(&holds),
        failed,
        log,
        closing: Arc::clone(&closing),
    };
    let shared = Shared {
        queue,
        sinks,
        head: head_seen,
        holds,
        failed: failed_seen,
        readers: Readers::open(&config.path, config.readers.max(1))?,
        writer: Mutex::new(None),
        epochs,
        closing,
        stepped,
        path: config.path.clone(),
    };
    Ok((shared, committer))
}

/// Lets others go first, once.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl Drop for Shared {
    /// The last handle is gone: let the committer finish what is queued, then close the file cleanly.
    fn drop(&mut self) {
        let (closed, _) = mpsc::channel(1);
        self.queue = closed;
        if let Some(writer) = self.writer.get_mut().take()
            && writer.thread().id() != std::thread::current().id()
        {
            drop(writer.join());
        }
    }
}

fn tune(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 0; \
         PRAGMA trusted_schema = OFF; PRAGMA secure_delete = FAST",
    )?;
    keep_plans(connection)
}

/// What writers and readers have in common: kept statements, and plans that do not depend on the values bound.
/// Without the latter SQLite plans a statement with a bound `LIMIT` anew every time.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// A pool of reading connections. The lock guards only the hand-over, never a query.
struct Readers {
    idle: Mutex<Vec<Connection>>,
    freed: Condvar,
}

impl Readers {
    fn open(path: &Path, count: usize) -> Result<Self, StoreError> {
        let idle = (0..count)
            .map(|_| {
                let connection = Connection::open_with_flags(
                    path,
                    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                )?;
                connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -2000")?;
                keep_plans(&connection)?;
                Ok(connection)
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { idle: Mutex::new(idle), freed: Condvar::new() })
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        let lease = Lease { readers: self, connection: Some(self.take()) };
        work(lease.connection())
    }

    fn take(&self) -> Connection {
        let mut idle = self.idle.lock();
        loop {
            if let Some(connection) = idle.pop() {
                return connection;
            }
            self.freed.wait(&mut idle);
        }
    }
}

/// Gives the connection back even if the closure panics, with no transaction left open.
struct Lease<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Lease<'_> {
    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("invariant: taken only when the lease is dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            if !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
            self.readers.idle.lock().push(connection);
            self.readers.freed.notify_one();
        }
    }
}
