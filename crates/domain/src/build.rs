//! Building events: content hash, signature, event id (server-server specification, "Signing Events").

use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::canonical::{self, CanonicalError, MAX_INTEGER, Value, write_integer, write_string};
use crate::pdu::{Built, Pdu, PduError, event_id_of_redacted, room_id_of_create};
use crate::redaction::redact_content;
use crate::room_version::RoomVersion;
use crate::signing::Signer;
use crate::time::Timestamp;

/// What an event says, before it has a place in a room. Its `Debug` form leaves out the content.
#[derive(Clone)]
pub struct EventTemplate {
    /// The event type.
    pub kind: String,
    /// The state key, for a state event.
    pub state_key: Option<String>,
    /// The content: a JSON object. Need not be canonical.
    pub content: Box<RawValue>,
    /// The user that sends it.
    pub sender: OwnedUserId,
    /// The event to redact, for `m.room.redaction`. Written where the room version wants it.
    pub redacts: Option<OwnedEventId>,
    /// When it is sent.
    pub origin_server_ts: Timestamp,
}

impl fmt::Debug for EventTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTemplate")
            .field("kind", &self.kind)
            .field("state_key", &self.state_key)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

impl EventTemplate {
    /// A message-like event.
    ///
    /// # Errors
    /// The serialiser's error if `content` is not JSON.
    pub fn message(
        kind: impl Into<String>,
        sender: OwnedUserId,
        content: &impl Serialize,
        origin_server_ts: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let content = serde_json::value::to_raw_value(content)?;
        Ok(Self { kind: kind.into(), state_key: None, content, sender, redacts: None, origin_server_ts })
    }

    /// A state event.
    ///
    /// # Errors
    /// The serialiser's error if `content` is not JSON.
    pub fn state(
        kind: impl Into<String>,
        state_key: impl Into<String>,
        sender: OwnedUserId,
        content: &impl Serialize,
        origin_server_ts: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let message = Self::message(kind, sender, content, origin_server_ts)?;
        Ok(Self { state_key: Some(state_key.into()), ..message })
    }
}

/// Where in a room an event is put.
#[derive(Clone, Debug)]
pub struct BuildContext {
    /// The version of the room.
    pub version: RoomVersion,
    /// The room. `None` exactly for the create event of a version 12 room, whose hash becomes the room id.
    pub room_id: Option<OwnedRoomId>,
    /// The events that it follows: the forward extremities of the room.
    pub prev_events: Vec<OwnedEventId>,
    /// One more than the greatest depth of `prev_events`.
    pub depth: i64,
    /// The state events that allow it, as [`crate::auth::auth_types`] selects them.
    pub auth_events: Vec<OwnedEventId>,
}

/// Builds the event: hashes, signs and names it. Whether it is allowed is not decided here.
///
/// # Errors
/// [`PduError`] names the field that is too long, or the content that is not a canonical JSON object.
pub fn build(template: EventTemplate, context: BuildContext, signer: &Signer) -> Result<Pdu, PduError> {
    let raw = template.content;
    let content = content_members(raw.get(), &template.kind, template.redacts.as_ref(), context.version)?;
    let depth = context.depth.clamp(0, MAX_INTEGER);
    let is_hash_root = context.version.room_id_is_create_hash() && template.kind == "m.room.create";
    let (target, top_level) = targets(&template.kind, template.redacts, &content, context.version);
    let parts = Parts {
        auth_events: &context.auth_events,
        depth,
        origin_server_ts: template.origin_server_ts.as_millis().clamp(0, MAX_INTEGER),
        prev_events: &context.prev_events,
        room_id: if is_hash_root { None } else { context.room_id.as_ref() },
        sender: &template.sender,
        state_key: template.state_key.as_deref(),
        kind: &template.kind,
    };
    if parts.room_id.is_none() && !is_hash_root {
        return Err(PduError::Field { field: "room_id".to_owned(), reason: "missing".to_owned() });
    }

    let full_content = content.to_canonical();
    let mut buffer = String::with_capacity(full_content.len() + 1024);
    parts.write(&mut buffer, &full_content, top_level.as_ref(), None, None);
    let hash = STANDARD_NO_PAD.encode(Sha256::digest(buffer.as_bytes()));

    // The signature and the event id cover the same bytes: the redacted event with its content hash.
    buffer.clear();
    let redacted = redact_content(&template.kind, &content, context.version).to_canonical();
    parts.write(&mut buffer, &redacted, None, Some(&hash), None);
    let event_id = event_id_of_redacted(&buffer, context.version)?;
    let signature = signer.sign(buffer.as_bytes());

    buffer.clear();
    let signature = Some((signer, signature.as_str()));
    let content = parts.write(&mut buffer, &full_content, top_level.as_ref(), Some(&hash), signature);
    let origin_server_ts = Timestamp(parts.origin_server_ts);
    let room_id = match context.room_id {
        Some(room_id) if !is_hash_root => room_id,
        _ => room_id_of_create(&event_id)?,
    };
    Built {
        event_id,
        room_id,
        redacts: target,
        origin_server_ts,
        sender: template.sender,
        kind: template.kind,
        state_key: template.state_key,
        depth,
        prev_events: context.prev_events,
        auth_events: context.auth_events,
        json: buffer,
        content,
    }
    .finish()
}

/// The event that a redaction redacts, and what of it is written at the top level of the event. A client may
/// have put the target into the content itself.
fn targets(
    kind: &str,
    redacts: Option<OwnedEventId>,
    content: &Value<'_>,
    version: RoomVersion,
) -> (Option<OwnedEventId>, Option<OwnedEventId>) {
    if kind != "m.room.redaction" {
        return (None, None);
    }
    if version.redacts_in_content() {
        let target = content.get("redacts").and_then(Value::as_str);
        return (target.and_then(|id| OwnedEventId::try_from(id).ok()), None);
    }
    (redacts.clone(), redacts)
}

/// The content as a canonical object, with `redacts` put into it where the room version wants it there.
fn content_members<'a>(
    raw: &'a str,
    kind: &str,
    redacts: Option<&OwnedEventId>,
    version: RoomVersion,
) -> Result<Value<'a>, PduError> {
    let mut members = canonical::parse_object(raw).map_err(|error| match error {
        CanonicalError::NotObject => {
            PduError::Field { field: "content".to_owned(), reason: "not an object".to_owned() }
        }
        CanonicalError::Invalid(error) => {
            PduError::Field { field: "content".to_owned(), reason: error.to_string() }
        }
    })?;
    if let Some(target) = redacts.filter(|_| kind == "m.room.redaction" && version.redacts_in_content()) {
        let value = Value::String(target.as_str().to_owned().into());
        match members.binary_search_by(|(key, _)| key.as_ref().cmp("redacts")) {
            Ok(at) => members[at].1 = value,
            Err(at) => members.insert(at, ("redacts".into(), value)),
        }
    }
    Ok(Value::Object(members))
}

struct Parts<'a> {
    auth_events: &'a [OwnedEventId],
    depth: i64,
    origin_server_ts: i64,
    prev_events: &'a [OwnedEventId],
    room_id: Option<&'a OwnedRoomId>,
    sender: &'a OwnedUserId,
    state_key: Option<&'a str>,
    kind: &'a str,
}

impl Parts<'_> {
    /// Writes the event with its keys in order; gives back where the content is.
    fn write(
        &self,
        out: &mut String,
        content: &str,
        redacts: Option<&OwnedEventId>,
        hash: Option<&str>,
        signature: Option<(&Signer, &str)>,
    ) -> Range<usize> {
        out.push_str("{\"auth_events\":");
        write_ids(out, self.auth_events);
        out.push_str(",\"content\":");
        let start = out.len();
        out.push_str(content);
        let range = start..out.len();
        out.push_str(",\"depth\":");
        write_integer(out, self.depth);
        if let Some(hash) = hash {
            out.push_str(",\"hashes\":{\"sha256\":\"");
            out.push_str(hash);
            out.push_str("\"}");
        }
        out.push_str(",\"origin_server_ts\":");
        write_integer(out, self.origin_server_ts);
        out.push_str(",\"prev_events\":");
        write_ids(out, self.prev_events);
        if let Some(target) = redacts {
            out.push_str(",\"redacts\":");
            write_string(out, target.as_str());
        }
        if let Some(room_id) = self.room_id {
            out.push_str(",\"room_id\":");
            write_string(out, room_id.as_str());
        }
        out.push_str(",\"sender\":");
        write_string(out, self.sender.as_str());
        if let Some((signer, signature)) = signature {
            out.push_str(",\"signatures\":{");
            write_string(out, signer.server_name().as_str());
            out.push_str(":{");
            write_string(out, signer.key_id());
            out.push_str(":\"");
            out.push_str(signature);
            out.push_str("\"}}");
        }
        if let Some(state_key) = self.state_key {
            out.push_str(",\"state_key\":");
            write_string(out, state_key);
        }
        out.push_str(",\"type\":");
        write_string(out, self.kind);
        out.push('}');
        range
    }
}

fn write_ids(out: &mut String, ids: &[OwnedEventId]) {
    out.push('[');
    for (at, id) in ids.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(out, id.as_str());
    }
    out.push(']');
}
