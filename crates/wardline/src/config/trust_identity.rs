//! `[trust_identity]`: the organisation's signature on the identities of its staff.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ConfigError, under};

/// `[trust_identity]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustIdentity {
    /// Whether identities of staff are signed.
    pub enabled: bool,
    /// The organisation's name, which clients show: "Verified by …". Default: the server name.
    pub name: Option<String>,
    /// The certificate of the authority (PEM). Default: `gateway/trust-identity.pem` in `data`, made when it is first
    /// needed.
    pub certificate_file: Option<PathBuf>,
    /// The key of the certificate (ECDSA or RSA; PKCS #8, PEM). Default: `gateway/trust-identity.key` in `data`.
    pub key_file: Option<PathBuf>,
}

impl Default for TrustIdentity {
    fn default() -> Self {
        Self { enabled: true, name: None, certificate_file: None, key_file: None }
    }
}

impl TrustIdentity {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.certificate_file);
        under(folder, &mut self.key_file);
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.certificate_file.is_some() != self.key_file.is_some() {
            let reason = "certificate_file and key_file belong together";
            return Err(ConfigError::value("trust_identity.key_file", reason));
        }
        for (key, file) in [
            ("trust_identity.certificate_file", &self.certificate_file),
            ("trust_identity.key_file", &self.key_file),
        ] {
            if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
                return Err(ConfigError::value(key, format!("{} is not there", file.display())));
            }
        }
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.len() > 64) {
            return Err(ConfigError::value("trust_identity.name", "must be of 1 to 64 bytes"));
        }
        Ok(())
    }
}
