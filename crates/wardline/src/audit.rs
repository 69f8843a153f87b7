//! `wardline audit verify`.

use std::path::Path;

use wardline_audit::VerifyError;
use wardline_store::{Store, StoreConfig, StoreError, stream};

use crate::{Error, house::DATABASE};

/// Proves the audit chain and the stream of positions of the database in `data`, also while a server runs.
///
/// # Errors
/// [`Error::Check`] naming the first bad entry or missing position.
pub(crate) async fn verify(data: &Path) -> Result<(), Error> {
    let path = data.join(DATABASE);
    if !path.is_file() {
        return Err(Error::Check(format!("{}: no such database", path.display())));
    }
    let store = Store::open(&StoreConfig { readers: 1, ..StoreConfig::at(path) })?;
    let checked =
        store.read(|tx| Ok::<_, VerifyError>((wardline_audit::verify(tx)?, stream::head(tx)?))).await;
    let (verified, head) = checked.map_err(|error| Error::Check(error.to_string()))?;
    if let Some(missing) = store.read::<_, StoreError, _>(|tx| stream::first_gap(tx)).await? {
        return Err(Error::Check(format!("stream: position {missing} is missing")));
    }
    println!("audit: {} entries, unbroken, last hash {}", verified.entries, hex::encode(verified.last_hash));
    println!("stream: {head} positions, no gaps");
    Ok(())
}
