//! `[outgoing]`: connections that the server opens to push gateways, application services and identity providers.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use serde::Deserialize;
use wardline_outgoing::{Networks, Outgoing, OutgoingConfig};

use super::ConfigError;

/// `[outgoing]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutgoingSection {
    /// Files with certificates (PEM) of authorities that are trusted besides those of the operating system.
    pub ca_certificates: Vec<PathBuf>,
    /// Networks that may be reached although they are denied, such as `127.0.0.0/8` in a test.
    pub allow: Vec<String>,
    /// Networks that may not be reached, besides loopback, link-local, unspecified, multicast and broadcast.
    pub deny: Vec<String>,
    /// Seconds from the beginning of a connection to the last byte of its answer.
    pub timeout_seconds: u64,
}

impl Default for OutgoingSection {
    fn default() -> Self {
        Self { ca_certificates: Vec::new(), allow: Vec::new(), deny: Vec::new(), timeout_seconds: 30 }
    }
}

impl OutgoingSection {
    pub(super) fn resolve(&mut self, folder: &Path) {
        for file in &mut self.ca_certificates {
            *file = folder.join(&*file);
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.timeout_seconds == 0 {
            return Err(ConfigError::value("outgoing.timeout_seconds", "must be at least 1"));
        }
        self.client().map(drop)
    }

    /// The one client for connections to others.
    ///
    /// # Errors
    /// [`ConfigError`] for a certificate that cannot be read and for a network that is none.
    pub fn client(&self) -> Result<Outgoing, ConfigError> {
        let mut ca_certificates = Vec::new();
        for path in &self.ca_certificates {
            let read = fs::read(path);
            ca_certificates.push(read.map_err(|source| ConfigError::Read { path: path.clone(), source })?);
        }
        let mut denied = Networks::default().denied;
        denied.extend(networks("outgoing.deny", &self.deny)?);
        let networks = Networks { allowed: networks("outgoing.allow", &self.allow)?, denied };
        let timeout = Duration::from_secs(self.timeout_seconds);
        Outgoing::new(OutgoingConfig { ca_certificates, networks, timeout })
            .map_err(|error| ConfigError::value("outgoing.ca_certificates", error))
    }
}

fn networks(key: &'static str, texts: &[String]) -> Result<Vec<IpNet>, ConfigError> {
    let parse = |text: &String| {
        text.parse()
            .map_err(|_| ConfigError::value(key, format!("{text:?} is not a network such as 10.0.0.0/8")))
    };
    texts.iter().map(parse).collect()
}
