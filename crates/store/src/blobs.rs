//! The blob store: files beside the database, each named by the BLAKE3 hash of its content.
//!
//! A blob `abcd…` is `ab/cd/abcd…` under the folder. It is written to `tmp/` first and moved when its bytes and
//! the folders on its way are on disk, so a blob that has a row is always whole. `tmp/` is emptied before the
//! first blob of a process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::value::{FromColumn, Param, ToParam};
use crate::{Row, StoreError};

/// The BLAKE3 hash of a blob's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobId([u8; 32]);

impl std::fmt::Debug for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

impl BlobId {
    /// The hash in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl ToParam for BlobId {
    fn to_param(&self) -> Param<'_> {
        Param::Blob(&self.0)
    }
}

impl FromColumn for BlobId {
    fn from_column(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
        row.get(index).map(Self)
    }
}

/// The blob store of a data folder. Cheap to clone. All methods block on the disk: call them on a thread for
/// blocking work.
#[derive(Clone, Debug)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    next: AtomicU64,
    /// Whether `tmp/` is there and holds nothing of an earlier process.
    ready: Mutex<bool>,
    /// Held while a blob takes its place, and while an old one is looked at and removed.
    places: Mutex<()>,
}

impl Blobs {
    /// The blob store in `root`, which is made when the first blob is written. One process at a time.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            inner: Arc::new(Inner {
                root: root.into(),
                next: AtomicU64::new(0),
                ready: Mutex::new(false),
                places: Mutex::new(()),
            }),
        }
    }

    /// Begins a new blob.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::DiskFull`].
    pub fn create(&self) -> Result<BlobWriter, StoreError> {
        self.prepare()?;
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let path = self.inner.root.join("tmp").join(number.to_string());
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(BlobWriter { blobs: self.clone(), path, file, hasher: blake3::Hasher::new(), size: 0 })
    }

    fn prepare(&self) -> Result<(), StoreError> {
        let mut ready = self.inner.ready.lock();
        if !*ready {
            let temporary = self.inner.root.join("tmp");
            match fs::remove_dir_all(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            fs::create_dir_all(&temporary)?;
            *ready = true;
        }
        Ok(())
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it is not there or cannot be read.
    pub fn read(&self, id: BlobId) -> Result<File, StoreError> {
        Ok(File::open(self.path_of(id))?)
    }

    /// Removes a blob. One that is not there is no error. While somebody [holds](hold) the blobs it stays, to be found
    /// by [`tidy`](Self::tidy) later.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn remove(&self, id: BlobId) -> Result<(), StoreError> {
        let lock = hold_file(&self.inner.root)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let _place = self.inner.places.lock();
        match fs::remove_file(self.path_of(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The folders that hold blobs.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn folders(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut found = Vec::new();
        for outer in named(&self.inner.root, 2)? {
            found.extend(named(&outer, 2)?);
        }
        Ok(found)
    }

    /// Removes from one of the [`folders`](Self::folders) the blobs that are older than `age` and that nobody needs
    /// according to `is_needed`; how many there were. Removes nothing while somebody [holds](hold) the blobs.
    ///
    /// A blob that is written again takes its place anew and is young then, so whoever is about to name it finds it.
    ///
    /// # Errors
    /// [`StoreError::Io`], or what `is_needed` returns.
    pub fn tidy(
        &self,
        folder: &Path,
        age: Duration,
        is_needed: impl Fn(BlobId) -> Result<bool, StoreError>,
    ) -> Result<usize, StoreError> {
        let lock = hold_file(&self.inner.root)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(0),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut removed = 0;
        for path in named(folder, 64)? {
            let hex = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Ok(hash) = blake3::Hash::from_hex(hex) else { continue };
            let _place = self.inner.places.lock();
            let is_old = fs::metadata(&path)?.modified()?.elapsed().is_ok_and(|since| since >= age);
            if is_old && !is_needed(BlobId(*hash.as_bytes()))? {
                fs::remove_file(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path_of(&self, id: BlobId) -> PathBuf {
        self.inner.root.join(path(id))
    }
}

/// Where a blob is under the folder of blobs.
#[must_use]
pub fn path(id: BlobId) -> PathBuf {
    let hex = id.hex();
    Path::new(&hex[..2]).join(&hex[2..4]).join(hex)
}

/// While this is held, by whichever process, no blob is removed from the folder `root`.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

/// Keeps the blobs in the folder `root` from being removed; waits while some are.
///
/// # Errors
/// [`StoreError::Io`].
pub fn hold(root: &Path) -> Result<Hold, StoreError> {
    let lock = hold_file(root)?;
    lock.lock_shared()?;
    Ok(Hold { _lock: lock })
}

/// What lies in a folder under a hexadecimal name of this length.
fn named(folder: &Path, length: usize) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn hold_file(root: &Path) -> Result<File, StoreError> {
    fs::create_dir_all(root)?;
    Ok(OpenOptions::new().write(true).create(true).truncate(false).open(root.join("hold"))?)
}

/// A blob that is being written. Dropped before [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    path: PathBuf,
    file: File,
    hasher: blake3::Hasher,
    size: u64,
}

impl BlobWriter {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] or [`StoreError::Io`]; the blob cannot be finished then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the writing without giving the blob a place: its bytes are to go somewhere else.
    #[must_use]
    pub fn stage(self) -> Staged {
        Staged { id: BlobId(*self.hasher.finalize().as_bytes()), writer: self }
    }

    /// Makes the blob durable under its hash; its id and size in bytes. The same content again is the same blob.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] or [`StoreError::Io`]; nothing is left behind then.
    pub fn finish(self) -> Result<(BlobId, u64), StoreError> {
        let id = BlobId(*self.hasher.finalize().as_bytes());
        let target = self.blobs.path_of(id);
        self.file.sync_all()?;
        let folders: Vec<&Path> = target.ancestors().skip(1).take(3).collect();
        folders.first().map_or(Ok(()), fs::create_dir_all)?;
        {
            let _place = self.blobs.inner.places.lock();
            fs::rename(&self.path, &target)?;
        }
        // Also if the blob was there: whoever wrote it may not have got this far yet.
        folders.into_iter().try_for_each(sync_folder)?;
        Ok((id, self.size))
    }
}

/// A blob whose bytes are all written, and which has no place. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    id: BlobId,
    writer: BlobWriter,
}

impl Staged {
    /// The hash of its content.
    #[must_use]
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.writer.size
    }

    /// Opens it for reading from its beginning.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(&self) -> Result<File, StoreError> {
        Ok(File::open(&self.writer.path)?)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        // Moved away when finished; otherwise an abandoned or failed upload.
        drop(fs::remove_file(&self.path));
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    Ok(File::open(folder)?.sync_all()?)
}
