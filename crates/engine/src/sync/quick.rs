//! The usual answer: messages in rooms that the client knows, and nothing else.
//!
//! It is made from the hub and the events in memory, without a look at the store, so that a message costs each of its
//! readers little. Whatever is not plain (a change of state, a gap, a redaction, a filter that chooses, a receipt,
//! something private) is left to `build`, whose answer this one equals byte for byte.

use std::collections::HashSet;

use wardline_domain::event_format::Unsigned;
use wardline_domain::ruma::OwnedRoomId;
use wardline_domain::visibility::Membership;
use wardline_store::{Pos, RoomNid, StoreError};

use super::build::typing_rooms;
use super::json::{Object, array};
use super::memo::KeyCounts;
use super::timeline::USUAL;
use super::{Inner, SyncRequest, SyncToken};
use crate::events::Event;
use crate::filters::{EventFormat, Filter, RoomEventFilter, RoomFilter};
use crate::hub::{LastChanges, News, Snapshot};
use crate::rooms::Token;
use crate::unread;
use std::sync::Arc;

/// What a filter asks for that this path can do.
struct Wants {
    limit: usize,
    lazy: bool,
    by_thread: bool,
}

impl Wants {
    /// `None` for a filter that chooses among rooms or messages. What it chooses of state, receipts, account data and
    /// presence does not matter: an answer of this path has nothing of them.
    fn of(filter: &Filter) -> Option<Self> {
        let Filter {
            event_fields: None,
            event_format: EventFormat::Client,
            presence: _,
            account_data: _,
            room,
        } = filter
        else {
            return None;
        };
        let RoomFilter { rooms, not_rooms, include_leave: _, timeline, state, ephemeral: _, account_data: _ } =
            room;
        let wants = Self {
            limit: timeline.events.limit.map_or(USUAL, |limit| limit as usize),
            lazy: state.lazy_load_members,
            by_thread: timeline.unread_thread_notifications,
        };
        let mut known = RoomEventFilter {
            // The members of a timeline are chosen by the filter of state.
            lazy_load_members: timeline.lazy_load_members,
            include_redundant_members: timeline.include_redundant_members,
            unread_thread_notifications: wants.by_thread,
            ..RoomEventFilter::default()
        };
        known.events.limit = timeline.events.limit;
        let tells_again = wants.lazy && state.include_redundant_members;
        (rooms.is_none() && not_rooms.is_empty() && !tells_again && *timeline == known).then_some(wants)
    }
}

/// One room with its messages, oldest first.
struct Room {
    nid: RoomNid,
    events: Vec<Arc<Event>>,
}

/// What this path comes to.
pub(super) enum Quick {
    /// The JSON of the answer.
    Answer(String),
    /// There is no news yet, for all that the logs say: a commit is just being applied, and its end wakes everybody.
    Nothing,
    /// It takes a look at the store.
    Elsewhere,
}

/// The answer for a client that has seen `since`.
///
/// # Errors
/// Any failure of the database: what is kept in memory may have to be read once.
pub(super) fn answer(
    inner: &Inner,
    request: &SyncRequest,
    since: SyncToken,
    news: &News,
) -> Result<Quick, StoreError> {
    let is_whole = request.full_state || inner.presence.is_on();
    let Some(wants) = Wants::of(&request.filter).filter(|_| !is_whole) else {
        return Ok(Quick::Elsewhere);
    };
    // Taken before anything else: what the logs hold beyond it is for the next answer.
    let upto = inner.hub.applied();
    let seen = news.since(since.pos, 0);
    if since.to_device != since.pos || since.pos > upto || !is_quiet(seen.last, since.pos) {
        return Ok(Quick::Elsewhere);
    }
    let (typing, anybody_types) = typing_rooms(inner, request, Some(since), news);
    if !typing.is_empty() || anybody_types {
        return Ok(Quick::Elsewhere);
    }
    let span = (since.pos, upto);
    let Some(rooms) = rooms(inner, request, &wants, &seen, span) else { return Ok(Quick::Elsewhere) };
    if rooms.is_empty() {
        return Ok(Quick::Nothing);
    }
    let ignored = inner.memo.ignored(&inner.context.store, request.user, seen.last)?;
    let keys = inner.memo.keys(&inner.context.store, (request.user, &request.device), seen.last)?;
    let epoch = inner.context.store.epochs().current();
    let token = SyncToken { epoch, ..SyncToken::at(upto) };
    let body = write(inner, request, &wants, token, span, &rooms, (&ignored, &keys))?;
    Ok(body.map_or(Quick::Elsewhere, Quick::Answer))
}

/// The answer for a client that has seen `since` and waited in vain: nothing but how far it has seen. `None`: it takes a
/// look at the store.
///
/// # Errors
/// Any failure of the database: what is kept in memory may have to be read once.
pub(super) fn in_vain(
    inner: &Inner,
    request: &SyncRequest,
    since: SyncToken,
    news: &News,
) -> Result<Option<String>, StoreError> {
    let upto = inner.hub.applied();
    let seen = news.since(since.pos, 0);
    let is_open = !request.full_state && !inner.presence.is_on() && Wants::of(&request.filter).is_some();
    let is_nothing = since.to_device == since.pos
        && since.pos <= upto
        && seen.rooms.is_empty()
        && is_quiet(seen.last, since.pos);
    let (typing, anybody_types) = typing_rooms(inner, request, Some(since), news);
    if !is_open || !is_nothing || !typing.is_empty() || anybody_types {
        return Ok(None);
    }
    let keys = inner.memo.keys(&inner.context.store, (request.user, &request.device), seen.last)?;
    let epoch = inner.context.store.epochs().current();
    let mut body = String::with_capacity(256);
    let mut out = Object::open(&mut body);
    out.string("next_batch", &SyncToken { epoch, ..SyncToken::at(upto) }.to_string());
    write_keys(&keys, &mut out);
    out.close();
    Ok(Some(body))
}

/// What every answer says of devices: no list of them changed.
fn write_keys(keys: &KeyCounts, out: &mut Object<'_>) {
    out.raw("device_lists", "{\"changed\":[],\"left\":[]}");
    out.raw("device_one_time_keys_count", &keys.counts);
    out.raw("device_unused_fallback_key_types", &keys.fallback_types);
}

/// Whether nothing private happened. Every kind is named, so that a new one is thought of here.
fn is_quiet(last: LastChanges, since: Pos) -> bool {
    let LastChanges {
        account_data,
        push_rules,
        to_device,
        one_time_keys,
        device_lists,
        // They decide whether a message in a thread counts as unread.
        thread_subscriptions,
        devices: _,
    } = last;
    [account_data, push_rules, to_device, one_time_keys, device_lists, thread_subscriptions]
        .iter()
        .all(|pos| *pos <= since)
}

/// The rooms with news, if all of it is plain messages in rooms that the user stays in.
fn rooms(
    inner: &Inner,
    request: &SyncRequest,
    wants: &Wants,
    seen: &Snapshot,
    (since, upto): (Pos, Pos),
) -> Option<Vec<Room>> {
    let mut rooms = Vec::with_capacity(seen.rooms.len());
    for &nid in &seen.rooms {
        let messages = inner.hub.messages(nid, since, upto)?;
        if messages.is_empty() {
            continue;
        }
        if messages.len() > wants.limit || !inner.hub.is_joined(nid, request.user) {
            return None;
        }
        let mut events: Vec<Arc<Event>> = Vec::with_capacity(messages.len());
        for message in &messages {
            let event = inner.context.events.peek(*message)?;
            let is_plain = event.pdu.state_key.is_none()
                && event.pdu.redacts.is_none()
                && event.redacted_by.is_none()
                // What another message of the answer relates to has something bundled with it.
                && event.relates_to.as_ref().is_none_or(|(target, _)| !messages.contains(target));
            let is_known = || {
                let (told, sender) = (&inner.told, &event.pdu.sender);
                told.knows(request.user, &request.device, nid, sender, since)
            };
            if !is_plain || (wants.lazy && !is_known()) {
                return None;
            }
            events.push(event);
        }
        rooms.push(Room { nid, events });
    }
    Some(rooms)
}

fn write(
    inner: &Inner,
    request: &SyncRequest,
    wants: &Wants,
    token: SyncToken,
    span: (Pos, Pos),
    rooms: &[Room],
    (ignored, keys): (&HashSet<String>, &KeyCounts),
) -> Result<Option<String>, StoreError> {
    let is_shown = |event: &&Arc<Event>| !ignored.contains(event.pdu.sender.as_str());
    let shown = |room: &Room| room.events.iter().filter(is_shown).cloned().collect::<Vec<_>>();
    let rooms: Vec<(RoomNid, Vec<Arc<Event>>)> =
        rooms.iter().map(|room| (room.nid, shown(room))).filter(|(_, events)| !events.is_empty()).collect();
    if rooms.is_empty() {
        return Ok(None);
    }
    let events = rooms.iter().flat_map(|(_, events)| events);
    let size: usize = events.map(|event| event.client.as_str().len() + 160).sum();
    let mut body = String::with_capacity(768 + size + rooms.len() * 320);
    let mut out = Object::open(&mut body);
    out.string("next_batch", &token.to_string());
    let mut sections = out.object("rooms");
    let mut join = sections.object("join");
    for (nid, events) in &rooms {
        let room_id: &OwnedRoomId = &events[0].pdu.room_id;
        let mut object = join.object(room_id.as_str());
        write_timeline(inner, request, events, &mut object);
        let name = match (request.state_after, request.stable_state_after) {
            (false, _) => "state",
            (true, true) => "state_after",
            (true, false) => "org.matrix.msc4222.state_after",
        };
        object.raw(name, "{\"events\":[]}");
        object.raw("ephemeral", "{\"events\":[]}");
        let who = (request.user, &*request.user_id);
        let count = unread::count_messages(&inner.context, who, ignored, *nid, span, events)?;
        super::room::write_unread(inner, &count, wants.by_thread, &mut object)?;
        object.close();
    }
    join.close();
    sections.close();
    write_keys(keys, &mut out);
    out.close();
    Ok(Some(body))
}

fn write_timeline(inner: &Inner, request: &SyncRequest, events: &[Arc<Event>], out: &mut Object<'_>) {
    let now = inner.context.now();
    let mut timeline = out.object("timeline");
    array(timeline.key("events"), events, |out, event| {
        let own = event
            .transaction
            .as_ref()
            .filter(|(device, _)| event.sender == request.user && **device == *request.device);
        let unsigned = Unsigned {
            age: Some(now.millis_since(event.pdu.origin_server_ts).max(0)),
            transaction_id: own.map(|(_, txn)| txn.as_str()),
            membership: Some(Membership::Join.as_str()),
            ..Unsigned::default()
        };
        event.client.write_without_room(out, &unsigned);
    });
    timeline.raw("limited", "false");
    timeline.string("prev_batch", &Token::before(events[0].topo, events[0].pos).to_string());
    timeline.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_clients_are_plain_and_those_that_choose_are_not() {
        let wants = |json: &str| Wants::of(&Filter::parse(json).unwrap()).is_some();
        for plain in [
            "{}",
            r#"{"room":{"timeline":{"limit":20,"unread_thread_notifications":true},"state":{"lazy_load_members":true}}}"#,
            r#"{"presence":{"not_types":["*"]},"room":{"timeline":{"limit":200,"lazy_load_members":true}}}"#,
            r#"{"presence":{"types":[]},"account_data":{"types":["m.direct"]},"room":{"include_leave":true,
                "account_data":{"types":["m.tag"]},"ephemeral":{"not_types":["m.typing"]},
                "state":{"types":["m.room.name"],"include_redundant_members":true}}}"#,
        ] {
            assert!(wants(plain), "{plain}");
        }
        for chooses in [
            r#"{"event_fields":["type"]}"#,
            r#"{"event_format":"federation"}"#,
            r#"{"room":{"rooms":["!a:x.example"]}}"#,
            r#"{"room":{"not_rooms":["!a:x.example"]}}"#,
            r#"{"room":{"timeline":{"types":["m.room.message"]}}}"#,
            r#"{"room":{"timeline":{"not_senders":["@a:x.example"]}}}"#,
            r#"{"room":{"state":{"lazy_load_members":true,"include_redundant_members":true}}}"#,
        ] {
            assert!(!wants(chooses), "{chooses}");
        }
    }
}
