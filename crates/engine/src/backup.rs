//! Server-side backup of room keys (Client-Server API, "Server-side key backups").
//!
//! The keys are encrypted by the client; the server keeps the better of two copies, the exact count and an etag
//! that changes with every change of the keys.

use std::sync::Arc;

use wardline_store::key_backup::{self, BackedUpKey, Scope, Version};
use wardline_store::{Reader, Store, StoreError, UserNid, WriteTx};

/// Why an operation on a backup was refused.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no such version (or no version at all).
    #[error("there is no such backup")]
    NoVersion,
    /// There is no such key.
    #[error("there is no such key in the backup")]
    NoKey,
    /// Another version is the current one.
    #[error("the current version of the backup is {current}")]
    WrongVersion {
        /// The current version.
        current: u64,
    },
    /// A value is not acceptable; the text names the field.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which keys an operation is about; as [`Scope`], owned.
#[derive(Clone, Debug)]
pub enum Keys {
    /// All of them.
    All,
    /// Those of a room.
    Room(Arc<str>),
    /// One session of a room.
    Session(Arc<str>, Arc<str>),
}

impl Keys {
    fn scope(&self) -> Scope<'_> {
        match self {
            Self::All => Scope::All,
            Self::Room(room) => Scope::Room(room),
            Self::Session(room, session) => Scope::Session(room, session),
        }
    }
}

/// The backup of room keys.
#[derive(Clone, Debug)]
pub struct Backup {
    store: Store,
}

impl Backup {
    /// The backups in `store`.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Starts a new version, which is the current one from now on. `auth_data`: a JSON object. Its number.
    ///
    /// # Errors
    /// [`BackupError::Invalid`] for an empty algorithm.
    pub async fn create(
        &self,
        user: UserNid,
        algorithm: String,
        auth_data: String,
    ) -> Result<u64, BackupError> {
        if algorithm.is_empty() {
            return Err(BackupError::Invalid("algorithm: must not be empty".into()));
        }
        Ok(self.store.write(move |tx| key_backup::create(tx, user, &algorithm, &auth_data)).await?)
    }

    /// A version, or (`None`) the current one.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`].
    pub fn version(&self, user: UserNid, version: Option<u64>) -> Result<Version, BackupError> {
        self.store
            .read_now(|tx| match version {
                Some(version) => key_backup::version(tx, user, version),
                None => key_backup::current(tx, user),
            })?
            .ok_or(BackupError::NoVersion)
    }

    /// Replaces the `auth_data` (a JSON object) of a version. The algorithm cannot be changed.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`], [`BackupError::Invalid`].
    pub async fn update(
        &self,
        user: UserNid,
        version: u64,
        algorithm: String,
        auth_data: String,
    ) -> Result<(), BackupError> {
        self.store
            .write_with(move |tx| {
                let known = existing(tx, user, version)?;
                if known.algorithm != algorithm {
                    return Err(BackupError::Invalid("algorithm: not that of the version".into()));
                }
                Ok(key_backup::set_auth_data(tx, user, version, &auth_data)?)
            })
            .await
    }

    /// Deletes a version with its keys.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`].
    pub async fn delete(&self, user: UserNid, version: u64) -> Result<(), BackupError> {
        let gone = self.store.write(move |tx| key_backup::delete(tx, user, version)).await?;
        if gone { Ok(()) } else { Err(BackupError::NoVersion) }
    }

    /// Stores keys in the current version, each unless the stored one is at least as good. The version then.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`]; [`BackupError::WrongVersion`] if `version` is not the current one.
    pub async fn put(
        &self,
        user: UserNid,
        version: u64,
        keys: Vec<BackedUpKey>,
    ) -> Result<Version, BackupError> {
        self.store
            .write_with(move |tx| {
                existing(tx, user, version)?;
                match key_backup::current(tx, user)? {
                    Some(current) if current.version != version => {
                        return Err(BackupError::WrongVersion { current: current.version });
                    }
                    _ => {}
                }
                let mut changed = false;
                for key in &keys {
                    changed |= key_backup::put_key(tx, user, version, key)?;
                }
                if changed {
                    key_backup::changed(tx, user, version)?;
                }
                existing(tx, user, version)
            })
            .await
    }

    /// The keys of a version.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`]; [`BackupError::NoKey`] if one session was asked for and is not there.
    pub async fn get(
        &self,
        user: UserNid,
        version: u64,
        which: Keys,
    ) -> Result<Vec<BackedUpKey>, BackupError> {
        self.store
            .read(move |tx| {
                existing(tx, user, version)?;
                let keys = key_backup::keys(tx, user, version, which.scope())?;
                match which {
                    Keys::Session(..) if keys.is_empty() => Err(BackupError::NoKey),
                    _ => Ok(keys),
                }
            })
            .await
    }

    /// Deletes keys of a version. The version then.
    ///
    /// # Errors
    /// [`BackupError::NoVersion`].
    pub async fn delete_keys(
        &self,
        user: UserNid,
        version: u64,
        which: Keys,
    ) -> Result<Version, BackupError> {
        self.store
            .write_with(move |tx: &mut WriteTx<'_>| {
                existing(tx, user, version)?;
                if key_backup::delete_keys(tx, user, version, which.scope())? > 0 {
                    key_backup::changed(tx, user, version)?;
                }
                existing(tx, user, version)
            })
            .await
    }
}

fn existing(tx: &impl Reader, user: UserNid, version: u64) -> Result<Version, BackupError> {
    key_backup::version(tx, user, version)?.ok_or(BackupError::NoVersion)
}
