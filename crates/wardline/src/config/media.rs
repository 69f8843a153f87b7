//! `[media]`: where uploaded files are kept, and how much of them.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use wardline_engine::media::{MediaConfig, S3Config};

use super::{ConfigError, secret_file, under};

/// `[media]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaSection {
    /// `local` (default): the folder `media` in `data`. `s3`: the object store of `[media.s3]`.
    pub store: MediaStore,
    /// The most bytes of one user's files together. Default: no limit.
    pub user_quota_bytes: Option<u64>,
    /// The most bytes of everybody's files together. Default: no limit.
    pub total_quota_bytes: Option<u64>,
    /// The page that tells a user what to do when their share is used up. Default: `public_url`.
    pub quota_url: Option<String>,
    /// The object store.
    pub s3: Option<S3Section>,
}

/// Where uploaded files are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaStore {
    /// The folder `media` in `data`.
    #[default]
    Local,
    /// An object store.
    S3,
}

/// `[media.s3]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Section {
    /// Its address, such as `https://s3.eu-west-2.amazonaws.com`.
    pub endpoint: String,
    /// The bucket, which must be there.
    pub bucket: String,
    /// The region. Default: `us-east-1`, which stores without regions take.
    #[serde(default = "default_region")]
    pub region: String,
    /// What the names of all objects begin with.
    #[serde(default)]
    pub prefix: String,
    /// A file with the access key's id. Default: the environment variable `AWS_ACCESS_KEY_ID`.
    pub access_key_id_file: Option<PathBuf>,
    /// A file with the secret access key. Default: the environment variable `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key_file: Option<PathBuf>,
    /// Whether the endpoint may be `http://`.
    #[serde(default)]
    pub allow_http: bool,
    /// Whether the bucket is part of the host name instead of the path.
    #[serde(default)]
    pub virtual_hosted: bool,
    /// A file with certificates to trust besides the well-known ones (PEM).
    pub ca_file: Option<PathBuf>,
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

impl MediaSection {
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(s3) = &mut self.s3 {
            under(folder, &mut s3.access_key_id_file);
            under(folder, &mut s3.secret_access_key_file);
            under(folder, &mut s3.ca_file);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(url) = &self.quota_url
            && !(url.starts_with("https://") || url.starts_with("http://"))
        {
            return Err(ConfigError::value("media.quota_url", "must start with https:// or http://"));
        }
        self.engine().map(drop)
    }

    /// What the engine is told.
    ///
    /// # Errors
    /// [`ConfigError`] for an object store that is not described, or whose secrets cannot be read.
    pub fn engine(&self) -> Result<MediaConfig, ConfigError> {
        let s3 = match (self.store, &self.s3) {
            (MediaStore::Local, _) => None,
            (MediaStore::S3, None) => {
                return Err(ConfigError::value("media.s3", "is required with store = \"s3\""));
            }
            (MediaStore::S3, Some(s3)) => Some(s3.engine()?),
        };
        Ok(MediaConfig { user_quota: self.user_quota_bytes, total_quota: self.total_quota_bytes, s3 })
    }
}

impl S3Section {
    fn engine(&self) -> Result<S3Config, ConfigError> {
        let https = self.endpoint.starts_with("https://");
        if !(https || self.allow_http && self.endpoint.starts_with("http://")) {
            let reason = "must start with https://, or with http:// and allow_http = true";
            return Err(ConfigError::value("media.s3.endpoint", reason));
        }
        if self.bucket.is_empty() {
            return Err(ConfigError::value("media.s3.bucket", "must not be empty"));
        }
        let ca_pem = self.ca_file.as_ref().map(|path| {
            fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })
        });
        Ok(S3Config {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            access_key_id: secret(
                "media.s3.access_key_id_file",
                self.access_key_id_file.as_deref(),
                "AWS_ACCESS_KEY_ID",
            )?,
            secret_access_key: secret(
                "media.s3.secret_access_key_file",
                self.secret_access_key_file.as_deref(),
                "AWS_SECRET_ACCESS_KEY",
            )?,
            allow_http: self.allow_http,
            virtual_hosted: self.virtual_hosted,
            ca_pem: ca_pem.transpose()?,
        })
    }
}

/// A secret out of its file, or else out of the environment.
fn secret(key: &'static str, file: Option<&Path>, variable: &str) -> Result<String, ConfigError> {
    match file {
        Some(path) => secret_file(key, path),
        None => env::var(variable)
            .map_err(|_| ConfigError::value(key, format!("is required unless {variable} is set"))),
    }
}
