//! The data folder: what lies where, and the lock that keeps a second process out.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use wardline_domain::Random;
use wardline_gateway::keys::SealingKey;

use crate::Error;

/// The database's file name in the data folder.
pub(crate) const DATABASE: &str = "wardline.db";

/// A data folder, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing (only its owner may enter) and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = |source| Error::File { path: path.to_owned(), source };
        for part in [path.to_owned(), path.join("keys"), path.join("media"), path.join("gateway")] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(part).map_err(file)?;
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(file)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(file(source)),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    pub(crate) fn gateway(&self) -> PathBuf {
        self.path.join("gateway")
    }

    /// The key service's sealing key: from the configured file, which must be there, else from the folder.
    pub(crate) fn sealing_key(
        &self,
        configured: Option<&Path>,
        random: &dyn Random,
    ) -> Result<SealingKey, Error> {
        Ok(match configured {
            Some(path) => SealingKey::read(path)?,
            None => SealingKey::read_or_create(&self.gateway().join("seal.key"), random)?,
        })
    }
}
