//! Tidying up: what nobody needs any more is removed, little by little, so that nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use wardline_store::blobs::Blobs;
use wardline_store::{StoreError, media, txn_ids};

use crate::Context;

/// Rows that one transaction removes.
const AT_ONCE: usize = 500;
/// How often is tidied up, and after how many times also among the files.
const EVERY: Duration = Duration::from_hours(1);
const FILES_EVERY: u32 = 24;
/// How old a file must be before it may be removed: an upload that is being finished has no row yet.
const YOUNGEST: Duration = Duration::from_hours(24);

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Transaction ids of devices that are gone.
    pub transactions: usize,
    /// Files that were announced and never uploaded.
    pub announced: usize,
    /// Thumbnails of files that are gone.
    pub thumbnails: usize,
    /// Files that no row names.
    pub blobs: usize,
}

/// The one that tidies up.
#[derive(Clone, Debug)]
pub struct Upkeep {
    context: Arc<Context>,
    blobs: Blobs,
}

impl Upkeep {
    /// Over `context` and the blobs of its media.
    #[must_use]
    pub fn new(context: Arc<Context>, blobs: Blobs) -> Self {
        Self { context, blobs }
    }

    /// Tidies up for as long as the server runs.
    pub async fn run(self) {
        for round in 1_u32.. {
            tokio::time::sleep(EVERY).await;
            let mut done = self.tidy_rows().await;
            if round % FILES_EVERY == 0
                && let Ok(removed) = &mut done
            {
                match self.tidy_files(YOUNGEST).await {
                    Ok(blobs) => removed.blobs = blobs,
                    Err(error) => tracing::warn!(%error, "the files of media could not be tidied up"),
                }
            }
            match done {
                Ok(removed) if removed != Removed::default() => tracing::info!(?removed, "tidied up"),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the database could not be tidied up"),
            }
        }
    }

    /// Removes rows that nobody needs any more.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn tidy_rows(&self) -> Result<Removed, StoreError> {
        let now = self.context.now();
        let mut removed = Removed::default();
        loop {
            let (transactions, announced, thumbnails) = self
                .context
                .store
                .write(move |tx| {
                    Ok::<_, StoreError>((
                        txn_ids::forget_gone(tx, AT_ONCE)?,
                        media::forget_announced(tx, now, AT_ONCE)?,
                        media::forget_thumbnails(tx, AT_ONCE)?,
                    ))
                })
                .await?;
            removed.transactions += transactions;
            removed.announced += announced;
            removed.thumbnails += thumbnails;
            if [transactions, announced, thumbnails].iter().all(|count| *count < AT_ONCE) {
                return Ok(removed);
            }
        }
    }

    /// Removes the files that no row names and that are older than `age`; how many there were. While a backup is taken
    /// nothing is removed.
    ///
    /// # Errors
    /// A failure of the disk or the store.
    pub async fn tidy_files(&self, age: Duration) -> Result<usize, StoreError> {
        let (store, blobs) = (self.context.store.clone(), self.blobs.clone());
        let work = move || {
            let mut removed = 0;
            for folder in blobs.folders()? {
                removed += blobs.tidy(&folder, age, |blob| store.read_now(|tx| media::is_named(tx, blob)))?;
            }
            Ok(removed)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Panicked)?
    }
}
