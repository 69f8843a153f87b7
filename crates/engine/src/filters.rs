//! Sync filters (Client-Server API, "Filtering"): their shape, and the ones that clients stored.

use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::Deserialize;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::{EventNid, Reader, StoreError, UserNid, events, filters};

use crate::{Context, EngineError};

/// The most bytes that a filter may have.
const LARGEST: usize = 65_536;
/// Relations of one event that a filter looks at.
const MOST_RELATED: usize = 1000;

/// What a client wants to get.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Which members of events, as paths with dots; `None`: all.
    pub event_fields: Option<Vec<String>>,
    /// In which form events of rooms are given.
    pub event_format: EventFormat,
    /// Whose presence.
    pub presence: EventFilter,
    /// Which global account data.
    pub account_data: EventFilter,
    /// Which rooms and what of them.
    pub room: RoomFilter,
}

/// In which form events of rooms are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    /// As clients use them.
    #[default]
    Client,
    /// As servers send them to one another, with hashes and signatures.
    Federation,
}

/// Which rooms and what of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RoomFilter {
    /// Only these rooms.
    pub rooms: Option<Vec<OwnedRoomId>>,
    /// Not these rooms; stronger than `rooms`.
    pub not_rooms: Vec<OwnedRoomId>,
    /// Rooms that were left, too, in an initial sync.
    pub include_leave: bool,
    /// Which timeline events.
    pub timeline: RoomEventFilter,
    /// Which state events.
    pub state: RoomEventFilter,
    /// Which of typing and receipts.
    pub ephemeral: RoomEventFilter,
    /// Which account data of rooms.
    pub account_data: RoomEventFilter,
}

/// A choice of events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EventFilter {
    /// The most events.
    pub limit: Option<u32>,
    /// Only these types; `*` matches anything.
    pub types: Option<Vec<String>>,
    /// Not these types; stronger than `types`.
    pub not_types: Vec<String>,
    /// Only from these senders.
    pub senders: Option<Vec<OwnedUserId>>,
    /// Not from these senders; stronger than `senders`.
    pub not_senders: Vec<OwnedUserId>,
}

/// A choice of events of rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RoomEventFilter {
    /// What it shares with choices outside rooms.
    #[serde(flatten)]
    pub events: EventFilter,
    /// Only in these rooms.
    pub rooms: Option<Vec<OwnedRoomId>>,
    /// Not in these rooms; stronger than `rooms`.
    pub not_rooms: Vec<OwnedRoomId>,
    /// Only events with (`true`) or without (`false`) a `url` in their content.
    pub contains_url: Option<bool>,
    /// Members only when they say something.
    pub lazy_load_members: bool,
    /// Members again whom the client knows already.
    pub include_redundant_members: bool,
    /// Unread counts by thread.
    pub unread_thread_notifications: bool,
    /// Only events that relate to another in one of these ways (MSC3874).
    #[serde(alias = "org.matrix.msc3874.rel_types")]
    pub rel_types: Option<Vec<String>>,
    /// No events that relate to another in one of these ways; stronger than `rel_types` (MSC3874).
    #[serde(alias = "org.matrix.msc3874.not_rel_types")]
    pub not_rel_types: Vec<String>,
    /// Only events that an event of one of these senders relates to.
    pub related_by_senders: Option<Vec<OwnedUserId>>,
    /// Only events that another relates to in one of these ways.
    pub related_by_rel_types: Option<Vec<String>>,
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] that names the field.
    pub fn parse(json: &str) -> Result<Self, EngineError> {
        if json.len() > LARGEST {
            return Err(EngineError::TooLarge(format!("a filter has at most {LARGEST} bytes")));
        }
        // serde would take an array for a struct.
        if !json.trim_start().starts_with('{') {
            return Err(EngineError::invalid("filter", "not a JSON object"));
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let filter = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            EngineError::invalid(
                if path == "." { "filter".to_owned() } else { path },
                "not what a filter has there",
            )
        })?;
        deserializer.end().map_err(|_| EngineError::invalid("filter", "text after the object"))?;
        Ok(filter)
    }
}

impl RoomFilter {
    /// Whether the filter lets a room through at all.
    #[must_use]
    pub fn allows(&self, room: &wardline_domain::ruma::RoomId) -> bool {
        !self.not_rooms.iter().any(|r| r == room)
            && self.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|r| r == room))
    }
}

impl EventFilter {
    /// Whether the filter lets events of this type through.
    #[must_use]
    pub fn allows_kind(&self, kind: &str) -> bool {
        !self.not_types.iter().any(|pattern| matches(pattern, kind))
            && self.types.as_ref().is_none_or(|types| types.iter().any(|pattern| matches(pattern, kind)))
    }

    /// Whether the filter lets events of this sender through.
    #[must_use]
    pub fn allows_sender(&self, sender: &wardline_domain::ruma::UserId) -> bool {
        !self.not_senders.iter().any(|s| s == sender)
            && self.senders.as_ref().is_none_or(|senders| senders.iter().any(|s| s == sender))
    }

    /// Whether the filter lets something of this type through that has no sender.
    #[must_use]
    pub fn allows_unsent(&self, kind: &str) -> bool {
        self.senders.is_none() && self.allows_kind(kind)
    }

    /// Whether the filter lets everything through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.types.is_none()
            && self.not_types.is_empty()
            && self.senders.is_none()
            && self.not_senders.is_empty()
    }
}

impl RoomEventFilter {
    /// Whether the filter lets anything of a room through.
    #[must_use]
    pub fn allows_room(&self, room: &wardline_domain::ruma::RoomId) -> bool {
        !self.not_rooms.iter().any(|r| r == room)
            && self.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|r| r == room))
    }

    /// Whether what relates to an event is as the filter asks; the event itself has been asked about before.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn allows_related(&self, tx: &impl Reader, event: EventNid) -> Result<bool, StoreError> {
        if self.related_by_senders.is_none() && self.related_by_rel_types.is_none() {
            return Ok(true);
        }
        let related = events::related_by(tx, event, MOST_RELATED)?;
        Ok(related.iter().any(|(sender, rel_type)| {
            self.related_by_senders.as_ref().is_none_or(|senders| senders.contains(sender))
                && self.related_by_rel_types.as_ref().is_none_or(|types| types.contains(rel_type))
        }))
    }

    /// Whether the filter lets an event through; the room has been asked about before.
    #[must_use]
    pub fn allows(&self, event: &wardline_domain::pdu::Pdu) -> bool {
        self.events.allows_kind(&event.kind)
            && self.events.allows_sender(&event.sender)
            && self.contains_url.is_none_or(|wanted| wanted == has_url(event))
            && self.allows_relation(event)
    }

    fn allows_relation(&self, event: &wardline_domain::pdu::Pdu) -> bool {
        if self.rel_types.is_none() && self.not_rel_types.is_empty() {
            return true;
        }
        let rel_type = rel_type(event);
        !rel_type.as_ref().is_some_and(|rel_type| self.not_rel_types.contains(rel_type))
            && self
                .rel_types
                .as_ref()
                .is_none_or(|types| rel_type.is_some_and(|rel_type| types.contains(&rel_type)))
    }

    /// Whether the filter lets every event of a room through.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.events.is_open()
            && self.contains_url.is_none()
            && self.rel_types.is_none()
            && self.not_rel_types.is_empty()
            && self.related_by_senders.is_none()
            && self.related_by_rel_types.is_none()
    }
}

/// `*` stands for any number of characters.
fn matches(pattern: &str, kind: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == kind };
    let Some(mut kind) = kind.strip_prefix(head) else { return false };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(at) = kind.find(part) else { return false };
        kind = &kind[at + part.len()..];
        rest = after;
    }
    kind.ends_with(rest)
}

/// How an event relates to another, if it does.
fn rel_type(event: &wardline_domain::pdu::Pdu) -> Option<String> {
    #[derive(Deserialize)]
    struct Relation {
        rel_type: String,
    }
    #[derive(Deserialize)]
    struct Content {
        #[serde(rename = "m.relates_to")]
        relates_to: Relation,
    }
    event.content_as::<Content>().ok().map(|content| content.relates_to.rel_type)
}

fn has_url(event: &wardline_domain::pdu::Pdu) -> bool {
    #[derive(Deserialize)]
    struct Content {
        url: String,
    }
    event.content_as::<Content>().is_ok_and(|content| !content.url.is_empty())
}

/// Stored filters that are known by their number.
const PARSED: usize = 20_000;
/// Filters that are known by their text: most devices have one of few.
const TEXTS: usize = 256;
/// The longest text by which a filter is known, in bytes.
const LONGEST_TEXT: usize = 2048;

/// Stored filters.
#[derive(Debug)]
pub struct Filters {
    context: Arc<Context>,
    /// A stored filter never changes.
    parsed: Cache<(UserNid, i64), Arc<Filter>>,
    texts: Cache<String, Arc<Filter>>,
}

impl Filters {
    /// Over `context`.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, parsed: Cache::new(PARSED), texts: Cache::new(TEXTS) }
    }

    /// Stores a filter; its id. The same filter gets the same id.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub async fn put(&self, user: UserNid, json: &str) -> Result<String, EngineError> {
        Filter::parse(json)?;
        let json = json.to_owned();
        let id = self.context.store.write(move |tx| filters::put(tx, user, &json)).await?;
        Ok(id.to_string())
    }

    /// A stored filter, parsed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], or any failure of the database.
    pub fn parsed(&self, user: UserNid, id: &str) -> Result<Arc<Filter>, EngineError> {
        let number: i64 = id.parse().map_err(|_| EngineError::NotFound("filter"))?;
        if let Some(known) = self.parsed.get(&(user, number)) {
            return Ok(known);
        }
        let filter = self.shared(&self.get(user, id)?)?;
        self.parsed.insert((user, number), Arc::clone(&filter));
        Ok(filter)
    }

    /// The filter of a text, which others may have too.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn shared(&self, json: &str) -> Result<Arc<Filter>, EngineError> {
        if let Some(known) = self.texts.get(json) {
            return Ok(known);
        }
        let filter = Arc::new(Filter::parse(json)?);
        if json.len() <= LONGEST_TEXT {
            self.texts.insert(json.to_owned(), Arc::clone(&filter));
        }
        Ok(filter)
    }

    /// The text of a stored filter.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn get(&self, user: UserNid, id: &str) -> Result<String, EngineError> {
        let id: i64 = id.parse().map_err(|_| EngineError::NotFound("filter"))?;
        self.context.store.read_now(|tx| filters::get(tx, user, id))?.ok_or(EngineError::NotFound("filter"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        let cases = [
            ("m.room.*", "m.room.member", true),
            ("m.room.*", "m.reaction", false),
            ("*", "anything", true),
            ("m.*.member", "m.room.member", true),
            ("m.*.member", "m.member", false),
            ("*room*er", "m.room.member", true),
            ("m.room.member", "m.room.members", false),
        ];
        for (pattern, kind, expected) in cases {
            assert_eq!(matches(pattern, kind), expected, "{pattern} {kind}");
        }
    }

    #[test]
    fn a_bad_filter_is_refused_by_field() {
        let error = Filter::parse(r#"{"room":{"timeline":{"limit":"ten"}}}"#).unwrap_err();
        assert!(error.to_string().starts_with("room.timeline"), "{error}");
        assert!(Filter::parse("[]").is_err());
        assert!(Filter::parse("{} {}").is_err());
        let filter =
            Filter::parse(r#"{"room":{"state":{"lazy_load_members":true,"not_types":["a"]}},"x":1}"#)
                .unwrap();
        assert!(filter.room.state.lazy_load_members);
        assert_eq!(filter.room.state.events.not_types, ["a"]);
    }
}
