//! Account data and tags (Client-Server API, "Client Config" and "Room Tagging").

use std::sync::Arc;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wardline_domain::ruma::{RoomId, UserId};
use wardline_store::{RoomNid, UserNid, account_data, rooms};

use crate::{Context, EngineError};

/// The most bytes that one piece of account data may have.
const LARGEST: usize = 65_536;
/// The longest event type or tag, in bytes.
const LONGEST_NAME: usize = 255;
/// The read marker: written by the receipt endpoints only.
const FULLY_READ: &str = "m.fully_read";
/// The push rules: written by their own endpoints only.
const PUSH_RULES: &str = "m.push_rules";
const TAGS: &str = "m.tag";

/// Reads and writes account data.
#[derive(Debug)]
pub struct AccountData {
    context: Arc<Context>,
}

impl AccountData {
    /// Over `context`.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Stores account data, for a room or for the whole account; durable when it returns. An empty object deletes what
    /// is there (MSC3391).
    ///
    /// # Errors
    /// [`EngineError::ServerControlled`] for a type that has its own endpoints, [`EngineError::TooLarge`],
    /// [`EngineError::NotFound`] for an unknown room.
    pub async fn put(
        &self,
        user: UserNid,
        room: Option<&RoomId>,
        kind: &str,
        content: &RawValue,
    ) -> Result<(), EngineError> {
        if kind == PUSH_RULES || kind == FULLY_READ {
            return Err(EngineError::ServerControlled("type"));
        }
        check_name("type", kind)?;
        if content.get().len() > LARGEST {
            return Err(EngineError::TooLarge(format!("the most is {LARGEST} bytes of account data")));
        }
        let (room, kind, content) = (room.map(ToOwned::to_owned), kind.to_owned(), content.get().to_owned());
        self.context
            .store
            .write_with(move |tx| {
                let room = room.as_deref().map(|room| find_room(tx, room)).transpose()?;
                if is_empty(&content) {
                    account_data::delete(tx, user, room, &kind)?;
                } else {
                    account_data::put(tx, user, room, &kind, &content)?;
                }
                Ok(())
            })
            .await
    }

    /// Deletes account data (MSC3391); deleting what is not there changes nothing.
    ///
    /// # Errors
    /// [`EngineError::ServerControlled`] for a type that has its own endpoints, [`EngineError::NotFound`] for an
    /// unknown room.
    pub async fn delete(&self, user: UserNid, room: Option<&RoomId>, kind: &str) -> Result<(), EngineError> {
        if kind == PUSH_RULES || kind == FULLY_READ {
            return Err(EngineError::ServerControlled("type"));
        }
        let (room, kind) = (room.map(ToOwned::to_owned), kind.to_owned());
        self.context
            .store
            .write_with(move |tx| {
                let room = room.as_deref().map(|room| find_room(tx, room)).transpose()?;
                account_data::delete(tx, user, room, &kind)?;
                Ok(())
            })
            .await
    }

    /// The content of one piece of account data.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] if there is none.
    pub fn get(
        &self,
        user: UserNid,
        user_id: &UserId,
        room: Option<&RoomId>,
        kind: &str,
    ) -> Result<String, EngineError> {
        self.context.store.read_now(|tx| {
            if kind == PUSH_RULES && room.is_none() {
                return self.context.rule_book.account_data(tx, user, user_id);
            }
            let room = room.map(|room| find_room(tx, room)).transpose()?;
            account_data::get(tx, user, room, kind)?.ok_or(EngineError::NotFound("account data"))
        })
    }

    /// The tags of a room: a JSON object, tag by tag.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown room.
    pub fn tags(&self, user: UserNid, room: &RoomId) -> Result<Map<String, Value>, EngineError> {
        self.context.store.read_now(|tx| {
            let room = find_room(tx, room)?;
            Ok(parse_tags(account_data::get(tx, user, Some(room), TAGS)?.as_deref()))
        })
    }

    /// Adds or replaces (`Some`) or removes (`None`) a tag of a room.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a bad name, [`EngineError::NotFound`] for an unknown room.
    pub async fn set_tag(
        &self,
        user: UserNid,
        room: &RoomId,
        tag: &str,
        info: Option<Map<String, Value>>,
    ) -> Result<(), EngineError> {
        check_name("tag", tag)?;
        let (room, tag) = (room.to_owned(), tag.to_owned());
        self.context
            .store
            .write_with(move |tx| {
                let room = find_room(tx, &room)?;
                let mut tags = parse_tags(account_data::get(tx, user, Some(room), TAGS)?.as_deref());
                match info {
                    Some(info) => drop(tags.insert(tag, Value::Object(info))),
                    None => drop(tags.remove(&tag)),
                }
                let content = serde_json::json!({ "tags": tags }).to_string();
                if content.len() > LARGEST {
                    return Err(EngineError::TooLarge("too many tags".into()));
                }
                account_data::put(tx, user, Some(room), TAGS, &content)?;
                Ok(())
            })
            .await
    }
}

fn find_room(tx: &impl wardline_store::Reader, room: &RoomId) -> Result<RoomNid, EngineError> {
    rooms::find(tx, room)?.ok_or(EngineError::NotFound("room"))
}

fn check_name(field: &str, name: &str) -> Result<(), EngineError> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Err(EngineError::invalid(field, format!("must have 1 to {LONGEST_NAME} bytes")));
    }
    Ok(())
}

/// Whether a JSON object has no members.
fn is_empty(object: &str) -> bool {
    let inside = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| inside.trim().is_empty())
}

fn parse_tags(content: Option<&str>) -> Map<String, Value> {
    let content: Option<Map<String, Value>> = content.and_then(|content| serde_json::from_str(content).ok());
    match content.and_then(|mut content| content.remove("tags")) {
        Some(Value::Object(tags)) => tags,
        _ => Map::new(),
    }
}
