//! The data folder: what lies where, its secrets, and the lock that keeps a second process out.

use std::{
    env,
    fmt::Display,
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use wardline_domain::{Random, ruma::OwnedServerName, signing::Signer};
use wardline_engine::push::Vapid;
use wardline_gateway::keys::SealingKey;
use zeroize::Zeroizing;

use crate::{Error, config::Gateway};

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
        for part in ["", "keys", "media", "gateway"] {
            make_folder(&path.join(part))?;
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

    /// The key that signs events: `keys/signing.key`, made at the first start.
    pub(crate) fn signer(&self, name: &OwnedServerName, random: &dyn Random) -> Result<Signer, Error> {
        let path = self.path.join("keys/signing.key");
        let wrong = |error: &dyn Display| Error::Check(format!("{}: {error}", path.display()));
        let text = secret(&path, || {
            let seed = seed(random);
            let version: String = hex::encode(random_bytes::<3>(random));
            let signer = Signer::from_seed(name.clone(), &version, *seed).map_err(|e| wrong(&e))?;
            Ok(Zeroizing::new(signer.to_text()))
        })?;
        Signer::from_text(name.clone(), &text).map_err(|error| wrong(&error))
    }

    /// The key of encrypted columns: `keys/column.key`, made at the first start.
    pub(crate) fn column_key(&self, random: &dyn Random) -> Result<Zeroizing<[u8; 32]>, Error> {
        let path = self.path.join("keys/column.key");
        let text = secret(&path, || Ok(Zeroizing::new(hex::encode(seed(random)))))?;
        column_key(&path, &text)
    }

    /// The key of Web Push: `keys/vapid.key`, made at the first start. `contact` is told to push services.
    pub(crate) fn vapid(&self, contact: String, random: &dyn Random) -> Result<Vapid, Error> {
        let path = self.path.join("keys/vapid.key");
        let wrong = || Error::Check(format!("{}: is not a P-256 key in hexadecimal digits", path.display()));
        let text = secret(&path, || {
            // Nearly every number is a key.
            let drawn = (0..8).map(|_| seed(random)).find(|seed| Vapid::new(seed, String::new()).is_some());
            drawn.map(|seed| Zeroizing::new(hex::encode(seed))).ok_or_else(wrong)
        })?;
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| wrong())?;
        Vapid::new(&key, contact).ok_or_else(wrong)
    }

    /// The key service's sealing key: from the configured file or environment variable, which must be there, else
    /// `gateway/seal.key`, made at the first start.
    pub(crate) fn sealing_key(&self, config: &Gateway, random: &dyn Random) -> Result<SealingKey, Error> {
        if let Some(variable) = &config.seal_key_env {
            let text = env::var(variable).map(Zeroizing::new);
            let text = text.map_err(|error| Error::Check(format!("environment {variable}: {error}")))?;
            return SealingKey::from_text(&text)
                .map_err(|error| Error::Check(format!("environment {variable}: {error}")));
        }
        let configured = config.seal_key_file.as_deref();
        let path = configured.map_or_else(|| self.gateway().join("seal.key"), Path::to_owned);
        let text = match configured {
            Some(path) => read(path)?,
            None => secret(&path, || Ok(Zeroizing::new(hex::encode(seed(random)))))?,
        };
        SealingKey::from_text(&text).map_err(|error| Error::Check(format!("{}: {error}", path.display())))
    }
}

/// The key of encrypted columns of the data folder `data`, which must have one.
pub(crate) fn existing_column_key(data: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let path = data.join("keys/column.key");
    column_key(&path, &read(&path)?)
}

/// The signing key of the data folder `data`, which must have one.
pub(crate) fn existing_signer(data: &Path, name: &OwnedServerName) -> Result<Signer, Error> {
    let path = data.join("keys/signing.key");
    Signer::from_text(name.clone(), &read(&path)?)
        .map_err(|error| Error::Check(format!("{}: {error}", path.display())))
}

fn column_key(path: &Path, text: &str) -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), key.as_mut_slice())
        .map_err(|_| Error::Check(format!("{}: is not 64 hexadecimal digits", path.display())))?;
    Ok(key)
}

/// Makes a folder, with those above it, that only its owner may enter.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| Error::File { path: path.to_owned(), source })
}

fn random_bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

fn seed(random: &dyn Random) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(random_bytes(random))
}

fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Reads the secret at `path`, or makes it there, readable by its owner only. A secret that this returns is on
/// the disk whole: it is written beside its place, synced, and moved.
fn secret(
    path: &Path,
    make: impl FnOnce() -> Result<Zeroizing<String>, Error>,
) -> Result<Zeroizing<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => return Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(Error::File { path: path.to_owned(), source }),
    }
    let text = make()?;
    let beside = path.with_extension("new");
    let written = || {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().map_err(|source| Error::File { path: path.to_owned(), source })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::SystemRandom;

    #[test]
    fn secrets_are_made_once_and_only_their_owner_may_read_them() {
        let dir = tempfile::tempdir().unwrap();
        let name = OwnedServerName::try_from("a.example").unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let first = (
            folder.signer(&name, &SystemRandom).unwrap().public_key(),
            folder.column_key(&SystemRandom).unwrap(),
        );
        folder.sealing_key(&Gateway::default(), &SystemRandom).unwrap();
        drop(folder);
        let folder = Folder::open(dir.path()).unwrap();
        assert_eq!(first.0, folder.signer(&name, &SystemRandom).unwrap().public_key());
        assert_eq!(first.1, folder.column_key(&SystemRandom).unwrap());
        for file in ["keys/signing.key", "keys/column.key", "gateway/seal.key"] {
            let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file}");
        }
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(matches!(Folder::open(dir.path()), Err(Error::InUse(_))));
        drop(folder);
        Folder::open(dir.path()).unwrap();
    }

    #[test]
    fn a_configured_sealing_key_must_be_there_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let path = dir.path().join("elsewhere.key");
        let config = Gateway { seal_key_file: Some(path.clone()), ..Gateway::default() };
        assert!(matches!(folder.sealing_key(&config, &SystemRandom), Err(Error::File { .. })));
        fs::write(&path, "short").unwrap();
        let error = folder.sealing_key(&config, &SystemRandom).unwrap_err().to_string();
        assert!(error.contains("elsewhere.key"), "{error}");
        // A variable that every process has, and that is no key; and one that none has.
        for variable in ["PATH", "WARDLINE_NO_SUCH_VARIABLE"] {
            let config = Gateway { seal_key_env: Some(variable.into()), ..Gateway::default() };
            let error = folder.sealing_key(&config, &SystemRandom).unwrap_err().to_string();
            assert!(error.contains(variable), "{error}");
        }
    }
}
