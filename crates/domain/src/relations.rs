//! Relations between events (client-server specification, "Forming relationships between events").

use ruma::OwnedEventId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::pdu::Pdu;

/// How one event relates to another (`rel_type`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// `m.annotation`: a reaction.
    Annotation,
    /// `m.reference`.
    Reference,
    /// `m.replace`: an edit.
    Replace,
    /// `m.thread`.
    Thread,
    /// Any other.
    Other(String),
}

impl RelationKind {
    /// The kind with this name.
    #[must_use]
    pub fn parse(rel_type: &str) -> Self {
        match rel_type {
            "m.annotation" => Self::Annotation,
            "m.reference" => Self::Reference,
            "m.replace" => Self::Replace,
            "m.thread" => Self::Thread,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Annotation => "m.annotation",
            Self::Reference => "m.reference",
            Self::Replace => "m.replace",
            Self::Thread => "m.thread",
            Self::Other(name) => name,
        }
    }

    /// Whether the server bundles relations of this kind with the event they point to (`m.relations` in
    /// `unsigned`). Annotations are not bundled: clients count them.
    #[must_use]
    pub const fn is_bundled(&self) -> bool {
        matches!(self, Self::Reference | Self::Replace | Self::Thread)
    }
}

/// The relation of an event (`m.relates_to` with a `rel_type`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// How it relates.
    pub kind: RelationKind,
    /// The event it points to.
    pub event_id: OwnedEventId,
    /// The reaction, for annotations.
    pub key: Option<String>,
}

#[derive(Deserialize)]
struct Content<T> {
    #[serde(rename = "m.relates_to")]
    relates_to: T,
}

/// The relation of an event; `None` if it has none or a malformed one. State events relate to nothing.
#[must_use]
pub fn relation(pdu: &Pdu) -> Option<Relation> {
    #[derive(Deserialize)]
    struct RelatesTo {
        rel_type: String,
        event_id: OwnedEventId,
        #[serde(default)]
        key: Option<String>,
    }
    // Most events relate to nothing; this look is cheaper than a parse.
    if pdu.state_key.is_some() || !pdu.content().contains("\"m.relates_to\"") {
        return None;
    }
    let RelatesTo { rel_type, event_id, key } = pdu.content_as::<Content<RelatesTo>>().ok()?.relates_to;
    Some(Relation { kind: RelationKind::parse(&rel_type), event_id, key })
}

/// The event that an event replies to (`m.in_reply_to`), which may stand beside a thread relation.
#[must_use]
pub fn in_reply_to(pdu: &Pdu) -> Option<OwnedEventId> {
    #[derive(Deserialize)]
    struct RelatesTo {
        #[serde(rename = "m.in_reply_to")]
        in_reply_to: InReplyTo,
    }
    #[derive(Deserialize)]
    struct InReplyTo {
        event_id: OwnedEventId,
    }
    if !pdu.content().contains("\"m.in_reply_to\"") {
        return None;
    }
    let content: Content<RelatesTo> = pdu.content_as().ok()?;
    Some(content.relates_to.in_reply_to.event_id)
}

/// Whether `edit` may replace `original` (client-server specification, "Validity of replacement events").
///
/// The new content of an encrypted edit cannot be seen here; its presence is for clients to check.
#[must_use]
pub fn is_valid_edit(edit: &Pdu, original: &Pdu) -> bool {
    #[derive(Deserialize)]
    struct NewContent<'a> {
        #[serde(rename = "m.new_content", borrow)]
        new_content: &'a RawValue,
    }
    let points_here =
        |relation: Relation| relation.kind == RelationKind::Replace && relation.event_id == original.event_id;
    relation(edit).is_some_and(points_here)
        && edit.room_id == original.room_id
        && edit.sender == original.sender
        && edit.kind == original.kind
        && edit.state_key.is_none()
        && original.state_key.is_none()
        && relation(original).is_none_or(|relation| relation.kind != RelationKind::Replace)
        && (edit.kind == "m.room.encrypted"
            || edit.content_as::<NewContent<'_>>().is_ok_and(|c| c.new_content.get().starts_with('{')))
}
