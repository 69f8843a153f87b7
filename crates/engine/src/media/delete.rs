//! Deleting files: the row, and the bytes with the last row that names them.

use wardline_store::blobs::BlobId;
use wardline_store::{StoreError, WriteTx, administration, media};

use super::Media;

impl Media {
    /// Deletes a file together with what `also` writes in the same transaction; whether there was one. Its bytes and
    /// those of its thumbnails are gone when this returns, unless another file has the same content. While a backup
    /// is taken they stay until the next tidying up.
    ///
    /// # Errors
    /// A failure of the disk, the object store or the database. What is left of the bytes then is tidied up later.
    pub async fn delete(
        &self,
        id: String,
        also: impl FnOnce(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<bool, StoreError> {
        let unnamed = self
            .context
            .store
            .write(move |tx| {
                let unnamed = delete_row(tx, &id)?;
                if unnamed.is_some() {
                    also(tx)?;
                }
                Ok::<_, StoreError>(unnamed)
            })
            .await?;
        let Some(unnamed) = unnamed else { return Ok(false) };
        self.remove_unnamed(unnamed).await?;
        Ok(true)
    }

    /// Removes the bytes of those of `blobs` that no row names.
    ///
    /// # Errors
    /// A failure of the disk, the object store or the database.
    pub async fn remove_unnamed(&self, blobs: Vec<BlobId>) -> Result<(), StoreError> {
        for blob in blobs {
            // Nobody is between placing bytes and naming them now.
            let _quiet = self.placing.write().await;
            if !self.context.store.read_now(|tx| media::is_named(tx, blob))? {
                self.objects.remove(blob).await?;
            }
        }
        Ok(())
    }
}

/// Deletes the row of a file and, if no other file has the same content, those of its thumbnails. Which blobs may have no
/// name any more; `None` if there is no such file.
///
/// # Errors
/// Any failure of the database.
pub(crate) fn delete_row(tx: &mut WriteTx<'_>, id: &str) -> Result<Option<Vec<BlobId>>, StoreError> {
    let Some(file) = media::find(tx, id)? else { return Ok(None) };
    administration::delete_media(tx, id)?;
    let Some(blob) = file.blob else { return Ok(Some(Vec::new())) };
    if media::has_content(tx, blob)? {
        return Ok(Some(Vec::new()));
    }
    let mut unnamed = media::forget_thumbnails_of(tx, blob)?;
    unnamed.push(blob);
    Ok(Some(unnamed))
}
