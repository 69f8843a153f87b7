//! `[application_services]`: bridges and bots.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use wardline_domain::app_service::Registration;

use super::ConfigError;

/// `[application_services]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApplicationServices {
    /// Registration files (YAML), read at the start.
    pub files: Vec<PathBuf>,
}

impl ApplicationServices {
    pub(super) fn resolve(&mut self, folder: &Path) {
        for file in &mut self.files {
            *file = folder.join(&*file);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.registrations().map(drop)
    }

    /// What the files say.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that cannot be read or is no registration.
    pub fn registrations(&self) -> Result<Vec<Registration>, ConfigError> {
        self.files.iter().map(|path| registration(path)).collect()
    }
}

fn registration(path: &Path) -> Result<Registration, ConfigError> {
    let key = "application_services.files";
    let text =
        fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    // The text of a parser's error may quote a token.
    let registration: Registration = serde_saphyr::from_str(&text)
        .map_err(|_| ConfigError::value(key, format!("{} is not a registration", path.display())))?;
    let checked = registration.namespaces();
    checked.map_err(|error| ConfigError::value(key, format!("{}: {error}", path.display())))?;
    Ok(registration)
}
