//! Room versions (Matrix specification, "Room Versions"): which are understood, and the rules of each.

use std::fmt;

use ruma::room_version_rules::{
    AuthorizationRules, RedactionRules, RoomVersionRules, StateResolutionV2Rules,
};

/// A room version that this server understands: 3 to 12.
///
/// Versions 1 and 2 are not understood: their event ids are not hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomVersion(u8);

/// The room version is not one that this server understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("room version {0:?} is not supported")]
pub struct UnsupportedRoomVersion(pub String);

const NAMES: [&str; 10] = ["3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

static RULES: [RoomVersionRules; 10] = [
    RoomVersionRules::V3,
    RoomVersionRules::V4,
    RoomVersionRules::V5,
    RoomVersionRules::V6,
    RoomVersionRules::V7,
    RoomVersionRules::V8,
    RoomVersionRules::V9,
    RoomVersionRules::V10,
    RoomVersionRules::V11,
    RoomVersionRules::V12,
];

impl RoomVersion {
    /// Version 10.
    pub const V10: Self = Self(10);
    /// Version 11.
    pub const V11: Self = Self(11);
    /// Version 12.
    pub const V12: Self = Self(12);
    /// The version of new rooms when the client asks for none.
    pub const DEFAULT: Self = Self::V12;

    /// Parses the name used in `m.room.create` and in `/createRoom`.
    ///
    /// # Errors
    /// [`UnsupportedRoomVersion`] unless it is "3" to "12".
    pub fn parse(name: &str) -> Result<Self, UnsupportedRoomVersion> {
        Self::understood()
            .find(|version| version.as_str() == name)
            .ok_or_else(|| UnsupportedRoomVersion(name.to_owned()))
    }

    /// Every version that is understood, oldest first.
    pub fn understood() -> impl Iterator<Item = Self> {
        (3..=12).map(Self)
    }

    /// Whether new rooms of this version may be created here: 6 to 12. Those before have no strict canonical JSON.
    #[must_use]
    pub const fn is_creatable(self) -> bool {
        self.0 >= 6
    }

    /// The name of the version, as in `m.room.create`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES[self.index()]
    }

    /// All rules of the version.
    #[must_use]
    pub fn rules(self) -> &'static RoomVersionRules {
        &RULES[self.index()]
    }

    /// The authorisation rules of the version.
    #[must_use]
    pub fn authorization(self) -> &'static AuthorizationRules {
        &self.rules().authorization
    }

    /// The redaction algorithm of the version.
    #[must_use]
    pub fn redaction(self) -> &'static RedactionRules {
        &self.rules().redaction
    }

    /// The variant of state resolution v2 that the version uses.
    #[must_use]
    pub const fn state_resolution(self) -> &'static StateResolutionV2Rules {
        if self.0 >= 12 { &StateResolutionV2Rules::V2_1 } else { &StateResolutionV2Rules::V2_0 }
    }

    /// Whether the room id is the hash of the `m.room.create` event (since version 12), so that the create
    /// event carries no `room_id` and is not listed in `auth_events`.
    #[must_use]
    pub const fn room_id_is_create_hash(self) -> bool {
        self.0 >= 12
    }

    /// Whether a redaction names its target in `content.redacts` (since version 11) instead of at the top level.
    #[must_use]
    pub const fn redacts_in_content(self) -> bool {
        self.0 >= 11
    }

    /// Whether `m.room.create` needs `content.creator` (before version 11).
    #[must_use]
    pub const fn creator_in_content(self) -> bool {
        self.0 < 11
    }

    const fn index(self) -> usize {
        self.0 as usize - 3
    }
}

impl Default for RoomVersion {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for RoomVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_rules_belong_together() {
        for version in RoomVersion::understood() {
            assert_eq!(RoomVersion::parse(version.as_str()).unwrap(), version);
            let rules = version.rules();
            assert_eq!(version.redacts_in_content(), rules.redaction.content_field_redacts);
            assert_eq!(version.creator_in_content(), !rules.authorization.use_room_create_sender);
            assert_eq!(version.room_id_is_create_hash(), rules.authorization.room_create_event_id_as_room_id);
            assert_eq!(
                version.state_resolution().consider_conflicted_state_subgraph,
                rules.state_res.v2_rules().unwrap().consider_conflicted_state_subgraph
            );
            let ruma_rules = ruma::RoomVersionId::try_from(version.as_str()).unwrap().rules().unwrap();
            assert_eq!(format!("{rules:?}"), format!("{ruma_rules:?}"));
        }
    }

    #[test]
    fn others_are_refused() {
        for name in ["", "1", "2", "13", "012", "org.example.1"] {
            assert_eq!(RoomVersion::parse(name), Err(UnsupportedRoomVersion(name.to_owned())));
        }
        assert_eq!(RoomVersion::understood().filter(|v| v.is_creatable()).count(), 7);
    }
}
