//! The format in which clients see events (client-server specification, "Room event format").
//!
//! The bytes of an event are made once and shared by every reader. What differs between readers, `unsigned`
//! and the presence of `room_id`, is spliced in when they are served.

use std::fmt;

use ruma::{EventId, RoomId};
use serde_json::value::RawValue;

use crate::canonical::{write_integer, write_string};
use crate::pdu::Pdu;

/// The client format of one event, without `unsigned`.
///
/// The text starts with `{"room_id":"…",` so that it can be served with or without the room id.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientEvent {
    json: Box<str>,
    /// Where the members after the room id begin.
    rest: usize,
}

/// The `unsigned` of an event as one reader gets it. Members that are `None` are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unsigned<'a> {
    /// Milliseconds since the event was sent, by this server's clock.
    pub age: Option<i64>,
    /// The transaction id, for the device that sent the event.
    pub transaction_id: Option<&'a str>,
    /// The content of the state event that this one replaced.
    pub prev_content: Option<&'a RawValue>,
    /// The event that this one replaced in the state.
    pub replaces_state: Option<&'a EventId>,
    /// The redaction, in client format, that removed this event's content.
    pub redacted_because: Option<&'a RawValue>,
    /// The reader's own membership at the time of the event (`membership`).
    pub membership: Option<&'a str>,
    /// The bundled aggregations (`m.relations`).
    pub relations: Option<&'a RawValue>,
}

impl Unsigned<'_> {
    /// Whether nothing is to be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.age.is_none()
            && self.transaction_id.is_none()
            && self.prev_content.is_none()
            && self.replaces_state.is_none()
            && self.redacted_because.is_none()
            && self.membership.is_none()
            && self.relations.is_none()
    }
}

impl fmt::Debug for ClientEvent {
    /// Without what the event says, so that it may be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientEvent").field("bytes", &self.json.len()).finish_non_exhaustive()
    }
}

impl ClientEvent {
    /// Makes the client format of an event. The target of a redaction is written both at the top level and in the
    /// content, as the specification asks for the sake of older clients.
    #[must_use]
    pub fn new(pdu: &Pdu) -> Self {
        let mut json = String::with_capacity(pdu.content().len() + 384);
        json.push_str("{\"room_id\":");
        write_string(&mut json, pdu.room_id.as_str());
        json.push(',');
        let rest = json.len();
        json.push_str("\"content\":");
        write_content(&mut json, pdu);
        json.push_str(",\"event_id\":");
        write_string(&mut json, pdu.event_id.as_str());
        json.push_str(",\"origin_server_ts\":");
        write_integer(&mut json, pdu.origin_server_ts.as_millis());
        if let Some(target) = &pdu.redacts {
            json.push_str(",\"redacts\":");
            write_string(&mut json, target.as_str());
        }
        write_sender_key_type(&mut json, pdu);
        json.push('}');
        Self { json: json.into_boxed_str(), rest }
    }

    /// Takes back what [`ClientEvent::as_str`] gave for an event of this room; `None` if it is something else.
    #[must_use]
    pub fn from_stored(json: impl Into<Box<str>>, room_id: &RoomId) -> Option<Self> {
        let json = json.into();
        let mut head = String::from("{\"room_id\":");
        write_string(&mut head, room_id.as_str());
        head.push(',');
        (json.starts_with(&head) && json.ends_with('}')).then_some(Self { rest: head.len(), json })
    }

    /// The event with its room id and without `unsigned`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.json
    }

    /// Appends the event with its room id.
    pub fn write(&self, out: &mut String, unsigned: &Unsigned<'_>) {
        out.push_str(&self.json[..self.rest]);
        self.write_rest(out, unsigned);
    }

    /// Appends the event without its room id, as `/sync` has it.
    pub fn write_without_room(&self, out: &mut String, unsigned: &Unsigned<'_>) {
        out.push('{');
        self.write_rest(out, unsigned);
    }

    /// The event with its room id, as text.
    #[must_use]
    pub fn to_json(&self, unsigned: &Unsigned<'_>) -> String {
        let mut out = String::with_capacity(self.json.len() + 128);
        self.write(&mut out, unsigned);
        out
    }

    fn write_rest(&self, out: &mut String, unsigned: &Unsigned<'_>) {
        out.push_str(&self.json[self.rest..self.json.len() - 1]);
        if !unsigned.is_empty() {
            out.push_str(",\"unsigned\":");
            write_unsigned(out, unsigned);
        }
        out.push('}');
    }
}

/// Appends a state event in stripped form (client-server specification, "Stripped state"): sender, type, state
/// key and content only.
pub fn write_stripped(out: &mut String, pdu: &Pdu) {
    out.push_str("{\"content\":");
    out.push_str(pdu.content());
    write_sender_key_type(out, pdu);
    out.push('}');
}

fn write_sender_key_type(out: &mut String, pdu: &Pdu) {
    out.push_str(",\"sender\":");
    write_string(out, pdu.sender.as_str());
    if let Some(state_key) = &pdu.state_key {
        out.push_str(",\"state_key\":");
        write_string(out, state_key);
    }
    out.push_str(",\"type\":");
    write_string(out, &pdu.kind);
}

/// The content; a redaction of an older room version gets its target added.
fn write_content(out: &mut String, pdu: &Pdu) {
    let content = pdu.content();
    let Some(target) = &pdu.redacts else {
        out.push_str(content);
        return;
    };
    let Ok(mut members) = crate::canonical::parse_object(content) else {
        out.push_str(content);
        return;
    };
    members.retain(|(key, _)| key != "redacts");
    members.push(("redacts".into(), crate::canonical::Value::String(target.as_str().into())));
    members.sort_by(|a, b| a.0.cmp(&b.0));
    crate::canonical::Value::Object(members).write(out);
}

fn write_unsigned(out: &mut String, unsigned: &Unsigned<'_>) {
    let mut first = true;
    let mut key = |out: &mut String, name: &str| {
        out.push(if std::mem::take(&mut first) { '{' } else { ',' });
        write_string(out, name);
        out.push(':');
    };
    if let Some(age) = unsigned.age {
        key(out, "age");
        write_integer(out, age);
    }
    if let Some(transaction_id) = unsigned.transaction_id {
        key(out, "transaction_id");
        write_string(out, transaction_id);
    }
    if let Some(content) = unsigned.prev_content {
        key(out, "prev_content");
        out.push_str(content.get());
    }
    if let Some(event_id) = unsigned.replaces_state {
        key(out, "replaces_state");
        write_string(out, event_id.as_str());
    }
    if let Some(redaction) = unsigned.redacted_because {
        key(out, "redacted_because");
        out.push_str(redaction.get());
    }
    if let Some(membership) = unsigned.membership {
        key(out, "membership");
        write_string(out, membership);
    }
    if let Some(relations) = unsigned.relations {
        key(out, "m.relations");
        out.push_str(relations.get());
    }
    out.push('}');
}
