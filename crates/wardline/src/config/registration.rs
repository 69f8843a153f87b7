//! `[registration]`: who may make an account.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, secret_file, under};

/// `[registration]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Anybody may register. For tests; never in care.
    pub open: bool,
    /// People may register with a token that an administrator gave out.
    pub tokens: bool,
    /// Guests may look at rooms that everybody may read and join those that let guests in.
    pub guests: bool,
    /// A file with the secret of `/_synapse/admin/v1/register`.
    pub shared_secret_file: Option<PathBuf>,
}

impl Registration {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.shared_secret_file);
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.shared_secret().map(|_| ())
    }

    /// The registration secret out of its file, without the line end.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read or is empty.
    pub fn shared_secret(&self) -> Result<Option<String>, ConfigError> {
        let Some(path) = &self.shared_secret_file else { return Ok(None) };
        secret_file("registration.shared_secret_file", path).map(Some)
    }
}
