//! `[rooms]`: what new rooms are like.

use serde::Deserialize;
use wardline_domain::room_version::RoomVersion;

use super::ConfigError;

/// `[rooms]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoomsSection {
    /// The version of a new room for which the client asks for none. Default: 12.
    pub default_version: Option<String>,
    /// Every new room is encrypted, whoever makes it. Rooms that the product makes always are.
    pub force_encryption: bool,
}

impl RoomsSection {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.version().map(drop)
    }

    /// The version of new rooms.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for a version that rooms cannot be made with.
    pub fn version(&self) -> Result<RoomVersion, ConfigError> {
        let Some(name) = &self.default_version else { return Ok(RoomVersion::DEFAULT) };
        let version = RoomVersion::parse(name).ok().filter(|version| version.is_creatable());
        version.ok_or_else(|| ConfigError::value("rooms.default_version", "must be one of \"6\" to \"12\""))
    }
}
