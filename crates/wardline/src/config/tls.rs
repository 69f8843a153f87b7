//! `[tls]`: HTTPS on the same ports as HTTP.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ConfigError;
use crate::tls::{self, Certificate};

/// `[tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The certificate and those between it and its authority (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

impl TlsSection {
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
        self.key = folder.join(&self.key);
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.load().map(drop)
    }

    /// The certificate and key as they are on the disk now.
    ///
    /// # Errors
    /// [`ConfigError`] when a file cannot be read or the two do not fit.
    pub fn load(&self) -> Result<Certificate, ConfigError> {
        tls::Certificate::load(&self.certificate, &self.key)
    }
}
