//! What somebody has set for a room follows them into the room that takes its place (Client-Server API, "Room
//! Upgrades": personalised settings such as notifications and tags).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use wardline_domain::pdu::Pdu;
use wardline_domain::push;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use wardline_store::members::{self, Membership};
use wardline_store::{Reader, RoomNid, StoreError, UserNid, WriteTx, account_data, push_rules, rooms, state};

use super::{Also, Caller};
use crate::{Context, EngineError};

const TAGS: &str = "m.tag";
const DIRECT: &str = "m.direct";

#[derive(Deserialize)]
struct Create {
    predecessor: Predecessor,
}

#[derive(Deserialize)]
struct Predecessor {
    room_id: OwnedRoomId,
}

/// What is to be done when somebody makes a room that takes the place of another; `None` if it does not, or if they
/// were not in that.
pub(super) fn on_create(
    tx: &impl Reader,
    context: &Arc<Context>,
    caller: Caller<'_>,
    create: &Pdu,
) -> Result<Option<Also>, StoreError> {
    let Ok(create) = create.content_as::<Create>() else { return Ok(None) };
    let Some(from) = rooms::find(tx, &create.predecessor.room_id)? else { return Ok(None) };
    let was_there = members::get(tx, from, caller.user)?.is_some();
    Ok(was_there.then(|| settings(context, caller, from)))
}

/// What is to be done when somebody comes into a room for the first time; `None` if it took no room's place in which
/// they were.
pub(super) fn on_join(
    tx: &impl Reader,
    context: &Arc<Context>,
    caller: Caller<'_>,
    to: RoomNid,
) -> Result<Option<Also>, StoreError> {
    let Some(create) = state::current_event(tx, to, "m.room.create", "")? else { return Ok(None) };
    let Ok(create) = context.events.get(tx, create)?.pdu.content_as::<Create>() else { return Ok(None) };
    let Some(from) = rooms::find(tx, &create.predecessor.room_id)? else { return Ok(None) };
    let is_new = members::get(tx, to, caller.user)?
        .is_none_or(|member| matches!(member.membership, Membership::Invite | Membership::Knock));
    // Whoever made the new room says what it replaces: only who was there takes anything along.
    let was_there = members::get(tx, from, caller.user)?.is_some();
    Ok((is_new && was_there).then(|| settings(context, caller, from)))
}

/// Copies what `caller` has set for the room `from` to the room that the transaction is about.
pub(super) fn settings(context: &Arc<Context>, caller: Caller<'_>, from: RoomNid) -> Also {
    let (context, user, user_id) = (Arc::clone(context), caller.user, caller.user_id.to_owned());
    Box::new(move |tx, to| copy(tx, &context, (user, &user_id), from, to))
}

fn copy(
    tx: &mut WriteTx<'_>,
    context: &Context,
    (user, user_id): (UserNid, &OwnedUserId),
    from: RoomNid,
    to: RoomNid,
) -> Result<(), EngineError> {
    if let Some(tags) = account_data::get(tx, user, Some(from), TAGS)?
        && account_data::get(tx, user, Some(to), TAGS)?.is_none()
    {
        account_data::put(tx, user, Some(to), TAGS, &tags)?;
    }
    let (old, new) = (rooms::room_id(tx, from)?, rooms::room_id(tx, to)?);
    if let Some(direct) = account_data::get(tx, user, None, DIRECT)?
        && let Some(direct) = with_room(&direct, &old, &new)
    {
        account_data::put(tx, user, None, DIRECT, &direct)?;
    }
    let mut rules = context.rule_book.load(tx, user, user_id)?;
    if push::copy_room_rules(&mut rules, &old, &new) {
        push_rules::put(tx, user, &crate::push_rules::to_json(&rules))?;
    }
    Ok(())
}

/// `m.direct` with the new room wherever the old one is; `None` if nothing changes.
fn with_room(direct: &str, old: &RoomId, new: &RoomId) -> Option<String> {
    let mut content: Map<String, Value> = serde_json::from_str(direct).ok()?;
    let mut changed = false;
    for rooms in content.values_mut().filter_map(Value::as_array_mut) {
        if rooms.iter().any(|room| room == old.as_str()) && !rooms.iter().any(|room| room == new.as_str()) {
            rooms.push(json!(new));
            changed = true;
        }
    }
    changed.then(|| Value::Object(content).to_string())
}
