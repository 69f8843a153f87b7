//! Uploaded files and their thumbnails: the rows. The bytes are in the [blob store](crate::blobs).

use wardline_domain::Timestamp;

use crate::blobs::BlobId;
use crate::{Reader, Row, StoreError, UserNid, WriteTx, params};

/// An uploaded or announced file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Who uploads it.
    pub owner: UserNid,
    /// Its type, as the uploader gave it.
    pub content_type: String,
    /// Its file name, if the uploader gave one.
    pub name: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Its content. `None`: announced, not yet uploaded.
    pub blob: Option<BlobId>,
    /// Until when an announced file may be uploaded.
    pub expires_at: Option<Timestamp>,
}

/// A thumbnail that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Its type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Its content.
    pub blob: BlobId,
}

/// The box that a thumbnail fits into or fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThumbnailBox {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Whether it fills the box (cut) instead of fitting into it.
    pub crop: bool,
}

/// Adds a file under a new id.
///
/// # Errors
/// [`StoreError::Constraint`] if the id is taken, or any failure of the database.
pub fn insert(tx: &mut WriteTx<'_>, id: &str, media: &Media, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO media (media_id, owner_nid, content_type, name, size, hash, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id,
            media.owner,
            media.content_type,
            media.name,
            media.size,
            media.blob,
            at,
            media.expires_at
        ],
    )?;
    Ok(())
}

/// Gives an announced file its content. `false` if it has some already; nothing is changed then.
///
/// # Errors
/// Any failure of the database.
pub fn fill(
    tx: &mut WriteTx<'_>,
    id: &str,
    content_type: &str,
    name: Option<&str>,
    size: u64,
    blob: BlobId,
) -> Result<bool, StoreError> {
    let filled = tx.execute(
        "UPDATE media SET content_type = ?2, name = ?3, size = ?4, hash = ?5, expires_at = NULL \
         WHERE media_id = ?1 AND hash IS NULL",
        params![id, content_type, name, size, blob],
    )?;
    Ok(filled == 1)
}

/// A file by its id.
///
/// # Errors
/// Any failure of the database.
pub fn find(tx: &impl Reader, id: &str) -> Result<Option<Media>, StoreError> {
    tx.query_row(
        "SELECT owner_nid, content_type, name, size, hash, expires_at FROM media WHERE media_id = ?1",
        params![id],
        |row: &Row<'_>| {
            Ok(Media {
                owner: row.get(0)?,
                content_type: row.get(1)?,
                name: row.get(2)?,
                size: row.get(3)?,
                blob: row.get(4)?,
                expires_at: row.get(5)?,
            })
        },
    )
}

/// How many files a user has announced and may still upload.
///
/// # Errors
/// Any failure of the database.
pub fn announced(tx: &impl Reader, owner: UserNid, now: Timestamp) -> Result<u64, StoreError> {
    let count = tx.query_row(
        "SELECT count(*) FROM media WHERE owner_nid = ?1 AND hash IS NULL AND expires_at > ?2",
        params![owner, now],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// How many bytes a user has uploaded, over all of their files.
///
/// # Errors
/// Any failure of the database.
pub fn used_by(tx: &impl Reader, owner: UserNid) -> Result<u64, StoreError> {
    let sum = tx.query_row(
        "SELECT coalesce(sum(size), 0) FROM media WHERE owner_nid = ?1",
        params![owner],
        |row| row.get(0),
    )?;
    Ok(sum.unwrap_or(0))
}

/// How many bytes all users have uploaded. Grows with the number of files: not for the writer.
///
/// # Errors
/// Any failure of the database.
pub fn used(tx: &impl Reader) -> Result<u64, StoreError> {
    let sum = tx.query_row("SELECT coalesce(sum(size), 0) FROM media", params![], |row| row.get(0))?;
    Ok(sum.unwrap_or(0))
}

/// A thumbnail that was made before.
///
/// # Errors
/// Any failure of the database.
pub fn thumbnail(
    tx: &impl Reader,
    original: BlobId,
    size: ThumbnailBox,
) -> Result<Option<Thumbnail>, StoreError> {
    tx.query_row(
        "SELECT content_type, size, blob FROM thumbnails \
         WHERE hash = ?1 AND width = ?2 AND height = ?3 AND crop = ?4",
        params![original, size.width, size.height, size.crop],
        |row| Ok(Thumbnail { content_type: row.get(0)?, size: row.get(1)?, blob: row.get(2)? }),
    )
}

/// Whether a row names a blob.
///
/// # Errors
/// Any failure of the database.
pub fn is_named(tx: &impl Reader, blob: BlobId) -> Result<bool, StoreError> {
    let named: Option<i64> = tx.query_row(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM media WHERE hash = ?1) \
         OR EXISTS (SELECT 1 FROM thumbnails WHERE blob = ?1)",
        params![blob],
        |row| row.get(0),
    )?;
    Ok(named.is_some())
}

/// Whether a file has this content.
///
/// # Errors
/// Any failure of the database.
pub fn has_content(tx: &impl Reader, blob: BlobId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM media WHERE hash = ?1 LIMIT 1";
    Ok(tx.query_row(sql, params![blob], |row| row.get::<i64>(0))?.is_some())
}

/// Forgets the thumbnails of an original; their contents.
///
/// # Errors
/// Any failure of the database.
pub fn forget_thumbnails_of(tx: &mut WriteTx<'_>, original: BlobId) -> Result<Vec<BlobId>, StoreError> {
    let blobs =
        tx.query("SELECT DISTINCT blob FROM thumbnails WHERE hash = ?1", params![original], |row| {
            row.get(0)
        })?;
    tx.execute("DELETE FROM thumbnails WHERE hash = ?1", params![original])?;
    Ok(blobs)
}

/// Removes at most `limit` announcements whose time to upload is over; how many there were.
///
/// # Errors
/// Any failure of the database.
pub fn forget_announced(tx: &mut WriteTx<'_>, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM media WHERE media_id IN (SELECT media_id FROM media \
         WHERE hash IS NULL AND expires_at <= ?1 LIMIT ?2)",
        params![now, limit],
    )
}

/// Removes at most `limit` thumbnails of originals that no row names any more; how many there were.
///
/// # Errors
/// Any failure of the database.
pub fn forget_thumbnails(tx: &mut WriteTx<'_>, limit: usize) -> Result<usize, StoreError> {
    let gone: Vec<(BlobId, i64, i64, i64)> = tx.query(
        "SELECT hash, width, height, crop FROM thumbnails t \
         WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.hash = t.hash) LIMIT ?1",
        params![limit],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    for (hash, width, height, crop) in &gone {
        tx.execute(
            "DELETE FROM thumbnails WHERE hash = ?1 AND width = ?2 AND height = ?3 AND crop = ?4",
            params![hash, width, height, crop],
        )?;
    }
    Ok(gone.len())
}

/// Every blob that a row names, each once, in order.
///
/// # Errors
/// Any failure of the database.
pub fn all_blobs(tx: &impl Reader) -> Result<Vec<BlobId>, StoreError> {
    tx.query(
        "SELECT hash FROM media WHERE hash IS NOT NULL UNION SELECT blob FROM thumbnails ORDER BY 1",
        params![],
        |row| row.get(0),
    )
}

/// Remembers a thumbnail.
///
/// # Errors
/// Any failure of the database.
pub fn add_thumbnail(
    tx: &mut WriteTx<'_>,
    original: BlobId,
    size: ThumbnailBox,
    thumbnail: &Thumbnail,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO thumbnails (hash, width, height, crop, content_type, size, blob) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (hash, width, height, crop) DO NOTHING",
        params![
            original,
            size.width,
            size.height,
            size.crop,
            thumbnail.content_type,
            thumbnail.size,
            thumbnail.blob
        ],
    )?;
    Ok(())
}
