//! Who may see which past event (client-server specification, "Room History Visibility").

use serde::Deserialize;

use crate::pdu::Pdu;

/// The room's setting, from `m.room.history_visibility`. Ordered from the least to the most visible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HistoryVisibility {
    /// Members see what was sent after they joined.
    Joined,
    /// Members see what was sent after they were invited.
    Invited,
    /// Members see everything. In force when a room has no (valid) setting.
    #[default]
    Shared,
    /// Everybody sees everything.
    WorldReadable,
}

/// A user's membership of a room. Ordered from the least to the most that it lets somebody see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Membership {
    /// Banned.
    Ban,
    /// Never a member, has left, or was removed.
    #[default]
    Leave,
    /// Has asked to be let in.
    Knock,
    /// Invited.
    Invite,
    /// Joined.
    Join,
}

impl HistoryVisibility {
    /// Parses the value in an `m.room.history_visibility` event; `None` if it is not one of the specification's.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Some(match value {
            "joined" => Self::Joined,
            "invited" => Self::Invited,
            "shared" => Self::Shared,
            "world_readable" => Self::WorldReadable,
            _ => return None,
        })
    }

    /// The setting that a room has with this state event. Without it, or with a value that nobody knows: shared.
    #[must_use]
    pub fn of(event: Option<&Pdu>) -> Self {
        #[derive(Deserialize)]
        struct Content {
            history_visibility: String,
        }
        event
            .and_then(|event| event.content_as::<Content>().ok())
            .and_then(|content| Self::parse(&content.history_visibility))
            .unwrap_or_default()
    }

    /// The value in an `m.room.history_visibility` event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Invited => "invited",
            Self::Shared => "shared",
            Self::WorldReadable => "world_readable",
        }
    }
}

impl Membership {
    /// Parses the value in an `m.room.member` event; `None` if it is not one of the specification's.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        Some(match value {
            "ban" => Self::Ban,
            "leave" => Self::Leave,
            "knock" => Self::Knock,
            "invite" => Self::Invite,
            "join" => Self::Join,
            _ => return None,
        })
    }

    /// The membership that a user has with this state event. Without it: [`Membership::Leave`].
    #[must_use]
    pub fn of(event: Option<&Pdu>) -> Self {
        event.and_then(Pdu::membership).and_then(|value| Self::parse(&value)).unwrap_or_default()
    }

    /// The value in an `m.room.member` event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Leave => "leave",
            Self::Knock => "knock",
            Self::Invite => "invite",
            Self::Join => "join",
        }
    }
}

/// What decides whether a user may see one event.
///
/// For an `m.room.history_visibility` event and for the user's own `m.room.member` event, `visibility` and
/// `membership` are the greater of the values before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The room's setting at the event.
    pub visibility: HistoryVisibility,
    /// The user's membership at the event.
    pub membership: Membership,
    /// Whether the user is joined now, or was joined at any time after the event.
    pub joined_since: bool,
}

impl Sight {
    /// Whether the user may see the event.
    #[must_use]
    pub fn allows(self) -> bool {
        self.visibility == HistoryVisibility::WorldReadable
            || self.membership == Membership::Join
            || (self.visibility == HistoryVisibility::Shared && self.joined_since)
            || (self.visibility == HistoryVisibility::Invited && self.membership == Membership::Invite)
    }
}

#[cfg(test)]
mod tests {
    use super::HistoryVisibility::{Invited, Joined, Shared, WorldReadable};
    use super::Membership::{Ban, Invite, Join, Knock, Leave};
    use super::*;

    #[test]
    fn every_combination() {
        for visibility in [Joined, Invited, Shared, WorldReadable] {
            for membership in [Ban, Leave, Knock, Invite, Join] {
                for joined_since in [false, true] {
                    let expected = match (visibility, membership, joined_since) {
                        (WorldReadable, _, _) | (_, Join, _) | (Shared, _, true) | (Invited, Invite, _) => {
                            true
                        }
                        (Shared, Ban | Leave | Knock | Invite, false)
                        | (Invited, Ban | Leave | Knock, _)
                        | (Joined, Ban | Leave | Knock | Invite, _) => false,
                    };
                    let sight = Sight { visibility, membership, joined_since };
                    assert_eq!(sight.allows(), expected, "{sight:?}");
                }
            }
        }
    }

    #[test]
    fn names_are_those_of_the_specification() {
        for visibility in [Joined, Invited, Shared, WorldReadable] {
            assert_eq!(HistoryVisibility::parse(visibility.as_str()), Some(visibility));
        }
        for membership in [Ban, Leave, Knock, Invite, Join] {
            assert_eq!(Membership::parse(membership.as_str()), Some(membership));
        }
        assert_eq!(HistoryVisibility::parse("public"), None);
        assert_eq!(Membership::parse("joined"), None);
    }
}
