//! The manifest of a backup: what is in it, with a hash of each file, signed with the server's key.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use wardline_domain::{
    ruma::OwnedServerName,
    signing::{Signer, verify_signed_json},
};

use crate::Error;

/// The manifest's file name. It is written last: a folder without one is no backup.
pub(super) const MANIFEST: &str = "manifest.json";
/// The form of manifests that this version writes and reads.
pub(super) const FORMAT: u32 = 1;
/// Bytes read at a time.
const BUFFER: usize = 256 << 10;

/// What a backup is, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// 1.
    pub(super) format: u32,
    /// Whose it is.
    pub(super) server_name: OwnedServerName,
    /// The version of Wardline that made it.
    pub(super) version: String,
    /// When, in milliseconds since the Unix epoch.
    pub(super) taken_at: i64,
    /// The last position of the stream that is in it.
    pub(super) position: u64,
    /// Whether the sealing key of the key service is in it.
    pub(super) sealing_key: bool,
    /// Whether the media are in an object store, and not in it.
    pub(super) media_elsewhere: bool,
    /// Every file but the manifest itself, in the order of their paths.
    pub(super) files: Vec<Entry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Entry {
    /// From the backup's folder, with `/`.
    pub(super) path: String,
    /// Bytes.
    pub(super) size: u64,
    /// BLAKE3 of the content, in hexadecimal.
    pub(super) blake3: String,
}

impl Manifest {
    /// Signs the manifest and makes it durable in `folder`; the BLAKE3 hash of the file.
    pub(super) fn write(&self, folder: &Path, signer: &Signer) -> Result<String, Error> {
        let wrong = |error: &dyn std::fmt::Display| Error::Check(format!("{MANIFEST}: {error}"));
        let text = serde_json::to_string(self).map_err(|e| wrong(&e))?;
        let signed = signer.sign_json(&text).map_err(|e| wrong(&e))?;
        let path = folder.join(MANIFEST);
        let written = || {
            let mut file = File::options().write(true).create_new(true).open(&path)?;
            file.write_all(signed.as_bytes())?;
            file.sync_all()?;
            File::open(folder)?.sync_all()
        };
        written().map_err(|source| Error::File { path: path.clone(), source })?;
        Ok(blake3::hash(signed.as_bytes()).to_hex().to_string())
    }

    /// Reads the manifest in `folder`, checks its signature against the signing key in the backup and, if it was
    /// written down elsewhere, its hash.
    pub(super) fn read(folder: &Path, digest: Option<&str>) -> Result<(Self, String), Error> {
        let path = folder.join(MANIFEST);
        let text = fs::read_to_string(&path).map_err(|source| Error::File { path: path.clone(), source })?;
        let wrong = |why: &dyn std::fmt::Display| Error::Check(format!("{}: {why}", path.display()));
        let actual = blake3::hash(text.as_bytes()).to_hex().to_string();
        if digest.is_some_and(|expected| !expected.eq_ignore_ascii_case(&actual)) {
            return Err(wrong(&format!("its hash is {actual}, not the one given: it is another backup")));
        }
        let manifest: Self = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
        if manifest.format != FORMAT {
            return Err(wrong(&format!("format {} is not one that this version reads", manifest.format)));
        }
        let key = folder.join("keys/signing.key");
        let key_text =
            fs::read_to_string(&key).map_err(|source| Error::File { path: key.clone(), source })?;
        let signer = Signer::from_text(manifest.server_name.clone(), &key_text)
            .map_err(|error| Error::Check(format!("{}: {error}", key.display())))?;
        verify_signed_json(&signer.public_key(), signer.key_id(), manifest.server_name.as_str(), &text)
            .map_err(|error| wrong(&error))?;
        for entry in &manifest.files {
            let plain = Path::new(&entry.path).components().all(|part| matches!(part, Component::Normal(_)));
            if !plain || entry.path.is_empty() {
                return Err(wrong(&format!("{:?} is not a path inside the backup", entry.path)));
            }
        }
        Ok((manifest, actual))
    }
}

/// Copies `from` to `to`, whose folder is made; what was copied, with `name` as its path.
pub(super) fn copy(from: &Path, to: &Path, name: &str) -> Result<Entry, Error> {
    let at = |path: &Path| {
        let path: PathBuf = path.to_owned();
        move |source: io::Error| Error::File { path, source }
    };
    if let Some(folder) = to.parent() {
        crate::house::make_folder(folder)?;
    }
    let source = File::open(from).map_err(at(from))?;
    let mut target = File::options().write(true).create_new(true).open(to).map_err(at(to))?;
    let permissions = source.metadata().map_err(at(from))?.permissions();
    target.set_permissions(permissions).map_err(at(to))?;
    let entry = pump(source, &mut target, name).map_err(at(to))?;
    target.sync_all().map_err(at(to))?;
    Ok(entry)
}

/// The size and hash of the file at `path`, named `name`.
pub(super) fn measure(path: &Path, name: &str) -> Result<Entry, Error> {
    let read = || pump(File::open(path)?, &mut io::sink(), name);
    read().map_err(|source| Error::File { path: path.to_owned(), source })
}

fn pump(mut from: impl Read, to: &mut impl Write, name: &str) -> io::Result<Entry> {
    let mut buffer = vec![0; BUFFER];
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        size += count as u64;
    }
    Ok(Entry { path: name.to_owned(), size, blake3: hasher.finalize().to_hex().to_string() })
}
