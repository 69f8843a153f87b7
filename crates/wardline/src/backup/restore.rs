//! `wardline check` and `wardline restore`: is a backup whole, and how does a server go on from it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use wardline_audit::{Action, Entry as AuditEntry};
use wardline_domain::Clock;
use wardline_store::{Store, StoreConfig, StoreError, copy, restoration, stream};

use super::{
    manifest::{self, MANIFEST, Manifest},
    take::{empty_folder, sync_folders},
};
use crate::{Error, house::DATABASE};

/// Reads a backup through: every file against its hash, the pages and references of the database, the audit chain and the
/// stream of positions.
pub(crate) fn check(folder: &Path, digest: Option<&str>) -> Result<(), Error> {
    let (manifest, digest) = verified(folder, digest)?;
    println!("backup of {} up to position {}, whole", manifest.server_name, manifest.position);
    println!("manifest: {digest}");
    Ok(())
}

fn verified(folder: &Path, digest: Option<&str>) -> Result<(Manifest, String), Error> {
    let (manifest, digest) = Manifest::read(folder, digest)?;
    for entry in &manifest.files {
        if manifest::measure(&folder.join(&entry.path), &entry.path)? != *entry {
            return Err(Error::Check(format!("{}: is not as it was backed up", entry.path)));
        }
    }
    let named: BTreeSet<&str> = manifest.files.iter().map(|entry| entry.path.as_str()).collect();
    for found in files_under(folder, folder)? {
        if found != MANIFEST && !named.contains(found.as_str()) {
            return Err(Error::Check(format!("{found}: is not of this backup")));
        }
    }
    let database = folder.join(DATABASE);
    if let Some(fault) = copy::faults(&database)?.first() {
        return Err(Error::Check(format!("{}: {fault}", database.display())));
    }
    let gap = copy::read(&database, |tx| {
        wardline_audit::verify(tx).map_err(|error| Error::Check(error.to_string()))?;
        Ok::<_, Error>((stream::first_gap(tx)?, stream::head(tx)?))
    })?;
    match gap {
        (Some(missing), _) => Err(Error::Check(format!("stream: position {missing} is missing"))),
        (None, head) if head != manifest.position => Err(Error::Check(format!(
            "{}: ends at another position than the manifest says",
            database.display()
        ))),
        (None, _) => Ok((manifest, digest)),
    }
}

fn files_under(root: &Path, folder: &Path) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let list = || fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>();
    for entry in list().map_err(|source| Error::File { path: folder.to_owned(), source })? {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_under(root, &path)?);
        } else if let Ok(name) = path.strip_prefix(root) {
            found.push(name.display().to_string());
        }
    }
    Ok(found)
}

/// Makes a data folder out of a backup. The server that opens it begins a new epoch: it knows that it went back in time.
///
/// Everything is made in a folder beside `data` and moved there when it is whole and on the disk.
pub(crate) async fn restore(
    folder: &Path,
    data: &Path,
    digest: Option<&str>,
    end_sessions: bool,
    clock: Arc<dyn Clock>,
) -> Result<(), Error> {
    let (manifest, digest) = verified(folder, digest)?;
    empty_folder(data)?;
    let beside = beside(data);
    match fs::remove_dir_all(&beside) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::File { path: beside, source });
        }
        _ => {}
    }
    for entry in &manifest.files {
        let copied = manifest::copy(&folder.join(&entry.path), &beside.join(&entry.path), &entry.path)?;
        if copied != *entry {
            return Err(Error::Check(format!("{}: changed while it was read", entry.path)));
        }
    }
    let epoch = begin(&beside.join(DATABASE), manifest.position, digest, end_sessions, clock).await?;
    sync_folders(&beside)?;
    let moved = || {
        fs::rename(&beside, data)?;
        data.parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or(Ok(()), |parent| fs::File::open(parent)?.sync_all())
    };
    moved().map_err(|source| Error::File { path: data.to_owned(), source })?;
    println!("restored {} up to position {}; epoch {epoch} begins", manifest.server_name, manifest.position);
    if !manifest.sealing_key {
        println!(
            "The sealing key of the key service is not in the backup: put it in its place before the start."
        );
    }
    Ok(())
}

/// Where a folder is made before it takes its place.
fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    data.with_file_name(name)
}

/// Writes into the restored database that it was restored; the number of its epoch.
async fn begin(
    database: &Path,
    position: u64,
    digest: String,
    end_sessions: bool,
    clock: Arc<dyn Clock>,
) -> Result<u64, Error> {
    let store = Store::open(&StoreConfig { readers: 1, ..StoreConfig::at(database) })?;
    let now = clock.now();
    let epoch = store
        .write(move |tx| {
            let epoch = restoration::begin(tx, now)?;
            let ended = if end_sessions { restoration::end_sessions(tx)? } else { 0 };
            let entry = AuditEntry::new(now, "system:restore", Action::Restored)
                .with("epoch", epoch.to_string())
                .with("position", position.to_string())
                .with("manifest", digest)
                .with("sessions_ended", ended.to_string());
            wardline_audit::append(tx, &entry)?;
            Ok::<_, StoreError>(epoch)
        })
        .await?;
    store.close().await;
    Ok(epoch)
}
