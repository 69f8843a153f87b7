//! Where the bytes of media are: in the folder beside the database, or in an object store that speaks S3.
//!
//! An upload is always written to the local disk first: its place is the hash of its content, which is known at its end.
//! With an object store it is moved there before its row is written, in parts, so that memory holds one part of it.

use std::fs::File;
use std::io::{self, Read as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{
    Certificate, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig,
};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;
use wardline_store::StoreError;
use wardline_store::blobs::{BlobId, BlobWriter, Blobs, Staged};

use super::blocking;

/// What is read from a file at a time, in bytes.
const CHUNK: usize = 64 << 10;
/// The parts that a large file is sent to the object store in, in bytes.
const PART: usize = 8 << 20;

/// An object store that speaks S3, and how to sign in to it.
#[derive(Clone)]
pub struct S3Config {
    /// Its address, such as `https://s3.eu-west-2.amazonaws.com` or `http://minio:9000`.
    pub endpoint: String,
    /// Its region, such as `eu-west-2`; stores that have none take any word.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the names of all objects begin with; empty for nothing.
    pub prefix: String,
    /// Who signs in.
    pub access_key_id: String,
    /// With what.
    pub secret_access_key: String,
    /// Whether an `http://` endpoint is acceptable.
    pub allow_http: bool,
    /// Whether the bucket is part of the host name instead of the path.
    pub virtual_hosted: bool,
    /// Certificates to trust besides the well-known ones, in PEM.
    pub ca_pem: Option<String>,
}

impl std::fmt::Debug for S3Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// The blobs, wherever they are. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    local: Blobs,
    remote: Option<Remote>,
}

#[derive(Clone, Debug)]
struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

/// The bytes of a blob, not read yet.
#[derive(Debug)]
pub(super) enum Source {
    File(File),
    Remote { store: Arc<dyn ObjectStore>, path: Path },
}

/// A blob as a file on the local disk, for work that needs one.
#[derive(Debug)]
pub(super) enum Fetched {
    Kept(File),
    Copied(Box<Staged>),
}

impl Fetched {
    pub(super) fn file(self) -> Result<File, StoreError> {
        match self {
            Self::Kept(file) => Ok(file),
            // The open file outlives its name, which goes here.
            Self::Copied(staged) => staged.open(),
        }
    }
}

impl Objects {
    pub(super) fn new(local: Blobs, s3: Option<&S3Config>) -> Result<Self, StoreError> {
        let remote = s3.map(Remote::s3).transpose().map_err(|error| io(&error))?;
        Ok(Self { local, remote })
    }

    /// The blobs on the local disk: all of them, unless there is an object store.
    pub(super) fn local(&self) -> Blobs {
        self.local.clone()
    }

    /// Begins a blob. Blocks on the disk.
    pub(super) fn create(&self) -> Result<BlobWriter, StoreError> {
        self.local.create()
    }

    /// Gives a blob its place, durably. Its id, and its size in bytes.
    pub(super) async fn finish(&self, writer: BlobWriter) -> Result<(BlobId, u64), StoreError> {
        match &self.remote {
            None => blocking(move || writer.finish()).await,
            Some(remote) => {
                let staged = writer.stage();
                remote.put(&staged).await?;
                Ok((staged.id(), staged.size()))
            }
        }
    }

    pub(super) async fn open(&self, id: BlobId) -> Result<Source, StoreError> {
        match &self.remote {
            None => {
                let local = self.local.clone();
                Ok(Source::File(blocking(move || local.read(id)).await?))
            }
            Some(remote) => Ok(Source::Remote { store: Arc::clone(&remote.store), path: remote.path_of(id) }),
        }
    }

    /// The blob as a local file.
    pub(super) async fn fetch(&self, id: BlobId) -> Result<Fetched, StoreError> {
        let Some(remote) = &self.remote else {
            let local = self.local.clone();
            return Ok(Fetched::Kept(blocking(move || local.read(id)).await?));
        };
        let local = self.local.clone();
        let mut writer = blocking(move || local.create()).await?;
        let found = remote.store.get(&remote.path_of(id)).await.map_err(|error| io(&error))?;
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| io(&error))?;
            writer = blocking(move || writer.write(&chunk).map(|()| writer)).await?;
        }
        let staged = writer.stage();
        if staged.id() != id {
            return Err(StoreError::Malformed("an object of the object store has other content".into()));
        }
        Ok(Fetched::Copied(Box::new(staged)))
    }

    /// Removes a blob that nothing refers to any more.
    pub(super) async fn remove(&self, id: BlobId) -> Result<(), StoreError> {
        match &self.remote {
            None => {
                let local = self.local.clone();
                blocking(move || local.remove(id)).await
            }
            Some(remote) => match remote.store.delete(&remote.path_of(id)).await {
                Err(error) if !matches!(error, object_store::Error::NotFound { .. }) => Err(io(&error)),
                _ => Ok(()),
            },
        }
    }
}

impl Remote {
    fn s3(config: &S3Config) -> Result<Self, object_store::Error> {
        let mut client = ClientOptions::new()
            .with_allow_http(config.allow_http)
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout(Duration::from_secs(60));
        if let Some(pem) = &config.ca_pem {
            for certificate in Certificate::from_pem_bundle(pem.as_bytes())? {
                client = client.with_root_certificate(certificate);
            }
        }
        let store = AmazonS3Builder::new()
            .with_endpoint(&config.endpoint)
            .with_region(&config.region)
            .with_bucket_name(&config.bucket)
            .with_access_key_id(&config.access_key_id)
            .with_secret_access_key(&config.secret_access_key)
            .with_virtual_hosted_style_request(config.virtual_hosted)
            // One request for each object: not every store knows the other way, and its refusals look like success.
            .with_disable_bulk_delete(true)
            .with_client_options(client)
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: Duration::from_secs(30),
                ..RetryConfig::default()
            })
            .build()?;
        Ok(Self { store: Arc::new(store), prefix: config.prefix.trim_matches('/').to_owned() })
    }

    fn path_of(&self, id: BlobId) -> Path {
        let hex = id.hex();
        Path::from_iter(self.prefix.split('/').filter(|part| !part.is_empty()).chain([
            &hex[..2],
            &hex[2..4],
            &hex,
        ]))
    }

    async fn put(&self, staged: &Staged) -> Result<(), StoreError> {
        let path = self.path_of(staged.id());
        let mut file = staged.open()?;
        let mut part;
        (file, part) = next_part(file).await?;
        if staged.size() <= PART as u64 {
            self.store.put(&path, part.into()).await.map_err(|error| io(&error))?;
            return Ok(());
        }
        let mut upload = self.store.put_multipart(&path).await.map_err(|error| io(&error))?;
        while !part.is_empty() {
            if let Err(error) = upload.put_part(part.into()).await {
                // Parts that nobody completes cost their owner until the store forgets them.
                drop(upload.abort().await);
                return Err(io(&error));
            }
            (file, part) = next_part(file).await?;
        }
        upload.complete().await.map_err(|error| io(&error))?;
        Ok(())
    }
}

/// The next bytes of a file, up to a part's worth; none at its end.
async fn next_part(file: File) -> Result<(File, Bytes), StoreError> {
    blocking(move || {
        let mut part = Vec::new();
        let mut limited = file.take(PART as u64);
        limited.read_to_end(&mut part)?;
        Ok::<_, StoreError>((limited.into_inner(), Bytes::from(part)))
    })
    .await
}

impl Source {
    pub(super) async fn stream(
        self,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, StoreError> {
        if range.is_empty() {
            return Ok(stream::empty().boxed());
        }
        match self {
            Self::File(file) => {
                let mut file = tokio::fs::File::from_std(file);
                if range.start > 0 {
                    file.seek(SeekFrom::Start(range.start)).await?;
                }
                Ok(ReaderStream::with_capacity(file.take(range.end - range.start), CHUNK).boxed())
            }
            Self::Remote { store, path } => {
                let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
                let found = store.get_opts(&path, options).await.map_err(|error| io(&error))?;
                Ok(found.into_stream().map_err(io::Error::other).boxed())
            }
        }
    }
}

/// The object store's own words, which name the object and never a secret: requests are signed in a header.
fn io(error: &object_store::Error) -> StoreError {
    StoreError::Io(error.to_string().into())
}
