//! What a client asks for (MSC4186, request body).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::UserNid;

use super::required::{RequiredState, Wanted};
use crate::EngineError;

/// The most lists in a request. Each is a bit of [`Lists`](super::build::Lists).
const MOST_LISTS: usize = 100;
/// The most ranges in a list.
const MOST_RANGES: usize = 64;
/// The most pairs of required state in a list or subscription.
const MOST_STATE: usize = 500;
/// The most room subscriptions of a connection.
pub(super) const MOST_SUBSCRIPTIONS: usize = 1000;
/// The longest name of a connection or list, in bytes.
const LONGEST_NAME: usize = 255;
/// The most events in a timeline, whatever is asked for.
const LONGEST_TIMELINE: usize = 200;

/// Who asks, and for what.
#[derive(Clone, Debug)]
pub struct SlidingRequest {
    /// Who asks.
    pub user: UserNid,
    /// The same, as an id.
    pub user_id: OwnedUserId,
    /// From which device.
    pub device: Arc<str>,
    /// The `pos` of the answer that the client has seen; `None`: it begins anew.
    pub pos: Option<String>,
    /// Whether the answer is to have the names of the stable endpoint, not those of the unstable one.
    pub stable: bool,
    /// The body.
    pub body: SlidingBody,
}

/// The body of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SlidingBody {
    /// What the stable endpoint has in the body and the unstable one in the query: see [`SlidingRequest::pos`].
    pub pos: Option<String>,
    /// Likewise: how long to wait, in milliseconds.
    pub timeout: Option<u64>,
    /// Likewise: how others see the user, as with `GET /sync`.
    pub set_presence: Option<String>,
    /// The name of the connection: a device may have several.
    pub conn_id: Option<String>,
    /// Given back in the answer.
    pub txn_id: Option<String>,
    /// Lists of rooms by name.
    pub lists: BTreeMap<String, List>,
    /// Rooms that are wanted whether they are in a list or not. They stay until they are named in
    /// `unsubscribe_rooms` or the connection begins anew.
    pub room_subscriptions: BTreeMap<OwnedRoomId, Details>,
    /// Rooms that are no longer wanted for themselves.
    pub unsubscribe_rooms: Vec<OwnedRoomId>,
    /// What is wanted besides rooms.
    pub extensions: Extensions,
}

/// How much of a room is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Which state events.
    pub required_state: RequiredState,
    /// The most events of the timeline.
    pub timeline_limit: usize,
}

/// A list of rooms, the most recently used first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct List {
    /// Which parts of the list are wanted: first and last index, both included. Without this and `range`: all.
    pub ranges: Option<Vec<(usize, usize)>>,
    /// The same, if it is one.
    pub range: Option<(usize, usize)>,
    /// How much of a room is wanted.
    #[serde(flatten)]
    pub details: Details,
    /// Which rooms are in the list.
    pub filters: Option<ListFilter>,
}

/// Which rooms are in a list; what is left out does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ListFilter {
    /// Direct chats (by `m.direct`), or others.
    pub is_dm: Option<bool>,
    /// Children of one of these spaces that the user is in.
    pub spaces: Option<Vec<OwnedRoomId>>,
    /// Encrypted rooms, or others.
    pub is_encrypted: Option<bool>,
    /// Invites, or others.
    #[serde(alias = "is_invited")]
    pub is_invite: Option<bool>,
    /// Rooms of one of these types; `null`: of no type.
    pub room_types: Option<Vec<Option<String>>>,
    /// No rooms of these types; stronger than `room_types`.
    pub not_room_types: Option<Vec<Option<String>>>,
    /// Rooms with one of these tags.
    pub tags: Option<Vec<String>>,
    /// No rooms with one of these tags; stronger than `tags`.
    pub not_tags: Option<Vec<String>>,
}

/// What is wanted besides rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Extensions {
    /// Messages to the device (MSC3885).
    pub to_device: ToDevice,
    /// Device lists and counts of keys (MSC3884).
    pub e2ee: Switch,
    /// Account data (MSC3959).
    pub account_data: Scope,
    /// Receipts (MSC3960).
    pub receipts: Scope,
    /// Who is typing (MSC3961).
    pub typing: Scope,
    /// Which threads the user follows (MSC4308).
    #[serde(rename = "io.element.msc4308.thread_subscriptions", alias = "thread_subscriptions")]
    pub thread_subscriptions: Limited,
}

/// On or off, and how much at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Limited {
    /// Whether it is wanted.
    pub enabled: Option<bool>,
    /// The most entries in an answer.
    pub limit: Option<usize>,
}

/// On or off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Switch {
    /// Whether it is wanted.
    pub enabled: Option<bool>,
}

/// Messages to the device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ToDevice {
    /// Whether they are wanted.
    pub enabled: Option<bool>,
    /// The most messages in an answer.
    pub limit: Option<usize>,
    /// The `next_batch` that the client has seen: messages up to it are deleted.
    pub since: Option<String>,
}

/// In which rooms something is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Whether it is wanted at all.
    pub enabled: Option<bool>,
    /// In the windows of these lists; absent: of all.
    pub lists: Option<Vec<String>>,
    /// In these subscribed rooms; absent or `*`: in all.
    pub rooms: Option<Vec<String>>,
}

impl Scope {
    pub(super) fn is_on(&self) -> bool {
        self.enabled == Some(true)
    }

    pub(super) fn has_list(&self, name: &str) -> bool {
        self.lists.as_ref().is_none_or(|lists| lists.iter().any(|list| list == name))
    }

    pub(super) fn has_subscription(&self, room: &str) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|other| other == "*" || other == room))
    }
}

impl Details {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { limit: self.timeline_limit.min(LONGEST_TIMELINE), ..self.required_state.wanted() }
    }

    fn check(&self, path: &str) -> Result<(), EngineError> {
        if self.required_state.len() > MOST_STATE {
            let field = format!("{path}.required_state");
            return Err(EngineError::invalid(field, format!("more than {MOST_STATE} entries")));
        }
        Ok(())
    }
}

impl List {
    /// The ranges, in either spelling.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (usize, usize)> {
        let all = (self.ranges.is_none() && self.range.is_none()).then_some((0, usize::MAX));
        self.ranges.iter().flatten().copied().chain(self.range).chain(all)
    }
}

impl SlidingBody {
    /// Checks what the shape does not.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] that names the field.
    pub fn check(&self) -> Result<(), EngineError> {
        let too_long = |name: &String| name.len() > LONGEST_NAME;
        if self.conn_id.as_ref().is_some_and(too_long) {
            return Err(EngineError::invalid("conn_id", format!("longer than {LONGEST_NAME} bytes")));
        }
        if self.txn_id.as_ref().is_some_and(too_long) {
            return Err(EngineError::invalid("txn_id", format!("longer than {LONGEST_NAME} bytes")));
        }
        if self.lists.len() > MOST_LISTS {
            return Err(EngineError::invalid("lists", format!("more than {MOST_LISTS}")));
        }
        for (name, list) in &self.lists {
            if too_long(name) {
                return Err(EngineError::invalid(
                    "lists",
                    format!("a name longer than {LONGEST_NAME} bytes"),
                ));
            }
            let path = format!("lists.{name}");
            list.details.check(&path)?;
            let ranges = list.ranges.as_deref().unwrap_or_default();
            if ranges.len() > MOST_RANGES {
                return Err(EngineError::invalid(
                    format!("{path}.ranges"),
                    format!("more than {MOST_RANGES}"),
                ));
            }
            if ranges.iter().chain(&list.range).any(|(first, last)| first > last) {
                return Err(EngineError::invalid(format!("{path}.ranges"), "a range ends before it begins"));
            }
        }
        if self.room_subscriptions.len() > MOST_SUBSCRIPTIONS {
            return Err(EngineError::invalid(
                "room_subscriptions",
                format!("more than {MOST_SUBSCRIPTIONS}"),
            ));
        }
        self.room_subscriptions
            .iter()
            .try_for_each(|(room, details)| details.check(&format!("room_subscriptions.{room}")))
    }
}
