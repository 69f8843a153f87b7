//! `[privacy]`: what is shown to whom.

use serde::Deserialize;

/// `[privacy]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// Profiles, aliases, the room directory and summaries of rooms are shown to signed-in users only.
    pub directory_asks_for_token: bool,
}
