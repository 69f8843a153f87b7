//! `[retention]`: when old messages are erased (MSC1763).

use serde::Deserialize;
use wardline_engine::retention::RetentionConfig;

use super::ConfigError;

const DAY_MS: i64 = 86_400_000;
/// Beginning of the types of the rooms that belong to patients and roles.
const CLINICAL: &str = "org.wardline.";

/// `[retention]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Whether messages are erased when the policy of their room (`m.room.retention`) says so.
    pub enabled: bool,
    /// Days after which they are erased in rooms without a policy; absent: never.
    pub default_days: Option<u32>,
    /// The fewest days that a room's policy may ask for.
    pub min_days: u32,
    /// The most days that a room's policy may ask for; absent: any.
    pub max_days: Option<u32>,
    /// Whether that goes for the rooms of patients and roles, too.
    pub clinical_rooms: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { enabled: false, default_days: None, min_days: 1, max_days: None, clinical_rooms: false }
    }
}

impl Retention {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.max_days.is_some_and(|most| most < self.min_days) {
            return Err(ConfigError::value("retention.max_days", "must not be below retention.min_days"));
        }
        if self.default_days == Some(0) {
            return Err(ConfigError::value("retention.default_days", "must be at least 1"));
        }
        Ok(())
    }

    /// What the engine does; `None`: it erases nothing.
    #[must_use]
    pub fn engine(&self) -> Option<RetentionConfig> {
        let ms = |days: u32| i64::from(days) * DAY_MS;
        let exempt = (!self.clinical_rooms).then(|| CLINICAL.to_owned());
        self.enabled.then(|| RetentionConfig {
            default_ms: self.default_days.map(ms),
            shortest_ms: ms(self.min_days),
            longest_ms: self.max_days.map(ms),
            exempt_types: exempt.into_iter().collect(),
        })
    }
}
