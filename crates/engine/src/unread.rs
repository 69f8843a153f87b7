//! Unread notifications (Client-Server API, "Push Notifications: Receiving notifications"): rows written in the
//! commit of each event, removed by the receipt that covers it. Counts are counts of rows.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use wardline_domain::canonical::write_string;
use wardline_domain::power_levels::PowerLevels;
use wardline_domain::push::{PushContext, PushEvent};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::UserId;
use wardline_store::members::{self, Membership};
use wardline_store::notify::{self, MAIN_THREAD, Notification};
use wardline_store::{
    Pos, Reader, RoomNid, StoreError, UserNid, WriteTx, account_data, events, state, sync, users,
};

use crate::events::{Event, Extras, Viewer};
use crate::{Context, EngineError};

/// Rooms with more joined members than this have no unread counts: they are announcement channels.
const LARGEST_ROOM: u64 = 1000;

/// Notes for every joined local member what their push rules make of an event. Called by the room's executor in
/// the transaction that commits the event, after its membership change, if any, has been written. `joined` is the
/// number of joined members of the room.
///
/// # Errors
/// Any failure of the database.
pub fn record(tx: &mut WriteTx<'_>, context: &Context, event: &Event, joined: u64) -> Result<(), StoreError> {
    let thread = match event.thread {
        Some(root) => events::event_id(tx, root)?.to_string(),
        None => MAIN_THREAD.to_owned(),
    };
    // Who writes has read what came before.
    notify::read_up_to(tx, event.sender, event.room, Some(&thread), event.pos)?;
    clear_after_leaving(tx, event)?;
    if joined > LARGEST_ROOM {
        return Ok(());
    }
    let Ok(parsed) = PushEvent::new(&event.client) else { return Ok(()) };
    let Some(power_levels) = power_levels(tx, context, event)? else { return Ok(()) };
    let asks_for_names = event.pdu.content().contains("\"body\"");
    for user in members::users_in(tx, event.room, Membership::Join)? {
        if user == event.sender {
            continue;
        }
        let user_id = users::user_id(tx, user)?;
        if !context.is_local(&user_id) {
            continue;
        }
        let name = if asks_for_names { display_name(tx, context, event.room, &user_id)? } else { None };
        let context_of_rules = PushContext {
            member_count: joined,
            // A rule that looks for a name must find none in a text without one.
            display_name: name.as_deref().unwrap_or(user_id.localpart()),
            power_levels: &power_levels,
        };
        let outcome = context.rule_book.of(tx, user)?.evaluate(&parsed, context_of_rules);
        if outcome.notify && !ignores(tx, user, event)? {
            let row = Notification {
                room: event.room,
                event: event.nid,
                event_pos: event.pos,
                thread: thread.clone(),
                highlight: outcome.highlight,
                actions: actions(outcome.sound, outcome.highlight).to_owned(),
            };
            notify::insert(tx, user, &row)?;
        }
    }
    Ok(())
}

/// A room that somebody has left has nothing unread for them.
fn clear_after_leaving(tx: &mut WriteTx<'_>, event: &Event) -> Result<(), StoreError> {
    let gone = event.pdu.kind == "m.room.member"
        && matches!(event.pdu.membership().as_deref(), Some("leave" | "ban"));
    let member =
        event.pdu.state_key.as_deref().filter(|_| gone).and_then(|key| <&UserId>::try_from(key).ok());
    if let Some(member) = member
        && let Some(nid) = users::find(tx, member)?
    {
        notify::read_up_to(tx, nid, event.room, None, event.pos)?;
    }
    Ok(())
}

/// The actions of the rule that matched, as `GET /notifications` shows them.
fn actions(sound: bool, highlight: bool) -> &'static str {
    match (sound, highlight) {
        (false, false) => r#"["notify"]"#,
        (true, false) => r#"["notify",{"set_tweak":"sound","value":"default"}]"#,
        (false, true) => r#"["notify",{"set_tweak":"highlight"}]"#,
        (true, true) => r#"["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]"#,
    }
}

/// The power levels in force; `None` while the room is being made and has no state yet.
fn power_levels(
    tx: &impl Reader,
    context: &Context,
    event: &Event,
) -> Result<Option<PowerLevels>, StoreError> {
    let get = |kind: &str| -> Result<_, StoreError> {
        let nid = state::current_event(tx, event.room, kind, "")?;
        Ok(nid.map(|nid| context.events.get(tx, nid)).transpose()?.map(|event| Arc::clone(&event.pdu)))
    };
    let Some(create) = get("m.room.create")? else { return Ok(None) };
    let Some(version) =
        sync::room_version(tx, event.room)?.and_then(|version| RoomVersion::parse(&version).ok())
    else {
        return Ok(None);
    };
    Ok(PowerLevels::new(&create, get("m.room.power_levels")?.as_ref(), version).ok())
}

fn display_name(
    tx: &impl Reader,
    context: &Context,
    room: RoomNid,
    user: &UserId,
) -> Result<Option<String>, StoreError> {
    #[derive(serde::Deserialize)]
    struct Content {
        displayname: String,
    }
    let member = state::current_event(tx, room, "m.room.member", user.as_str())?;
    let Some(member) = member else { return Ok(None) };
    let member = context.events.get(tx, member)?;
    Ok(member.pdu.content_as::<Content>().ok().map(|content| content.displayname))
}

/// Whether the user ignores the sender of the event (Client-Server API, "Ignoring Users").
fn ignores(tx: &impl Reader, user: UserNid, event: &Event) -> Result<bool, StoreError> {
    Ok(ignored_users(tx, user)?.contains(event.pdu.sender.as_str()))
}

/// The ids of the users whom somebody ignores.
pub(crate) fn ignored_users(tx: &impl Reader, user: UserNid) -> Result<HashSet<String>, StoreError> {
    #[derive(serde::Deserialize)]
    struct Content {
        ignored_users: BTreeMap<String, serde::de::IgnoredAny>,
    }
    let content = account_data::get(tx, user, None, "m.ignored_user_list")?;
    let list = content.and_then(|content| serde_json::from_str::<Content>(&content).ok());
    Ok(list.map(|list| list.ignored_users.into_keys().collect()).unwrap_or_default())
}

/// The unread notifications of a user, newest first: the JSON of the response of `GET /notifications`. `before` is
/// the `next_token` of the page before.
///
/// # Errors
/// Any failure of the database.
pub fn list(
    context: &Context,
    viewer: Viewer<'_>,
    before: Option<Pos>,
    highlights_only: bool,
    limit: usize,
) -> Result<String, EngineError> {
    context.store.read_now(|tx| {
        let found = notify::latest(tx, viewer.user, before.unwrap_or(Pos::MAX), highlights_only, limit)?;
        let mut out = String::from("{");
        if let Some(last) = found.last().filter(|_| found.len() == limit) {
            out.push_str(&format!("\"next_token\":\"{}\",", last.event_pos));
        }
        out.push_str("\"notifications\":[");
        for (index, notification) in found.iter().enumerate() {
            let event = context.events.get(tx, notification.event)?;
            if index > 0 {
                out.push(',');
            }
            out.push_str("{\"actions\":");
            out.push_str(&notification.actions);
            out.push_str(",\"event\":");
            context.events.write(tx, &event, viewer, Extras::default(), true, &mut out)?;
            out.push_str(",\"read\":false,\"room_id\":");
            write_string(&mut out, event.pdu.room_id.as_str());
            out.push_str(&format!(",\"ts\":{}}}", event.pdu.origin_server_ts.as_millis()));
        }
        out.push_str("]}");
        Ok(out)
    })
}
