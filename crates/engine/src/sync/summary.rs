//! The room summary (Client-Server API, `RoomSummary` in `GET /sync`): how many members, and by whom to name a
//! room that has no name.

use serde::Deserialize;
use wardline_domain::ruma::OwnedUserId;
use wardline_store::members::Membership;
use wardline_store::rooms::RoomRow;
use wardline_store::{ReadTx, RoomNid, StoreError, UserNid, state, sync, users};

use super::json::Object;
use crate::events::EventCache;

/// The most members that name a room.
const HEROES: usize = 5;

/// What `m.heroes` says: members to name the room by; `None` if it has a name or an alias.
pub(super) fn heroes(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    room: RoomNid,
    user: UserNid,
) -> Result<Option<Vec<OwnedUserId>>, StoreError> {
    if is_named(tx, cache, room)? {
        return Ok(None);
    }
    for memberships in [[Membership::Join, Membership::Invite], [Membership::Leave, Membership::Ban]] {
        let mut found = sync::earliest_members(tx, room, memberships, HEROES + 1)?;
        found.retain(|member| *member != user);
        found.truncate(HEROES);
        if !found.is_empty() {
            return found
                .into_iter()
                .map(|member| users::user_id(tx, member))
                .collect::<Result<_, _>>()
                .map(Some);
        }
    }
    Ok(Some(Vec::new()))
}

/// Writes the summary.
pub(super) fn write(room: &RoomRow, heroes: Option<&[OwnedUserId]>, out: &mut Object<'_>) {
    let mut summary = out.object("summary");
    if let Some(heroes) = heroes {
        summary.strings("m.heroes", heroes);
    }
    summary.number("m.invited_member_count", room.invited);
    summary.number("m.joined_member_count", room.joined);
    summary.close();
}

fn is_named(tx: &ReadTx<'_>, cache: &EventCache, room: RoomNid) -> Result<bool, StoreError> {
    #[derive(Deserialize)]
    struct Content {
        #[serde(alias = "alias")]
        name: String,
    }
    for kind in ["m.room.name", "m.room.canonical_alias"] {
        if let Some(nid) = state::current_event(tx, room, kind, "")? {
            let event = cache.get(tx, nid)?;
            if event.pdu.content_as::<Content>().is_ok_and(|content| !content.name.is_empty()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
