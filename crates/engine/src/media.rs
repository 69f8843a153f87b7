//! The content repository (Client-Server API, "Content repository"): upload, download, announced uploads.
//!
//! The bytes of an upload go to disk while they arrive; memory holds one buffer of each. An upload is answered when
//! the blob, its folder and its row are durable. What an abandoned or refused upload wrote is removed. Where the blobs
//! are kept is `objects`'s affair: beside the database, or in an object store.

mod delete;
mod objects;
mod quota;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::{Notify, RwLock, Semaphore};
use wardline_domain::Timestamp;
use wardline_domain::ruma::ServerName;
use wardline_store::blobs::{BlobId, BlobWriter, Blobs};
use wardline_store::{StoreError, UserNid, media};

pub use objects::S3Config;
use objects::{Objects, Source};
use quota::Quota;

pub(crate) use delete::delete_row;

use crate::Context;

/// Bytes that are collected before they are written.
const BUFFER: usize = 256 << 10;
/// Thumbnails that are made at the same time.
const WORKSHOPS: usize = 2;
/// How long an announced file may be uploaded, in milliseconds: a day.
const ANNOUNCED_MS: i64 = 24 * 3_600_000;
/// Announced files that a user may leave open.
const MAX_ANNOUNCED: u64 = 100;
/// The longest file name that is kept, in bytes.
const MAX_NAME: usize = 1024;

/// Why an operation on media was refused.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// There is no such file here.
    #[error("there is no such media")]
    NotFound,
    /// The file was announced but not uploaded yet.
    #[error("the media has not been uploaded yet")]
    NotYetUploaded,
    /// The upload is larger than allowed.
    #[error("the upload is larger than {limit} bytes")]
    TooLarge {
        /// The most, in bytes.
        limit: u64,
    },
    /// No thumbnail can be made of this file: it is not a picture of a known format (or it is encrypted).
    #[error("no thumbnail can be made of this media")]
    NotAPicture,
    /// The picture has too many pixels to make a thumbnail of it.
    #[error("the picture is too large to make a thumbnail of it")]
    PictureTooLarge,
    /// A value is not acceptable; the text names the field.
    #[error("{0}")]
    Invalid(String),
    /// The announced file belongs to somebody else.
    #[error("the media was announced by another user")]
    NotOwner,
    /// The announced file has content already.
    #[error("the media has been uploaded already")]
    AlreadyUploaded,
    /// The user's files would be more than they may have together.
    #[error("your files would be more than {limit} bytes together")]
    QuotaReached {
        /// The most, in bytes.
        limit: u64,
    },
    /// Everybody's files would be more than this server may keep.
    #[error("this server has no room for more files")]
    NoRoom,
    /// The user has too many announced files open.
    #[error("too many announced uploads")]
    TooManyAnnounced,
    /// The store failed, or the disk is full.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the configuration says about media.
#[derive(Clone, Debug, Default)]
pub struct MediaConfig {
    /// The most bytes of one user's files together; `None`: no limit.
    pub user_quota: Option<u64>,
    /// The most bytes of everybody's files together; `None`: no limit.
    pub total_quota: Option<u64>,
    /// The object store for the files; `None`: the folder `media` beside the database.
    pub s3: Option<S3Config>,
}

/// A file to send to a client.
#[derive(Debug)]
pub struct Content {
    source: Source,
    /// How many bytes it has.
    pub size: u64,
    /// Its type as the uploader gave it: not to be trusted.
    pub content_type: String,
    /// Its name as the uploader gave it: not to be trusted.
    pub name: Option<String>,
}

impl Content {
    /// The bytes of a range within the size, as they come.
    ///
    /// # Errors
    /// A failure of the disk or the object store, also within the stream.
    pub async fn stream(
        self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, std::io::Result<Bytes>>, StoreError> {
        self.source.stream(range).await
    }
}

/// The content repository.
#[derive(Clone, Debug)]
pub struct Media {
    context: Arc<Context>,
    objects: Objects,
    quota: Arc<Quota>,
    workshops: Arc<Semaphore>,
    uploaded: Arc<Notify>,
    /// Held by all who place bytes until a row names them, and by whoever removes some that no row names.
    placing: Arc<RwLock<()>>,
}

impl Media {
    /// The repository whose blobs are in the folder `media` beside the database, or in the configured object store.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the object store cannot be spoken to as configured. It is not asked yet.
    pub fn new(context: Arc<Context>) -> Result<Self, StoreError> {
        let folder: PathBuf = context.store.path().with_file_name("media");
        let config = &context.config.media;
        Ok(Self {
            objects: Objects::new(Blobs::new(folder), config.s3.as_ref())?,
            quota: Arc::new(Quota::new(config)),
            context,
            workshops: Arc::new(Semaphore::new(WORKSHOPS)),
            uploaded: Arc::new(Notify::new()),
            placing: Arc::default(),
        })
    }

    /// The bytes on the local disk.
    pub(crate) fn blobs(&self) -> Blobs {
        self.objects.local()
    }

    /// Begins an upload of at most `limit` bytes under a new id.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for an unacceptable file name; [`MediaError::QuotaReached`], [`MediaError::NoRoom`]; a
    /// failure of the disk.
    pub async fn upload(
        &self,
        owner: UserNid,
        content_type: Option<&str>,
        name: Option<String>,
        limit: u64,
    ) -> Result<Upload, MediaError> {
        self.begin(owner, None, content_type, name, limit).await
    }

    /// Begins the upload of a file that was announced before.
    ///
    /// # Errors
    /// [`MediaError::NotFound`] if it was not, or long ago; [`MediaError::NotOwner`];
    /// [`MediaError::AlreadyUploaded`]; as [`upload`](Self::upload).
    pub async fn upload_announced(
        &self,
        owner: UserNid,
        place: (&str, &str),
        content_type: Option<&str>,
        name: Option<String>,
        limit: u64,
    ) -> Result<Upload, MediaError> {
        let row = self.row(place)?;
        if row.owner != owner {
            return Err(MediaError::NotOwner);
        }
        if row.blob.is_some() {
            return Err(MediaError::AlreadyUploaded);
        }
        self.begin(owner, Some(place.1.to_owned()), content_type, name, limit).await
    }

    async fn begin(
        &self,
        owner: UserNid,
        announced: Option<String>,
        content_type: Option<&str>,
        name: Option<String>,
        limit: u64,
    ) -> Result<Upload, MediaError> {
        if name.as_ref().is_some_and(|name| name.len() > MAX_NAME || name.chars().any(char::is_control)) {
            return Err(MediaError::Invalid("filename: too long, or it has control characters".into()));
        }
        let content_type =
            content_type.filter(|t| t.len() <= 255 && t.bytes().all(|b| (0x20..0x7f).contains(&b)));
        // Whoever has nothing left is told before sending anything; what the file itself takes is known at its end.
        self.quota.check(&self.context, owner, 1).await?;
        let objects = self.objects.clone();
        let writer = blocking(move || objects.create()).await?;
        Ok(Upload {
            media: self.clone(),
            owner,
            announced,
            content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
            name,
            limit,
            received: 0,
            buffer: Vec::new(),
            writer: Some(writer),
        })
    }

    /// Announces a file that will be uploaded later: its id, and until when.
    ///
    /// # Errors
    /// [`MediaError::TooManyAnnounced`].
    pub async fn announce(&self, owner: UserNid) -> Result<(String, Timestamp), MediaError> {
        let id = self.context.random.token(18);
        let now = self.context.now();
        let expires = now.plus_millis(ANNOUNCED_MS);
        let row = media::Media {
            owner,
            content_type: "application/octet-stream".to_owned(),
            name: None,
            size: 0,
            blob: None,
            expires_at: Some(expires),
        };
        self.context
            .store
            .write_with(move |tx| {
                if media::announced(tx, owner, now)? >= MAX_ANNOUNCED {
                    return Err(MediaError::TooManyAnnounced);
                }
                media::insert(tx, &id, &row, now)?;
                Ok((id, expires))
            })
            .await
    }

    /// The file at a place (server name, media id). For one that was announced but not uploaded, waits up to
    /// `patience`.
    ///
    /// # Errors
    /// [`MediaError::NotFound`] also for other servers' media; [`MediaError::NotYetUploaded`].
    pub async fn download(&self, place: (&str, &str), patience: Duration) -> Result<Content, MediaError> {
        let (row, blob) = self.uploaded_row(place, patience).await?;
        let source = self.objects.open(blob).await?;
        Ok(Content { source, size: row.size, content_type: row.content_type, name: row.name })
    }

    /// A thumbnail of the picture at a place that fits into (or with `crop` fills) at least the wanted box. The box
    /// is rounded up to a few known sizes; a smaller picture is not made larger.
    ///
    /// # Errors
    /// As [`download`](Self::download); [`MediaError::NotAPicture`], [`MediaError::PictureTooLarge`];
    /// [`MediaError::Invalid`] for an empty box.
    pub async fn thumbnail(
        &self,
        place: (&str, &str),
        wanted: media::ThumbnailBox,
        patience: Duration,
    ) -> Result<Content, MediaError> {
        if wanted.width == 0 || wanted.height == 0 {
            return Err(MediaError::Invalid("width and height: must be greater than 0".into()));
        }
        let size = crate::thumbnails::known_size(wanted);
        let (_, original) = self.uploaded_row(place, patience).await?;
        let made = match self.context.store.read_now(|tx| media::thumbnail(tx, original, size))? {
            Some(made) => made,
            None => self.make_thumbnail(original, size).await?,
        };
        let source = self.objects.open(made.blob).await?;
        Ok(Content { source, size: made.size, content_type: made.content_type, name: None })
    }

    async fn make_thumbnail(
        &self,
        original: BlobId,
        size: media::ThumbnailBox,
    ) -> Result<media::Thumbnail, MediaError> {
        let permit = Arc::clone(&self.workshops).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        // Somebody who waited for the same thumbnail finds it made.
        if let Some(made) = self.context.store.read_now(|tx| media::thumbnail(tx, original, size))? {
            return Ok(made);
        }
        let picture = self.objects.fetch(original).await?;
        let objects = self.objects.clone();
        let (writer, content_type) = blocking(move || {
            let _permit = permit;
            let (bytes, content_type) = crate::thumbnails::make(picture.file()?, size)?;
            let mut writer = objects.create()?;
            writer.write(&bytes)?;
            Ok::<_, MediaError>((writer, content_type))
        })
        .await?;
        let _placing = self.placing.read().await;
        let (blob, bytes) = self.objects.finish(writer).await?;
        let made = media::Thumbnail { content_type: content_type.to_owned(), size: bytes, blob };
        let row = made.clone();
        self.context.store.write(move |tx| media::add_thumbnail(tx, original, size, &row)).await?;
        Ok(made)
    }

    async fn uploaded_row(
        &self,
        place: (&str, &str),
        patience: Duration,
    ) -> Result<(media::Media, BlobId), MediaError> {
        let look = async {
            loop {
                let uploaded = self.uploaded.notified();
                let row = self.row(place)?;
                if let Some(blob) = row.blob {
                    return Ok((row, blob));
                }
                uploaded.await;
            }
        };
        tokio::select! {
            found = tokio::time::timeout(patience, look) => found.unwrap_or(Err(MediaError::NotYetUploaded)),
            () = self.context.stop.cancelled() => Err(MediaError::NotYetUploaded),
        }
    }

    /// The row at a place; an announced file that was never uploaded in time is gone.
    fn row(&self, (server, id): (&str, &str)) -> Result<media::Media, MediaError> {
        check_id(id)?;
        ServerName::parse(server).map_err(|_| MediaError::Invalid("serverName: not a server name".into()))?;
        if server != self.context.server_name.as_str() {
            return Err(MediaError::NotFound);
        }
        let row = self.context.store.read_now(|tx| media::find(tx, id))?.ok_or(MediaError::NotFound)?;
        if row.blob.is_none() && row.expires_at.is_none_or(|at| at <= self.context.now()) {
            return Err(MediaError::NotFound);
        }
        if self.context.store.read_now(|tx| wardline_store::administration::is_quarantined(tx, id))? {
            return Err(MediaError::NotFound);
        }
        Ok(row)
    }
}

/// Media ids are opaque; ours are base64url. Anything else (path tricks) is refused before it is looked up.
fn check_id(id: &str) -> Result<(), MediaError> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if id.is_empty() || id.len() > 255 || !id.bytes().all(fine) {
        return Err(MediaError::Invalid("mediaId: must be of A-Z a-z 0-9 - _".into()));
    }
    Ok(())
}

/// An upload that is arriving. Dropped before [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    media: Media,
    owner: UserNid,
    announced: Option<String>,
    content_type: String,
    name: Option<String>,
    limit: u64,
    received: u64,
    buffer: Vec<u8>,
    writer: Option<BlobWriter>,
}

impl Upload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`] as soon as the limit is passed; a failure of the disk. The upload is over then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.received += bytes.len() as u64;
        if self.received > self.limit {
            return Err(MediaError::TooLarge { limit: self.limit });
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), MediaError> {
        let mut writer = self.writer.take().ok_or(StoreError::Closed)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let (writer, buffer) = blocking(move || {
            writer.write(&buffer)?;
            buffer.clear();
            Ok::<_, MediaError>((writer, buffer))
        })
        .await?;
        self.writer = Some(writer);
        self.buffer = buffer;
        Ok(())
    }

    /// Makes the upload durable. Its media id.
    ///
    /// # Errors
    /// [`MediaError::AlreadyUploaded`] if an announced file was uploaded twice; [`MediaError::QuotaReached`],
    /// [`MediaError::NoRoom`]; a failure of the disk or the store.
    pub async fn finish(mut self) -> Result<String, MediaError> {
        self.flush().await?;
        let writer = self.writer.take().ok_or(StoreError::Closed)?;
        self.media.quota.check(&self.media.context, self.owner, self.received).await?;
        let placing = Arc::clone(&self.media.placing);
        let _placing = placing.read().await;
        let (blob, size) = self.media.objects.finish(writer).await?;
        let context = Arc::clone(&self.media.context);
        let now = context.now();
        let Some(id) = self.announced else {
            let id = context.random.token(18);
            let row = media::Media {
                owner: self.owner,
                content_type: self.content_type,
                name: self.name,
                size,
                blob: Some(blob),
                expires_at: None,
            };
            let (owner, quota) = (self.owner, Arc::clone(&self.media.quota));
            let id = context
                .store
                .write_with(move |tx| {
                    quota.check_user(tx, owner, size)?;
                    media::insert(tx, &id, &row, now)?;
                    Ok::<_, MediaError>(id)
                })
                .await?;
            self.media.quota.add(size);
            return Ok(id);
        };
        let (content_type, name) = (self.content_type, self.name);
        let (owner, quota) = (self.owner, Arc::clone(&self.media.quota));
        let id = context
            .store
            .write_with(move |tx| {
                quota.check_user(tx, owner, size)?;
                match media::fill(tx, &id, &content_type, name.as_deref(), size, blob)? {
                    true => Ok(id),
                    false => Err(MediaError::AlreadyUploaded),
                }
            })
            .await?;
        self.media.quota.add(size);
        self.media.uploaded.notify_waiters();
        Ok(id)
    }
}

/// Runs work that blocks on the disk or the processor.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Panicked)?
}
