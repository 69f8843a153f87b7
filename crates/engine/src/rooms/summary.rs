//! What a room says about itself to those who are not in it (Client-Server API, "Room summary", "Listing rooms"
//! and "Spaces").

use serde::Serialize;
use serde_json::{Map, Value};
use wardline_domain::ruma::{OwnedRoomId, RoomId};
use wardline_domain::visibility::Membership;
use wardline_store::{Reader, RoomNid, StoreError, UserNid, members, rooms, state};

use super::Rooms;
use crate::{Context, EngineError};

/// The outside of a room. Serialises as the specification's `PublishedRoomsChunk` with the members that room
/// summaries and hierarchies add.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The room.
    pub room_id: OwnedRoomId,
    /// `type` of `m.room.create`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_type: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_version: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Its main alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical_alias: Option<String>,
    /// Members whose membership is join.
    pub num_joined_members: u64,
    /// The join rule.
    pub join_rule: String,
    /// Rooms whose members may join, for restricted rooms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_room_ids: Vec<OwnedRoomId>,
    /// The algorithm, if it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// Whether guests may join.
    pub guest_can_join: bool,
    /// Whether everybody may read it.
    pub world_readable: bool,
}

impl Summary {
    /// Reads a room's summary; `None` if there is no such room.
    pub(super) fn of(tx: &impl Reader, context: &Context, room: RoomNid) -> Result<Option<Self>, StoreError> {
        let Some(row) = rooms::get(tx, room)? else { return Ok(None) };
        let content = |kind: &str| -> Result<Map<String, Value>, StoreError> {
            let Some(event) = state::current_event(tx, room, kind, "")? else { return Ok(Map::new()) };
            Ok(context.events.get(tx, event)?.pdu.content_as().unwrap_or_default())
        };
        let rules = content("m.room.join_rules")?;
        let is = |kind, member, wanted: &str| {
            Ok::<_, StoreError>(text(&content(kind)?, member).as_deref() == Some(wanted))
        };
        Ok(Some(Self {
            room_id: row.room_id,
            room_type: row.room_type,
            room_version: Some(row.room_version),
            name: text(&content("m.room.name")?, "name"),
            topic: text(&content("m.room.topic")?, "topic"),
            avatar_url: text(&content("m.room.avatar")?, "url"),
            canonical_alias: text(&content("m.room.canonical_alias")?, "alias"),
            num_joined_members: row.joined,
            allowed_room_ids: allowed_rooms(&rules),
            join_rule: text(&rules, "join_rule").unwrap_or_else(|| "invite".to_owned()),
            encryption: text(&content("m.room.encryption")?, "algorithm"),
            guest_can_join: is("m.room.guest_access", "guest_access", "can_join")?,
            world_readable: is("m.room.history_visibility", "history_visibility", "world_readable")?,
        }))
    }

    /// Whether somebody may know of the room: those who could join or knock, those who are invited or in it, and
    /// everybody if everybody may read it. `None`: somebody without an account.
    pub(super) fn may_know(
        &self,
        tx: &impl Reader,
        room: RoomNid,
        user: Option<UserNid>,
    ) -> Result<bool, StoreError> {
        if self.world_readable || matches!(self.join_rule.as_str(), "public" | "knock" | "knock_restricted") {
            return Ok(true);
        }
        let Some(user) = user else { return Ok(false) };
        let of_user = |room| -> Result<Option<Membership>, StoreError> {
            Ok(members::get(tx, room, user)?.map(|member| member.membership))
        };
        if of_user(room)?
            .is_some_and(|m| matches!(m, Membership::Join | Membership::Invite | Membership::Knock))
        {
            return Ok(true);
        }
        for allowed in self.allowed_room_ids.iter().filter(|_| self.join_rule == "restricted") {
            if let Some(room) = rooms::find(tx, allowed)?
                && of_user(room)? == Some(Membership::Join)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Rooms {
    /// The summary of a room that the user (`None`: somebody without an account) may know of, and their membership of
    /// it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], also for a room that the user may not know of.
    pub fn summary(
        &self,
        user: Option<UserNid>,
        room: &RoomId,
    ) -> Result<(Summary, Membership), EngineError> {
        let unknown = || EngineError::NotFound("room");
        self.context.store.read_now(|tx| {
            let nid = rooms::find(tx, room)?.ok_or_else(unknown)?;
            let summary = Summary::of(tx, &self.context, nid)?.ok_or_else(unknown)?;
            if !summary.may_know(tx, nid, user)? {
                return Err(unknown());
            }
            let member = user.map(|user| members::get(tx, nid, user)).transpose()?.flatten();
            Ok((summary, member.map_or(Membership::Leave, |member| member.membership)))
        })
    }
}

/// A member that is a string and not empty.
pub(super) fn text(content: &Map<String, Value>, member: &str) -> Option<String> {
    content.get(member).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn allowed_rooms(rules: &Map<String, Value>) -> Vec<OwnedRoomId> {
    let allow = rules.get("allow").and_then(Value::as_array).into_iter().flatten();
    allow
        .filter(|allow| allow["type"] == "m.room_membership")
        .filter_map(|allow| OwnedRoomId::try_from(allow["room_id"].as_str()?).ok())
        .collect()
}
