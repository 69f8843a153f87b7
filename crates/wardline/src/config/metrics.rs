//! `[metrics]`: counts for a monitoring system.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, secret_file, under};

/// `[metrics]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// A file with the bearer token of `GET /metrics`. Without one there are no metrics.
    pub token_file: Option<PathBuf>,
}

impl Metrics {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.token_file);
    }

    /// The token.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or is empty.
    pub fn token(&self) -> Result<Option<String>, ConfigError> {
        self.token_file.as_ref().map(|path| secret_file("metrics.token_file", path)).transpose()
    }
}
