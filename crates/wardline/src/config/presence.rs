//! `[presence]`: whether users see who is there.

use serde::Deserialize;

/// `[presence]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PresenceConfig {
    /// Whether users see who of those they share a room with is online.
    pub enabled: bool,
}
