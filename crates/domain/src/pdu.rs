//! Persistent data units (server-server specification, "PDUs"): an event as it is hashed and signed.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::canonical::{self, CanonicalError, Members};
use crate::redaction;
use crate::room_version::RoomVersion;
use crate::time::Timestamp;

/// The most bytes that the canonical JSON of an event may have. One less than the specification's 65,536,
/// because implementations differ on whether that limit is included.
pub const MAX_EVENT_BYTES: usize = 65_535;

/// The most bytes that an id, an event type or a state key may have.
pub const MAX_NAME_BYTES: usize = 255;

/// A parsed event of room version 3 to 12. Immutable; shared as `Arc<Pdu>`.
///
/// Its `Debug` form leaves out what the event says, so that it may be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Pdu {
    /// The event id: the reference hash of the event.
    pub event_id: OwnedEventId,
    /// The room. For the create event of a version 12 room it is derived from the event id.
    pub room_id: OwnedRoomId,
    /// The user that sent the event.
    pub sender: OwnedUserId,
    /// The event type (`type` on the wire).
    pub kind: String,
    /// The state key, if this is a state event.
    pub state_key: Option<String>,
    /// When the sender's server made the event, by that server's clock.
    pub origin_server_ts: Timestamp,
    /// One more than the greatest depth of the previous events.
    pub depth: i64,
    /// The events that came last before this one.
    pub prev_events: Vec<OwnedEventId>,
    /// The state events that allow this one.
    pub auth_events: Vec<OwnedEventId>,
    /// The event that this one redacts, if it is an `m.room.redaction`.
    pub redacts: Option<OwnedEventId>,
    json: Box<str>,
    content: Range<usize>,
}

/// Why a text is not an acceptable event.
#[derive(Debug, thiserror::Error)]
pub enum PduError {
    /// It is not an object in canonical JSON.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// A field is missing or has a wrong value.
    #[error("{field}: {reason}")]
    Field {
        /// Path of the field, for example `prev_events[0]`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field has more than [`MAX_NAME_BYTES`] bytes.
    #[error("{field} has {bytes} bytes; the most is {MAX_NAME_BYTES}")]
    TooLong {
        /// Name of the field.
        field: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// The whole event has more than [`MAX_EVENT_BYTES`] bytes.
    #[error("the event has {bytes} bytes; the most is {MAX_EVENT_BYTES}")]
    TooLarge {
        /// Its length as canonical JSON.
        bytes: usize,
    },
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default)]
    room_id: Option<OwnedRoomId>,
    sender: OwnedUserId,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    state_key: Option<String>,
    origin_server_ts: i64,
    depth: i64,
    prev_events: Vec<OwnedEventId>,
    auth_events: Vec<OwnedEventId>,
    #[serde(default)]
    redacts: Option<serde_json::Value>,
    #[serde(borrow)]
    content: &'a RawValue,
}

impl fmt::Debug for Pdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pdu")
            .field("event_id", &self.event_id)
            .field("room_id", &self.room_id)
            .field("sender", &self.sender)
            .field("kind", &self.kind)
            .field("state_key", &self.state_key)
            .finish_non_exhaustive()
    }
}

impl Pdu {
    /// Parses an event received from another server and computes its id. `unsigned` is dropped: it is neither
    /// hashed nor signed. Signatures and content hash are not verified here.
    ///
    /// # Errors
    /// Any [`PduError`]; the error names the field.
    pub fn parse(json: &str, version: RoomVersion) -> Result<Self, PduError> {
        let mut members = canonical::parse_object(json)?;
        members.retain(|(key, _)| key != "unsigned");
        let canonical = canonical::Value::Object(members);
        let text = canonical.to_canonical();
        let canonical::Value::Object(members) = &canonical else {
            return Err(CanonicalError::NotObject.into());
        };
        let event_id = reference_event_id(members, version)?;
        Self::from_stored(event_id, text, version)
    }

    /// Takes back an event that [`Pdu::json`] gave earlier, without computing its id again.
    ///
    /// # Errors
    /// A [`PduError`] if the text is not what was stored.
    pub fn from_stored(
        event_id: OwnedEventId,
        json: impl Into<Box<str>>,
        version: RoomVersion,
    ) -> Result<Self, PduError> {
        let json: Box<str> = json.into();
        check_size(&json)?;
        let mut deserializer = serde_json::Deserializer::from_str(&json);
        let wire: Wire<'_> = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|e| PduError::Field { field: e.path().to_string(), reason: e.inner().to_string() })?;
        let content = wire.content.get();
        if !content.starts_with('{') {
            return Err(PduError::Field { field: "content".to_owned(), reason: "not an object".to_owned() });
        }
        if wire.origin_server_ts < 0 {
            return Err(PduError::Field {
                field: "origin_server_ts".to_owned(),
                reason: "negative".to_owned(),
            });
        }
        let start = content.as_ptr() as usize - json.as_ptr() as usize;
        let redacts = target(&wire.kind, wire.redacts.as_ref(), content, version);
        let room_id = match wire.room_id {
            None if wire.kind == "m.room.create" && version.room_id_is_create_hash() => {
                room_id_of_create(&event_id)?
            }
            Some(_) if wire.kind == "m.room.create" && version.room_id_is_create_hash() => {
                return Err(PduError::Field {
                    field: "room_id".to_owned(),
                    reason: "not allowed in m.room.create of this room version".to_owned(),
                });
            }
            Some(room_id) => room_id,
            None => {
                return Err(PduError::Field { field: "room_id".to_owned(), reason: "missing".to_owned() });
            }
        };
        let content = start..start + content.len();
        let pdu = Self {
            event_id,
            room_id,
            sender: wire.sender,
            kind: wire.kind,
            state_key: wire.state_key,
            origin_server_ts: Timestamp(wire.origin_server_ts),
            depth: wire.depth,
            prev_events: wire.prev_events,
            auth_events: wire.auth_events,
            redacts,
            content,
            json,
        };
        pdu.check_lengths()?;
        Ok(pdu)
    }

    /// The event as canonical JSON: the bytes that are stored and sent to other servers.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The `content` object as canonical JSON.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.json[self.content.clone()]
    }

    /// Reads the content as `T`.
    ///
    /// # Errors
    /// The parser's error if the content is not a `T`.
    pub fn content_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.content())
    }

    /// Whether this is the state event of the given type and key.
    #[must_use]
    pub fn is_state(&self, kind: &str, state_key: &str) -> bool {
        self.kind == kind && self.state_key.as_deref() == Some(state_key)
    }

    /// The `membership` of an `m.room.member` event; `None` for other events or a malformed one.
    #[must_use]
    pub fn membership(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Member {
            membership: String,
        }
        if self.kind != "m.room.member" {
            return None;
        }
        self.content_as::<Member>().ok().map(|member| member.membership)
    }

    fn check_lengths(&self) -> Result<(), PduError> {
        check_name("room_id", self.room_id.as_str())?;
        check_name("sender", self.sender.as_str())?;
        check_name("type", &self.kind)?;
        check_name("state_key", self.state_key.as_deref().unwrap_or_default())?;
        for id in &self.prev_events {
            check_name("prev_events", id.as_str())?;
        }
        for id in &self.auth_events {
            check_name("auth_events", id.as_str())?;
        }
        Ok(())
    }
}

/// The parts of an event that was just built; `content` is the range of the content within `json`.
pub(crate) struct Built {
    pub(crate) event_id: OwnedEventId,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) sender: OwnedUserId,
    pub(crate) kind: String,
    pub(crate) state_key: Option<String>,
    pub(crate) origin_server_ts: Timestamp,
    pub(crate) depth: i64,
    pub(crate) prev_events: Vec<OwnedEventId>,
    pub(crate) auth_events: Vec<OwnedEventId>,
    pub(crate) redacts: Option<OwnedEventId>,
    pub(crate) json: String,
    pub(crate) content: Range<usize>,
}

impl Built {
    pub(crate) fn finish(self) -> Result<Pdu, PduError> {
        check_size(&self.json)?;
        let pdu = Pdu {
            event_id: self.event_id,
            room_id: self.room_id,
            sender: self.sender,
            kind: self.kind,
            state_key: self.state_key,
            origin_server_ts: self.origin_server_ts,
            depth: self.depth,
            prev_events: self.prev_events,
            auth_events: self.auth_events,
            redacts: self.redacts,
            json: self.json.into_boxed_str(),
            content: self.content,
        };
        pdu.check_lengths()?;
        Ok(pdu)
    }
}

fn check_size(json: &str) -> Result<(), PduError> {
    if json.len() > MAX_EVENT_BYTES { Err(PduError::TooLarge { bytes: json.len() }) } else { Ok(()) }
}

fn check_name(field: &'static str, value: &str) -> Result<(), PduError> {
    if value.len() > MAX_NAME_BYTES { Err(PduError::TooLong { field, bytes: value.len() }) } else { Ok(()) }
}

/// The event that a redaction names. A malformed target is no target: the event then redacts nothing.
fn target(
    kind: &str,
    top_level: Option<&serde_json::Value>,
    content: &str,
    version: RoomVersion,
) -> Option<OwnedEventId> {
    #[derive(Deserialize)]
    struct Content<'a> {
        #[serde(borrow, default)]
        redacts: Option<Cow<'a, str>>,
    }
    if kind != "m.room.redaction" {
        return None;
    }
    if version.redacts_in_content() {
        let content: Content<'_> = serde_json::from_str(content).ok()?;
        OwnedEventId::try_from(content.redacts?.as_ref()).ok()
    } else {
        OwnedEventId::try_from(top_level?.as_str()?).ok()
    }
}

/// The room id of a version 12 room: the id of its create event with the other sigil.
pub(crate) fn room_id_of_create(event_id: &OwnedEventId) -> Result<OwnedRoomId, PduError> {
    OwnedRoomId::try_from(format!("!{}", &event_id.as_str()[1..]))
        .map_err(|e| PduError::Field { field: "room_id".to_owned(), reason: e.to_string() })
}

/// The event id of an event from its members: `$` and the reference hash (server-server specification,
/// "Calculating the reference hash for an event").
fn reference_event_id(members: &Members<'_>, version: RoomVersion) -> Result<OwnedEventId, PduError> {
    let mut redacted = redaction::redact_members(members, version);
    redacted.retain(|(key, _)| key != "signatures" && key != "unsigned");
    event_id_of_redacted(&canonical::Value::Object(redacted).to_canonical(), version)
}

/// The event id from the redacted event without `signatures` and `unsigned`.
pub(crate) fn event_id_of_redacted(redacted: &str, version: RoomVersion) -> Result<OwnedEventId, PduError> {
    use sha2::{Digest, Sha256};
    crate::ids::event_id_from_hash(&Sha256::digest(redacted.as_bytes()).into(), version)
        .map_err(|e| PduError::Field { field: "event_id".to_owned(), reason: e.to_string() })
}
