//! `[voip]`: the TURN server that clients use for calls.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wardline_http::TurnConfig;

use super::{ConfigError, secret_file, under};

/// `[voip]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Voip {
    /// Addresses of the TURN server, such as `turn:turn.riverside.example?transport=udp`. None: there is no server.
    pub turn_uris: Vec<String>,
    /// A file with the secret that it shares with this server.
    pub turn_secret_file: Option<PathBuf>,
    /// How long credentials are good for, in seconds.
    pub turn_lifetime_seconds: u32,
}

impl Default for Voip {
    fn default() -> Self {
        Self { turn_uris: Vec::new(), turn_secret_file: None, turn_lifetime_seconds: 3600 }
    }
}

impl Voip {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.turn_secret_file);
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.turn().map(drop)
    }

    /// What clients are told; `None`: there is no TURN server.
    ///
    /// # Errors
    /// [`ConfigError`] for a missing or empty secret and for an address that is none.
    pub fn turn(&self) -> Result<Option<TurnConfig>, ConfigError> {
        if self.turn_uris.is_empty() {
            return Ok(None);
        }
        let known =
            |uri: &String| ["turn:", "turns:", "stun:", "stuns:"].iter().any(|kind| uri.starts_with(kind));
        if !self.turn_uris.iter().all(known) {
            return Err(ConfigError::value(
                "voip.turn_uris",
                "each must begin with turn:, turns:, stun: or stuns:",
            ));
        }
        if self.turn_lifetime_seconds < 60 {
            return Err(ConfigError::value("voip.turn_lifetime_seconds", "must be at least 60"));
        }
        let Some(path) = &self.turn_secret_file else {
            return Err(ConfigError::value("voip.turn_secret_file", "is needed with voip.turn_uris"));
        };
        Ok(Some(TurnConfig {
            uris: self.turn_uris.clone(),
            secret: secret_file("voip.turn_secret_file", path)?,
            lifetime_s: self.turn_lifetime_seconds,
        }))
    }
}
