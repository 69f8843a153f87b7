//! `[directory]`: who is found, and which rooms are listed.

use serde::Deserialize;
use wardline_http::{Publishers, UserDirectory};

/// `[directory]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Directory {
    /// Who may list a room in the directory.
    pub publish: PublishersConfig,
    /// Whom a search for people finds.
    pub users: UsersConfig,
}

/// Who may list a room in the directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishersConfig {
    /// Whoever may set the main alias of the room.
    #[default]
    Members,
    /// Of those only administrators of the server.
    Administrators,
    /// Nobody.
    Nobody,
}

/// Whom a search for people finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsersConfig {
    /// Those who share a room with the one who asks, or are in a public room.
    #[default]
    Shared,
    /// Every active account.
    Everybody,
    /// Nobody: there is no search.
    Nobody,
}

impl From<PublishersConfig> for Publishers {
    fn from(publish: PublishersConfig) -> Self {
        match publish {
            PublishersConfig::Members => Self::Members,
            PublishersConfig::Administrators => Self::Administrators,
            PublishersConfig::Nobody => Self::Nobody,
        }
    }
}

impl From<UsersConfig> for UserDirectory {
    fn from(users: UsersConfig) -> Self {
        match users {
            UsersConfig::Shared => Self::Shared,
            UsersConfig::Everybody => Self::Everybody,
            UsersConfig::Nobody => Self::Nobody,
        }
    }
}
