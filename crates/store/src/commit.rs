//! The group committer: one thread, one transaction per batch, one sync, then everyone is answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::disk::Disk;
use crate::stream::{Pos, StreamSink};
use crate::tx::WriteTx;
use crate::{Reader, StoreError, account_holds, params};

/// At most this many closures share one transaction: it bounds the time that the first of them waits.
const BATCH: usize = 512;

/// A closure on its way through the committer.
pub(crate) trait Job: Send {
    /// Whether it fails only before its first change, so that nothing ever has to be undone.
    fn is_decided(&self) -> bool;
    /// Runs the closure inside the open transaction; an error means that its savepoint must be undone.
    fn run(&mut self, tx: &mut WriteTx<'_>) -> Result<(), ()>;
    /// Answers the caller: with the closure's own result, or with the reason why the batch was lost.
    fn answer(self: Box<Self>, lost: Option<StoreError>);
}

/// A closure, what it returned, and where the answer goes.
pub(crate) struct Task<F, T, E> {
    pub(crate) work: Option<F>,
    pub(crate) outcome: Option<Result<T, E>>,
    pub(crate) reply: oneshot::Sender<Result<T, E>>,
    pub(crate) decided: bool,
}

impl<F, T, E> Job for Task<F, T, E>
where
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn is_decided(&self) -> bool {
        self.decided
    }

    fn run(&mut self, tx: &mut WriteTx<'_>) -> Result<(), ()> {
        let Some(work) = self.work.take() else { return Err(()) };
        // A panic must not take the writer thread down with everybody's writes. The closure's effects are
        // undone by its savepoint, so nothing half-done can be observed afterwards.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(tx)))
            .unwrap_or_else(|_| Err(E::from(StoreError::Panicked)));
        let result = outcome.as_ref().map(drop).map_err(drop);
        self.outcome = Some(outcome);
        result
    }

    fn answer(self: Box<Self>, lost: Option<StoreError>) {
        let outcome = match (lost, self.outcome) {
            (None, Some(outcome)) | (Some(_), Some(outcome @ Err(_))) => outcome,
            (Some(error), _) => Err(error.into()),
            (None, None) => Err(StoreError::Closed.into()),
        };
        // The caller may have gone away (a closed connection); the write stands all the same.
        drop(self.reply.send(outcome));
    }
}

/// Pages in the log from which on they are moved into the database file.
const LOG_PAGES: i64 = 16_000;
/// Closures after which the length of the log is looked at, and batches.
const LOOK_AFTER_JOBS: usize = 256;
const LOOK_AFTER_BATCHES: usize = 32;

/// The writer's belongings.
pub(crate) struct Committer {
    pub(crate) connection: Connection,
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) queue: mpsc::Receiver<Box<dyn Job>>,
    pub(crate) sinks: Arc<RwLock<Vec<Arc<dyn StreamSink>>>>,
    pub(crate) head: watch::Sender<Pos>,
    pub(crate) holds: Arc<account_holds::Memory>,
    pub(crate) failed: watch::Sender<Option<StoreError>>,
    pub(crate) log: LogWatch,
    /// Set when no more writes shall be taken.
    pub(crate) closing: Arc<AtomicBool>,
}

/// How much was written since the length of the log was last looked at.
#[derive(Debug, Default)]
pub(crate) struct LogWatch {
    jobs: usize,
    batches: usize,
}

impl Committer {
    /// Runs until the queue is closed (clean stop) or the disk fails (fatal).
    pub(crate) fn run(mut self) {
        let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH);
        while let Some(first) = self.queue.blocking_recv() {
            if self.closing.load(Ordering::Acquire) {
                self.queue.close();
            }
            batch.push(first);
            if self.go_on(&mut batch, BATCH).is_err() {
                return;
            }
        }
    }

    /// One batch of at most `most` closures that wait, without waiting for any. How many there were.
    ///
    /// # Errors
    /// Why the writer has stopped for good.
    pub(crate) fn step(&mut self, most: usize) -> Result<usize, StoreError> {
        if let Some(error) = self.failed.borrow().clone() {
            return Err(error);
        }
        let Ok(first) = self.queue.try_recv() else { return Ok(0) };
        self.go_on(&mut vec![first], most)
    }

    /// Fills the batch up and commits it. After a failure of the disk everybody is refused, for good.
    fn go_on(&mut self, batch: &mut Vec<Box<dyn Job>>, most: usize) -> Result<usize, StoreError> {
        while batch.len() < most
            && let Ok(next) = self.queue.try_recv()
        {
            batch.push(next);
        }
        let count = batch.len();
        let done = self.commit(batch).and_then(|()| self.checkpoint(count));
        done.inspect_err(|error| {
            tracing::error!(%error, "the writer stops: the disk cannot be trusted until a restart");
            self.queue.close();
            batch.clear();
            while let Ok(job) = self.queue.try_recv() {
                job.answer(Some(error.clone()));
            }
            self.failed.send_replace(Some(error.clone()));
        })?;
        Ok(count)
    }

    /// One batch: run, sync, publish, answer. An error is fatal; everybody has been answered by then.
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let before = *self.head.borrow();
        let (connection, disk) = (&self.connection, &mut self.disk);
        let mut tx = WriteTx::new(connection, before);
        let result = disk
            .begin(&mut || Ok(connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)?))
            .and_then(|()| run_all(&mut tx, batch))
            .and_then(|()| record_head(&mut tx, before))
            .and_then(|()| {
                disk.commit(&mut || Ok(connection.prepare_cached("COMMIT")?.execute([]).map(drop)?))
            });
        let WriteTx { head, rows, holds_changed, .. } = tx;
        match result {
            Ok(()) => {
                if holds_changed {
                    self.holds.changed();
                }
                if head != before {
                    for sink in self.sinks.read().iter() {
                        sink.committed(&rows);
                    }
                    self.head.send_replace(head);
                }
                batch.drain(..).for_each(|job| job.answer(None));
                Ok(())
            }
            Err(error) => {
                let recoverable =
                    matches!(error, StoreError::DiskFull | StoreError::Abandoned) && self.roll_back();
                if !recoverable {
                    tracing::error!(%error, "a batch could not be made durable");
                }
                let told = if recoverable { error } else { StoreError::NotDurable };
                batch.drain(..).for_each(|job| job.answer(Some(told.clone())));
                if recoverable { Ok(()) } else { Err(told) }
            }
        }
    }

    /// Moves the log into the database file when it has grown long. SQLite would do it by itself, but would not say
    /// when the file could not be synced, and would forget the log the next time. A full disk waits: the log keeps
    /// everything.
    fn checkpoint(&mut self, jobs: usize) -> Result<(), StoreError> {
        self.log.jobs += jobs;
        self.log.batches += 1;
        if self.log.jobs < LOOK_AFTER_JOBS && self.log.batches < LOOK_AFTER_BATCHES {
            return Ok(());
        }
        self.log = LogWatch::default();
        if log_pages(&self.connection, "NOOP")? < LOG_PAGES {
            return Ok(());
        }
        let connection = &self.connection;
        match self.disk.checkpoint(&mut || log_pages(connection, "PASSIVE").map(drop)) {
            Ok(()) | Err(StoreError::DiskFull) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "the log could not be moved into the database file");
                Err(StoreError::NotDurable)
            }
        }
    }

    fn roll_back(&self) -> bool {
        self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok()
    }
}

/// Checkpoints the log in the given way. How many of its pages are not in the database file after that.
pub(crate) fn log_pages(connection: &Connection, mode: &str) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    Ok(statement.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))?)
}

fn record_head(tx: &mut WriteTx<'_>, before: Pos) -> Result<(), StoreError> {
    if tx.head != before {
        let head = tx.head;
        tx.execute("UPDATE stream_head SET pos = ?1 WHERE id = 1", params![head])?;
    }
    Ok(())
}

/// Runs every closure so that one that fails takes nothing of the others with it: in a savepoint of its own, unless it
/// is decided. (Inside a savepoint SQLite keeps a copy of every page before its first change.)
fn run_all(tx: &mut WriteTx<'_>, batch: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    for job in batch {
        let (head, rows) = (tx.head, tx.rows.len());
        let decided = job.is_decided();
        let changes = tx.connection.total_changes();
        if !decided {
            tx.prepare("SAVEPOINT job")?.execute([])?;
        }
        let failed = job.run(tx).is_err();
        if tx.connection.is_autocommit() {
            // The database itself ended the transaction: that is how it reports a full disk, and a broken one.
            return Err(if tx.saw_full_disk() { StoreError::DiskFull } else { StoreError::NotDurable });
        }
        if failed && decided && tx.connection.total_changes() != changes {
            // It broke its word, as for a damaged page: nothing of the batch is kept.
            return Err(StoreError::Abandoned);
        }
        if failed && !decided {
            tx.head = head;
            tx.rows.truncate(rows);
            tx.prepare("ROLLBACK TO job")?.execute([])?;
        }
        if !decided {
            tx.prepare("RELEASE job")?.execute([])?;
        }
    }
    Ok(())
}
