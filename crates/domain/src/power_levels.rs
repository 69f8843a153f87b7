//! Power levels (client-server specification, "m.room.power_levels"): who may do what in a room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ruma::state_res::events::{RoomCreateEvent, RoomPowerLevelsEvent, RoomPowerLevelsIntField as Field};
use ruma::{OwnedUserId, UserId};

use crate::auth::{AuthError, AuthEvent};
use crate::pdu::Pdu;
use crate::room_version::RoomVersion;

/// The level of a user. Creators of rooms since version 12 stand above every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserLevel {
    /// A number.
    Number(i64),
    /// The power of a creator, which nobody can match or take away.
    Infinite,
}

/// The levels in force in a room, with all defaults applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerLevels {
    privileged: BTreeSet<OwnedUserId>,
    users: BTreeMap<OwnedUserId, i64>,
    events: BTreeMap<String, i64>,
    notifications: BTreeMap<String, i64>,
    users_default: i64,
    events_default: i64,
    state_default: i64,
    ban: i64,
    redact: i64,
    kick: i64,
    invite: i64,
}

impl PowerLevels {
    /// The levels that the room's create event and its `m.room.power_levels` event (if it has one) put in force.
    ///
    /// # Errors
    /// [`AuthError::Malformed`] if one of them cannot be read, which the authorisation rules prevent.
    pub fn new(
        create: &Arc<Pdu>,
        power_levels: Option<&Arc<Pdu>>,
        version: RoomVersion,
    ) -> Result<Self, AuthError> {
        let rules = version.authorization();
        let creators = RoomCreateEvent::new(AuthEvent::new(create.clone()))
            .creators(rules)
            .map_err(AuthError::Malformed)?;
        let Some(event) = power_levels else {
            let users = if rules.explicitly_privilege_room_creators {
                BTreeMap::new()
            } else {
                creators.iter().map(|creator| (creator.clone(), 100)).collect()
            };
            return Ok(Self::with_defaults(privileged(creators, version), users));
        };
        let event = RoomPowerLevelsEvent::new(AuthEvent::new(event.clone()));
        let level =
            |field| event.get_as_int_or_default(field, rules).map(i64::from).map_err(AuthError::Malformed);
        Ok(Self {
            privileged: privileged(creators, version),
            users: numbers(event.users(rules).map_err(AuthError::Malformed)?.cloned()),
            events: event
                .events(rules)
                .map_err(AuthError::Malformed)?
                .unwrap_or_default()
                .into_iter()
                .map(|(kind, level)| (kind.to_string(), level.into()))
                .collect(),
            notifications: numbers(event.notifications(rules).map_err(AuthError::Malformed)?),
            users_default: level(Field::UsersDefault)?,
            events_default: level(Field::EventsDefault)?,
            state_default: level(Field::StateDefault)?,
            ban: level(Field::Ban)?,
            redact: level(Field::Redact)?,
            kick: level(Field::Kick)?,
            invite: level(Field::Invite)?,
        })
    }

    fn with_defaults(privileged: BTreeSet<OwnedUserId>, users: BTreeMap<OwnedUserId, i64>) -> Self {
        Self {
            privileged,
            users,
            events: BTreeMap::new(),
            notifications: BTreeMap::new(),
            users_default: 0,
            events_default: 0,
            state_default: 50,
            ban: 50,
            redact: 50,
            kick: 50,
            invite: 0,
        }
    }

    /// The level of a user, a member or not.
    #[must_use]
    pub fn user_level(&self, user: &UserId) -> UserLevel {
        if self.privileged.contains(user) {
            return UserLevel::Infinite;
        }
        UserLevel::Number(self.users.get(user).copied().unwrap_or(self.users_default))
    }

    /// The level needed to send an event of this type.
    #[must_use]
    pub fn event_level(&self, kind: &str, is_state: bool) -> i64 {
        let default = if is_state { self.state_default } else { self.events_default };
        self.events.get(kind).copied().unwrap_or(default)
    }

    /// The level needed to invite.
    #[must_use]
    pub const fn invite_level(&self) -> i64 {
        self.invite
    }

    /// Whether the user's level suffices to send an event of this type.
    #[must_use]
    pub fn can_send(&self, user: &UserId, kind: &str, is_state: bool) -> bool {
        self.has(user, self.event_level(kind, is_state))
    }

    /// Whether the user's level suffices to redact other people's events.
    #[must_use]
    pub fn can_redact(&self, user: &UserId) -> bool {
        self.has(user, self.redact)
    }

    /// Whether the user's level suffices to invite.
    #[must_use]
    pub fn can_invite(&self, user: &UserId) -> bool {
        self.has(user, self.invite)
    }

    /// Whether the user may remove `target`: the kick level, and a level above the target's.
    #[must_use]
    pub fn can_kick(&self, user: &UserId, target: &UserId) -> bool {
        self.has(user, self.kick) && self.user_level(user) > self.user_level(target)
    }

    /// Whether the user may ban `target`: the ban level, and a level above the target's.
    #[must_use]
    pub fn can_ban(&self, user: &UserId, target: &UserId) -> bool {
        self.has(user, self.ban) && self.user_level(user) > self.user_level(target)
    }

    /// Whether the user's level suffices for the notification `key` (`room` for `@room`; 50 unless set).
    #[must_use]
    pub fn can_notify(&self, user: &UserId, key: &str) -> bool {
        self.has(user, self.notifications.get(key).copied().unwrap_or(50))
    }

    fn has(&self, user: &UserId, needed: i64) -> bool {
        self.user_level(user) >= UserLevel::Number(needed)
    }
}

fn privileged(
    creators: impl IntoIterator<Item = OwnedUserId>,
    version: RoomVersion,
) -> BTreeSet<OwnedUserId> {
    if version.authorization().explicitly_privilege_room_creators {
        creators.into_iter().collect()
    } else {
        BTreeSet::new()
    }
}

fn numbers<K: Ord>(levels: Option<BTreeMap<K, ruma::Int>>) -> BTreeMap<K, i64> {
    levels.unwrap_or_default().into_iter().map(|(key, level)| (key, level.into())).collect()
}
