//! `wardline backup`: a copy of everything, taken while the server runs.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::Path,
};

use wardline_domain::{Clock, ruma::OwnedServerName, signing::Signer};
use wardline_store::{StoreError, blobs, copy, media, stream};

use super::manifest::{self, Entry, FORMAT, Manifest};
use crate::{
    Config, Error,
    config::MediaStore,
    house::{DATABASE, make_folder},
};

/// The key service's database and sealing key.
const VAULT: &str = "gateway/keys.db";
const SEALING_KEY: &str = "gateway/seal.key";
/// The keys that a server cannot do without.
const KEYS: [&str; 2] = ["keys/signing.key", "keys/column.key"];

/// Copies the data folder of `config` into the folder `to`, which must be empty or missing.
///
/// The database is copied as of one instant. What it names is written before it and never changed, so the media, copied
/// after it, are whole; the keys never change, and the key service's own database, copied last, may be younger.
pub(crate) fn take(
    config: &Config,
    to: &Path,
    with_sealing_key: bool,
    clock: &dyn Clock,
) -> Result<(), Error> {
    let data = &config.data;
    if !data.join(DATABASE).is_file() {
        return Err(Error::Check(format!("{}: no such database", data.join(DATABASE).display())));
    }
    empty_folder(to)?;
    // Nothing is cleaned up in the media while this is held.
    let hold = blobs::hold(&data.join("media"))?;
    let signer = signer(data, &config.server_name)?;
    let taken_at = clock.now().as_millis();
    copy::database(&data.join(DATABASE), &to.join(DATABASE))?;
    let (position, wanted) =
        copy::read(&to.join(DATABASE), |tx| Ok::<_, StoreError>((stream::head(tx)?, media::all_blobs(tx)?)))?;
    let mut files = vec![manifest::measure(&to.join(DATABASE), DATABASE)?];
    // What is in an object store is its own to keep.
    let media_elsewhere = config.media.store == MediaStore::S3;
    for blob in wanted.into_iter().filter(|_| !media_elsewhere) {
        let name = format!("media/{}", blobs::path(blob).display());
        let entry = manifest::copy(&data.join(&name), &to.join(&name), &name)?;
        if entry.blake3 != blob.hex() {
            return Err(Error::Check(format!(
                "{name}: its content is not what its name says; the file is damaged"
            )));
        }
        files.push(entry);
    }
    drop(hold);
    for name in KEYS {
        files.push(manifest::copy(&data.join(name), &to.join(name), name)?);
    }
    files.extend(vault(data, to)?);
    let sealing_key = with_sealing_key && data.join(SEALING_KEY).is_file();
    if sealing_key {
        files.push(manifest::copy(&data.join(SEALING_KEY), &to.join(SEALING_KEY), SEALING_KEY)?);
    }
    sync_folders(to)?;
    files.sort();
    let (count, bytes) = (files.len(), files.iter().map(|file| file.size).sum::<u64>());
    let manifest = Manifest {
        format: FORMAT,
        server_name: config.server_name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        position,
        sealing_key,
        media_elsewhere,
        files,
    };
    let digest = manifest.write(to, &signer)?;
    println!("backup: {count} files, {bytes} bytes, up to position {position}");
    println!("manifest: {digest}");
    if media_elsewhere {
        println!("The media are in the object store: have it keep what is deleted.");
    }
    if !sealing_key {
        println!("The sealing key of the key service is not in it: keep a copy of it in another place.");
    }
    Ok(())
}

fn vault(data: &Path, to: &Path) -> Result<Option<Entry>, Error> {
    if !data.join(VAULT).is_file() {
        return Ok(None);
    }
    make_folder(&to.join("gateway"))?;
    copy::database(&data.join(VAULT), &to.join(VAULT))?;
    manifest::measure(&to.join(VAULT), VAULT).map(Some)
}

fn signer(data: &Path, name: &OwnedServerName) -> Result<Signer, Error> {
    let path = data.join(KEYS[0]);
    let text = fs::read_to_string(&path).map_err(|source| Error::File { path: path.clone(), source })?;
    Signer::from_text(name.clone(), &text).map_err(|e| Error::Check(format!("{}: {e}", path.display())))
}

/// Makes `path`, or refuses a folder with something in it.
pub(super) fn empty_folder(path: &Path) -> Result<(), Error> {
    match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::Check(format!("{}: is not empty", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => make_folder(path),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}

/// Makes the names of all files under `path` durable.
pub(super) fn sync_folders(path: &Path) -> Result<(), Error> {
    let sync = || {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                sync_folders(&entry.path()).map_err(std::io::Error::other)?;
            }
        }
        File::open(path)?.sync_all()
    };
    sync().map_err(|source| Error::File { path: path.to_owned(), source })
}
