//! Authorisation rules (server-server specification, "Authorization rules", and each room version).

use std::sync::Arc;

use ruma::events::TimelineEventType;
use ruma::state_res::events::RoomCreateEvent;
use ruma::state_res::{self, Event, auth_types_for_event};
use ruma::{EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedServerName, RoomId, UInt, UserId};
use serde_json::value::RawValue;

use crate::build::EventTemplate;
use crate::pdu::Pdu;
use crate::power_levels::{PowerLevels, UserLevel};
use crate::room_version::RoomVersion;

/// A room's state at one point.
pub trait StateView {
    /// The state event of this type and key, if there is one.
    fn get(&self, kind: &str, state_key: &str) -> Option<Arc<Pdu>>;
}

impl<F: Fn(&str, &str) -> Option<Arc<Pdu>>> StateView for F {
    fn get(&self, kind: &str, state_key: &str) -> Option<Arc<Pdu>> {
        self(kind, state_key)
    }
}

/// Why an event is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// A rule of the room version forbids it.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The sender is not joined to the room.
    #[error("the sender is not joined to the room")]
    NotJoined,
    /// The sender's level is below what the event type needs.
    #[error("the sender's power level does not suffice: {needed} is needed")]
    Power {
        /// The level needed.
        needed: i64,
    },
    /// The room may not be used by other servers (`m.federate` is false) and the sender is of another server.
    #[error("the room is closed to other servers")]
    NotFederated,
    /// State that decides about the event cannot be read.
    #[error("malformed state: {0}")]
    Malformed(String),
}

/// Which state an event needs as its `auth_events`: pairs of event type and state key (server-server
/// specification, "Auth events selection").
///
/// # Errors
/// [`AuthError::Malformed`] if the content of an `m.room.member` event cannot be read.
pub fn auth_types(
    kind: &str,
    sender: &UserId,
    state_key: Option<&str>,
    content: &RawValue,
    version: RoomVersion,
) -> Result<Vec<(String, String)>, AuthError> {
    let types = auth_types_for_event(&kind.into(), sender, state_key, content, version.authorization());
    let types = types.map_err(AuthError::Malformed)?;
    Ok(types.into_iter().map(|(kind, key)| (kind.to_string(), key)).collect())
}

/// The events of `state` that belong into the `auth_events` of the event to build.
///
/// # Errors
/// As [`auth_types`].
pub fn select_auth_events(
    template: &EventTemplate,
    state: &dyn StateView,
    version: RoomVersion,
) -> Result<Vec<Arc<Pdu>>, AuthError> {
    let state_key = template.state_key.as_deref();
    let types = auth_types(&template.kind, &template.sender, state_key, &template.content, version)?;
    Ok(types.iter().filter_map(|(kind, key)| state.get(kind, key)).collect())
}

/// Whether an event is allowed by `state`, from which its `auth_events` were selected: the check of an event
/// that was built here.
///
/// # Errors
/// [`AuthError::Forbidden`] with the rule that forbids it.
pub fn check(pdu: &Arc<Pdu>, state: &dyn StateView, version: RoomVersion) -> Result<(), AuthError> {
    let content = raw(pdu.content());
    let types = auth_types(&pdu.kind, &pdu.sender, pdu.state_key.as_deref(), content, version)?;
    let mut known: Vec<Arc<Pdu>> = types.iter().filter_map(|(kind, key)| state.get(kind, key)).collect();
    known.extend(state.get("m.room.create", ""));
    check_auth_events(pdu, &|id| known.iter().find(|event| event.event_id == id).cloned(), version)?;
    check_state(pdu, state, version)
}

/// The rules that do not depend on the room's state: the create event itself, or the selection in `auth_events`.
///
/// # Errors
/// [`AuthError::Forbidden`] with the rule that forbids it.
pub fn check_auth_events(
    pdu: &Arc<Pdu>,
    event: &dyn Fn(&EventId) -> Option<Arc<Pdu>>,
    version: RoomVersion,
) -> Result<(), AuthError> {
    state_res::check_state_independent_auth_rules(
        version.authorization(),
        AuthEvent::in_version(pdu.clone(), version),
        |id| event(id).map(AuthEvent::new),
    )
    .map_err(AuthError::Forbidden)
}

/// The rules that depend on the room's state.
///
/// # Errors
/// [`AuthError::Forbidden`] with the rule that forbids it.
pub fn check_state(pdu: &Arc<Pdu>, state: &dyn StateView, version: RoomVersion) -> Result<(), AuthError> {
    state_res::check_state_dependent_auth_rules(
        version.authorization(),
        AuthEvent::in_version(pdu.clone(), version),
        |kind, key| state.get(&kind.to_string(), key).map(AuthEvent::new),
    )
    .map_err(AuthError::Forbidden)
}

/// All that decides whether a member may send a message-like event, ready to be asked. Rebuilt only when the
/// room's `m.room.power_levels` changes.
#[derive(Clone, Debug)]
pub struct MessageAuth {
    /// The levels in force.
    pub levels: PowerLevels,
    /// The server that may use the room, if it is closed to others.
    only_server: Option<OwnedServerName>,
    /// Whether `m.room.aliases` is special (before version 6).
    special_aliases: bool,
}

impl MessageAuth {
    /// Reads the room's create event and its power levels.
    ///
    /// # Errors
    /// [`AuthError::Malformed`] if one of them cannot be read, which the authorisation rules prevent.
    pub fn new(
        create: &Arc<Pdu>,
        power_levels: Option<&Arc<Pdu>>,
        version: RoomVersion,
    ) -> Result<Self, AuthError> {
        let event = RoomCreateEvent::new(AuthEvent::new(create.clone()));
        let open = event.federate().map_err(AuthError::Malformed)?;
        Ok(Self {
            levels: PowerLevels::new(create, power_levels, version)?,
            only_server: (!open).then(|| create.sender.server_name().to_owned()),
            special_aliases: version.authorization().special_case_room_aliases,
        })
    }

    /// Whether `sender` may send a message-like event (one without state key) of this type now. The same answer
    /// as [`check_state`] gives, without reading any JSON.
    ///
    /// # Errors
    /// [`AuthError::NotJoined`], [`AuthError::Power`] or [`AuthError::NotFederated`].
    pub fn check(&self, sender: &UserId, joined: bool, kind: &str) -> Result<(), AuthError> {
        if self.only_server.as_ref().is_some_and(|server| server != sender.server_name()) {
            return Err(AuthError::NotFederated);
        }
        if matches!(kind, "m.room.create" | "m.room.member")
            || (self.special_aliases && kind == "m.room.aliases")
        {
            return Err(AuthError::Forbidden(format!("{kind} needs a state key")));
        }
        if !joined {
            return Err(AuthError::NotJoined);
        }
        if kind == "m.room.third_party_invite" {
            return self.needs(sender, self.levels.invite_level());
        }
        self.needs(sender, self.levels.event_level(kind, false))
    }

    fn needs(&self, sender: &UserId, needed: i64) -> Result<(), AuthError> {
        if self.levels.user_level(sender) < UserLevel::Number(needed) {
            return Err(AuthError::Power { needed });
        }
        Ok(())
    }
}

/// A [`Pdu`] as ruma's rules see it.
#[derive(Clone, Debug)]
pub(crate) struct AuthEvent {
    pdu: Arc<Pdu>,
    kind: TimelineEventType,
    hide_room_id: bool,
}

impl AuthEvent {
    /// Wraps an event that is already in the room.
    pub(crate) fn new(pdu: Arc<Pdu>) -> Self {
        let kind = pdu.kind.as_str().into();
        Self { pdu, kind, hide_room_id: false }
    }

    /// Wraps the event to check: without a room id where the event itself has none.
    fn in_version(pdu: Arc<Pdu>, version: RoomVersion) -> Self {
        let hide_room_id = version.room_id_is_create_hash() && pdu.kind == "m.room.create";
        Self { hide_room_id, ..Self::new(pdu) }
    }
}

/// Content of a [`Pdu`] as ruma wants it. It was parsed before, so it is JSON.
fn raw(content: &str) -> &RawValue {
    serde_json::from_str(content).unwrap_or(RawValue::NULL)
}

impl Event for AuthEvent {
    type Id = OwnedEventId;

    fn event_id(&self) -> &OwnedEventId {
        &self.pdu.event_id
    }

    fn room_id(&self) -> Option<&RoomId> {
        (!self.hide_room_id).then_some(&*self.pdu.room_id)
    }

    fn sender(&self) -> &UserId {
        &self.pdu.sender
    }

    fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        MilliSecondsSinceUnixEpoch(UInt::new_saturating(
            self.pdu.origin_server_ts.as_millis().max(0).unsigned_abs(),
        ))
    }

    fn event_type(&self) -> &TimelineEventType {
        &self.kind
    }

    fn content(&self) -> &RawValue {
        raw(self.pdu.content())
    }

    fn state_key(&self) -> Option<&str> {
        self.pdu.state_key.as_deref()
    }

    fn prev_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.pdu.prev_events.iter())
    }

    fn auth_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.pdu.auth_events.iter())
    }

    fn redacts(&self) -> Option<&OwnedEventId> {
        self.pdu.redacts.as_ref()
    }

    fn rejected(&self) -> bool {
        false
    }
}
