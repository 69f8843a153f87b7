//! `[store]`: the database.

use serde::Deserialize;
use wardline_store::Durability;

/// `[store]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSection {
    /// `full` (default) or `normal`.
    pub durability: DurabilityConfig,
}

/// What an answered write survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityConfig {
    /// A power cut.
    #[default]
    Full,
    /// A crash of the process only.
    Normal,
}

impl From<DurabilityConfig> for Durability {
    fn from(durability: DurabilityConfig) -> Self {
        match durability {
            DurabilityConfig::Full => Self::Full,
            DurabilityConfig::Normal => Self::Normal,
        }
    }
}
