//! `[gateway]`: the key service.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::under;

/// `[gateway]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gateway {
    /// The file with the sealing key of the key service. Default: `gateway/seal.key` in `data`, made at the
    /// first start. Keep it on another medium than `data` and its backups.
    pub seal_key_file: Option<PathBuf>,
}

impl Gateway {
    pub(super) fn resolve(&mut self, folder: &Path) {
        under(folder, &mut self.seal_key_file);
    }
}
