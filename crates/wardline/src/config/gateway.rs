//! `[gateway]`: the key service.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use wardline_gateway::keys::Policy;

use super::{ConfigError, under};

/// `[gateway]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// The file with the sealing key of the key service. Default: `gateway/seal.key` in `data`, made at the
    /// first start. Keep it on another medium than `data` and its backups.
    pub seal_key_file: Option<PathBuf>,
    /// The environment variable with the sealing key, in place of a file.
    pub seal_key_env: Option<String>,
    /// `managed` (default): the key service keeps recovery keys. `personal`: each person keeps their own.
    pub policy: GatewayPolicy,
}

/// Who keeps recovery keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayPolicy {
    /// The key service.
    #[default]
    Managed,
    /// Each person.
    Personal,
}

impl From<GatewayPolicy> for Policy {
    fn from(policy: GatewayPolicy) -> Self {
        match policy {
            GatewayPolicy::Managed => Self::Managed,
            GatewayPolicy::Personal => Self::Personal,
        }
    }
}

impl Gateway {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.seal_key_file);
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.seal_key_file.is_some() && self.seal_key_env.is_some() {
            let reason = "the sealing key is in a file or in the environment, not in both";
            return Err(ConfigError::value("gateway.seal_key_env", reason));
        }
        Ok(())
    }
}
