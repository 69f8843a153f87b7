//! Room aliases (Client-Server API, "Room aliases" and `m.room.canonical_alias`).

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wardline_domain::pdu::Pdu;
use wardline_domain::ruma::{OwnedRoomAliasId, OwnedRoomId, OwnedServerName, RoomId};
use wardline_domain::visibility::Membership;
use wardline_store::{RoomNid, aliases, members, rooms};

use super::send::{raw, template};
use super::{Caller, Rooms};
use crate::{Context, EngineError};

const CANONICAL: &str = "m.room.canonical_alias";

impl Rooms {
    /// The room behind an alias, and the servers that can be asked to join it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a malformed alias, [`EngineError::NotFound`] for an unknown one.
    pub fn resolve_alias(&self, alias: &str) -> Result<(OwnedRoomId, Vec<OwnedServerName>), EngineError> {
        let alias = parse(alias)?;
        let room = self.context.store.read_now(|tx| {
            let found = aliases::get(tx, alias.as_str())?;
            found.map(|(room, _)| rooms::room_id(tx, room)).transpose()
        })?;
        Ok((room.ok_or(EngineError::NotFound("room alias"))?, vec![self.context.server_name.clone()]))
    }

    /// Points a new local alias to a room. The caller must be joined to it.
    ///
    /// # Errors
    /// [`EngineError::AliasTaken`], [`EngineError::Forbidden`] or [`EngineError::Invalid`].
    pub async fn create_alias(
        &self,
        caller: Caller<'_>,
        alias: &str,
        room: &RoomId,
    ) -> Result<(), EngineError> {
        let alias = self.own(parse(alias)?)?;
        let nid = self.nid(room)?;
        if !self.is_joined(nid, caller.user)? {
            return Err(EngineError::forbidden("you are not joined to the room"));
        }
        let (user, at) = (caller.user, self.context.now());
        self.context
            .store
            .write_with(move |tx| match aliases::create(tx, alias.as_str(), nid, user, at)? {
                true => Ok(()),
                false => Err(EngineError::AliasTaken),
            })
            .await
    }

    /// Removes a local alias: its maker may, and whoever may set the room's `m.room.canonical_alias`, which then names
    /// it no longer.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Forbidden`] or [`EngineError::Invalid`].
    pub async fn delete_alias(&self, caller: Caller<'_>, alias: &str) -> Result<(), EngineError> {
        let alias = self.own(parse(alias)?)?;
        let context = self.context.clone();
        let (user, user_id) = (caller.user, caller.user_id.to_owned());
        let gone = alias.clone();
        let room = self
            .context
            .store
            .write_with(move |tx| {
                let found = aliases::get(tx, alias.as_str())?;
                let (room, maker) = found.ok_or(EngineError::NotFound("room alias"))?;
                let may = maker == user || {
                    let joined =
                        members::get(tx, room, user)?.is_some_and(|m| m.membership == Membership::Join);
                    joined
                        && super::read::levels(tx, &context, room)?.can_send(
                            &user_id,
                            "m.room.canonical_alias",
                            true,
                        )
                };
                if !may {
                    return Err(EngineError::forbidden("you may not remove this alias"));
                }
                aliases::delete(tx, alias.as_str())?;
                Ok(rooms::room_id(tx, room)?)
            })
            .await?;
        self.retract(caller, &room, gone.as_str()).await
    }

    /// Takes an alias that is gone out of `m.room.canonical_alias`, if the caller may.
    async fn retract(&self, caller: Caller<'_>, room: &RoomId, alias: &str) -> Result<(), EngineError> {
        let (sender, alias) = (caller.user_id.to_owned(), alias.to_owned());
        let done = self.change(caller, room, move |turn| {
            let named = turn.state(CANONICAL, "")?;
            let content = named.and_then(|event| event.content_as::<Map<String, Value>>().ok());
            match content.and_then(|content| without(content, &alias)) {
                Some(content) => turn.send(template(turn, CANONICAL, Some(""), &raw(&content)?, &sender)),
                None => Err(EngineError::NotFound("alias")),
            }
        });
        match done.await {
            Ok(_) | Err(EngineError::Forbidden(_) | EngineError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The local aliases of a room, for its members and, in a world-readable room, for everybody.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`].
    pub async fn aliases(&self, caller: Caller<'_>, room: &RoomId) -> Result<Vec<String>, EngineError> {
        let nid = self.nid(room)?;
        self.require_sight(caller, nid)?;
        self.context.store.read(move |tx| Ok(aliases::of_room(tx, nid)?)).await
    }

    /// An alias of this server, or an error that says it is not.
    pub(super) fn own(&self, alias: OwnedRoomAliasId) -> Result<OwnedRoomAliasId, EngineError> {
        if alias.server_name() == self.context.server_name {
            Ok(alias)
        } else {
            Err(EngineError::invalid("roomAlias", "not an alias of this server"))
        }
    }
}

/// The content of `m.room.canonical_alias` without an alias; `None` if it does not name it.
fn without(mut content: Map<String, Value>, alias: &str) -> Option<Map<String, Value>> {
    let mut named = false;
    if content.get("alias").and_then(Value::as_str) == Some(alias) {
        content.remove("alias");
        named = true;
    }
    if let Some(others) = content.get_mut("alt_aliases").and_then(Value::as_array_mut) {
        let before = others.len();
        others.retain(|other| other.as_str() != Some(alias));
        named |= others.len() < before;
        if others.is_empty() {
            content.remove("alt_aliases");
        }
    }
    named.then_some(content)
}

/// Parses an alias.
pub(super) fn parse(alias: &str) -> Result<OwnedRoomAliasId, EngineError> {
    let parsed = OwnedRoomAliasId::try_from(alias);
    parsed
        .ok()
        .filter(|alias| alias.as_str().len() <= 255)
        .ok_or_else(|| EngineError::invalid("roomAlias", "not a room alias"))
}

/// Every alias that is new in an `m.room.canonical_alias` must point to the room.
pub(super) fn check_canonical(
    context: &Context,
    room: RoomNid,
    content: &RawValue,
    before: Option<&Pdu>,
) -> Result<(), EngineError> {
    #[derive(Default, Deserialize)]
    struct Canonical {
        #[serde(default)]
        alias: Option<String>,
        #[serde(default)]
        alt_aliases: Vec<String>,
    }
    let new: Canonical = serde_json::from_str(content.get()).map_err(|_| {
        EngineError::bad_content("content", "alias must be a string, alt_aliases an array of strings")
    })?;
    let old: Canonical = before.and_then(|event| event.content_as().ok()).unwrap_or_default();
    let known: Vec<&String> = old.alias.iter().chain(&old.alt_aliases).collect();
    for alias in new.alias.iter().filter(|alias| !alias.is_empty()).chain(&new.alt_aliases) {
        if known.contains(&alias) {
            continue;
        }
        let parsed = parse(alias).map_err(|_| EngineError::invalid("content", "not a room alias"))?;
        let found = context.store.read_now(|tx| aliases::get(tx, parsed.as_str()))?;
        if found.is_none_or(|(target, _)| target != room) {
            return Err(EngineError::BadAlias("the alias does not point to this room".to_owned()));
        }
    }
    Ok(())
}
