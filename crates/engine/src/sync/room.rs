//! One room in an answer of `/sync`: joined or left.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, UserId};
use wardline_domain::visibility::Membership;
use wardline_store::account_data::AccountData;
use wardline_store::members::{self, MemberRow};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{EventNid, Pos, StoreError, account_data, events, receipts};

use super::build::Build;
use super::json::{Object, plain_event};
use super::membership::{Stay, stay};
use super::state::{self, Members};
use super::timeline::{self, Range, Timeline};
use super::{Inner, ephemeral, summary, write};
use crate::events::Event;
use crate::rooms::Eyes;
use crate::unread;

/// The newest events of a timeline whose memberships are noted as told: a long timeline of a room that many came to would take tens of
/// kilobytes a device. Who is not noted is told again when they say something.
const MOST_NOTED: usize = 32;

/// How much of a room the client has.
struct Standing {
    room: RoomRow,
    /// The client has nothing of the room: it gets it from its beginning, as far as the limits go.
    fresh: bool,
    /// The client gets the whole state.
    whole: bool,
    stay: Stay,
    after: Pos,
    upto: Pos,
}

impl Build<'_> {
    /// A room that the user is joined to; `None` if there is nothing to tell.
    pub(super) fn joined(&self, member: &MemberRow) -> Result<Option<(OwnedRoomId, String)>, StoreError> {
        let Some(room) = self.room(member)? else { return Ok(None) };
        let stay = self.stay(member, self.since)?;
        let fresh = self.since.is_none() || !stay.is_continued();
        let standing = Standing {
            fresh,
            whole: fresh || self.request.full_state,
            stay,
            after: if fresh { 0 } else { self.since.unwrap_or(0) },
            upto: self.upto,
            room,
        };
        self.write_room(member, &standing, true)
    }

    /// A room that the user has left or was banned from, for a client that has seen it up to `since`; `None` if there is
    /// nothing to tell.
    pub(super) fn left(
        &self,
        member: &MemberRow,
        since: Option<Pos>,
    ) -> Result<Option<(OwnedRoomId, String)>, StoreError> {
        let Some(room) = self.room(member)? else { return Ok(None) };
        let stay = self.stay(member, since)?;
        let was_joined = stay.at_since == Some(Membership::Join);
        // Never joined in this time: an invite that came to nothing, or a ban. Only that event is told.
        let end = stay.ended_by.filter(|_| was_joined || stay.joined_after).unwrap_or(member.event);
        let upto = self.inner.context.events.get(self.tx, end)?.pos;
        let (fresh, after) = match since {
            Some(since) if was_joined => (false, since),
            _ if stay.joined_after => (true, 0),
            _ => (false, upto.saturating_sub(1)),
        };
        let whole = fresh || (self.request.full_state && was_joined);
        let standing = Standing { fresh, whole, stay, after, upto, room };
        self.write_room(&MemberRow { event: end, ..member.clone() }, &standing, false)
    }

    /// The room, if the filter lets it through.
    fn room(&self, member: &MemberRow) -> Result<Option<RoomRow>, StoreError> {
        Ok(rooms::get(self.tx, member.room)?.filter(|room| self.request.filter.room.allows(&room.room_id)))
    }

    fn stay(&self, member: &MemberRow, since: Option<Pos>) -> Result<Stay, StoreError> {
        let since = since.unwrap_or(0);
        if member.pos <= since && member.membership == members::Membership::Join {
            let at_since = Some(Membership::Join);
            return Ok(Stay { at_since, only_joins_after: true, joined_before: true, ..Stay::default() });
        }
        stay(self.tx, &self.inner.context.events, member, since)
    }

    fn write_room(
        &self,
        member: &MemberRow,
        standing: &Standing,
        joined: bool,
    ) -> Result<Option<(OwnedRoomId, String)>, StoreError> {
        let timeline = self.timeline(member, standing)?;
        let (state, heroes) = self.state(member, standing, &timeline, joined)?;
        let ephemeral = if joined { self.ephemeral(standing)? } else { Vec::new() };
        let account_data = self.room_account_data(standing)?;
        let is_empty = timeline.events.is_empty() && !timeline.limited && state.is_empty() && !standing.whole;
        // That a room was left is told even if the filter lets nothing of it through.
        if joined
            && is_empty
            && ephemeral.is_empty()
            && account_data.is_empty()
            && !self.counts_moved(standing, &timeline)?
        {
            return Ok(None);
        }
        let mut out = String::with_capacity(1024);
        let mut object = Object::open(&mut out);
        self.write_timeline(&timeline, &mut object)?;
        let name = match (self.request.state_after, self.request.stable_state_after) {
            (false, _) => "state",
            (true, true) => "state_after",
            (true, false) => "org.matrix.msc4222.state_after",
        };
        self.write_state(name, &state, &mut object)?;
        if !account_data.is_empty() {
            object.events("account_data", account_data);
        }
        if joined {
            object.events("ephemeral", ephemeral);
            if let Some(heroes) = heroes {
                summary::write(&standing.room, heroes.as_deref(), &mut object);
            }
            let by_thread = self.request.filter.room.timeline.unread_thread_notifications;
            let count = self.count(standing)?;
            write_counts(&count, by_thread, |root| events::event_id(self.tx, root), &mut object)?;
        }
        object.close();
        Ok(Some((standing.room.room_id.clone(), out)))
    }

    fn count(&self, standing: &Standing) -> Result<Arc<unread::Counter>, StoreError> {
        unread::count(self.tx, &self.inner.context, &self.who, &self.ignored, &standing.room, self.upto)
    }

    /// Whether something that the filter keeps from the client may have changed the room's unread counts.
    fn counts_moved(&self, standing: &Standing, timeline: &Timeline) -> Result<bool, StoreError> {
        let (me, filter) = (self.request.user, &self.request.filter.room.ephemeral);
        let is_told = filter.allows_room(&standing.room.room_id) && filter.events.allows_unsent("m.receipt");
        if !is_told {
            let most = ephemeral::MOST_RECEIPTS;
            let moved = receipts::moved_since(self.tx, standing.room.nid, me, standing.after, most)?;
            if moved.iter().any(|receipt| receipt.user == me) {
                return Ok(true);
            }
        }
        if timeline.unshown.is_empty() {
            return Ok(false);
        }
        let count = self.count(standing)?;
        // Whoever writes has read, and what is redacted is not unread any more.
        let moves = |event: &Arc<Event>| {
            event.sender == me || event.pdu.redacts.is_some() || count.has(event.pos) != Some(false)
        };
        Ok(timeline.unshown.iter().any(moves))
    }

    fn timeline(&self, member: &MemberRow, standing: &Standing) -> Result<Timeline, StoreError> {
        let cache = &self.inner.context.events;
        let filter = &self.request.filter.room.timeline;
        let mut eyes =
            Eyes::new(self.tx, cache, standing.room.nid, self.request.user, &self.request.user_id)?;
        let range = Range {
            room: standing.room.nid,
            after: standing.after,
            upto: standing.upto,
            filter,
            ignored: &self.ignored,
            always: Some(member.event),
            makes_state: !self.request.state_after,
        };
        let mut timeline = timeline::read(self.tx, cache, &mut eyes, &range)?;
        if !filter.allows_room(&standing.room.room_id) {
            timeline.events.clear();
            (timeline.limited, timeline.start) = (false, timeline.end);
        }
        // Who came in may have an old timeline that this one does not follow, and there may be more before it.
        timeline.limited |= standing.fresh && self.since.is_some();
        Ok(timeline)
    }

    /// The state events that the client lacks, and who names the room, if the summary is to be told (the inner
    /// `None`: the room has a name).
    #[expect(clippy::type_complexity, reason = "two answers of one look at the state")]
    fn state(
        &self,
        member: &MemberRow,
        standing: &Standing,
        timeline: &Timeline,
        joined: bool,
    ) -> Result<(Vec<Arc<Event>>, Option<Option<Vec<OwnedUserId>>>), StoreError> {
        let (tx, cache) = (self.tx, &self.inner.context.events);
        let filter = &self.request.filter.room.state;
        let lazy = filter.lazy_load_members;
        let is_member = |event: &Event| event.pdu.kind == "m.room.member";
        if !standing.whole && standing.stay.at_since != Some(Membership::Join) {
            return Ok((Vec::new(), None));
        }
        let senders: BTreeSet<OwnedUserId> =
            timeline.events.iter().map(|(event, _)| event.pdu.sender.clone()).collect();
        let from = match self.since {
            Some(since) if !standing.whole => timeline::state_at(tx, standing.room.nid, since)?,
            _ => None,
        };
        let to = if self.request.state_after { timeline.end } else { timeline.start };
        let members = match (lazy, standing.whole) {
            (false, _) => Members::All,
            (true, false) => Members::Changed,
            (true, true) => {
                // Whom a client knows that comes back to a room may have changed meanwhile.
                let known = self.since.map(|since| {
                    self.inner.told.known(self.request.user, &self.request.device, member.room, since)
                });
                let own = std::iter::once(&self.request.user_id);
                let wanted = senders.iter().chain(own).cloned();
                Members::Only(wanted.chain(known.into_iter().flatten()).collect())
            }
        };
        let name_givers = || summary::heroes(tx, cache, standing.room.nid, self.request.user);
        let mut heroes = if joined && standing.whole { Some(name_givers()?) } else { None };
        let names = &self.inner.names;
        let nids = state::changes(tx, cache, names, from, to, &members)?;
        let mut events = nids.iter().map(|nid| cache.get(tx, *nid)).collect::<Result<Vec<_>, _>>()?;
        if !self.request.state_after && timeline.hides_state {
            // What the timeline would tell, but for the filter or because the user was not there yet.
            let shown: HashSet<EventNid> = timeline.events.iter().map(|(event, _)| event.nid).collect();
            let members = match members {
                // Of a member whose coming is shown, the going must be told, too; and who names the room is told as they
                // are.
                Members::Only(mut only) => {
                    only.extend(heroes.iter().flatten().flatten().cloned());
                    let all = timeline.events.iter().map(|(event, _)| event);
                    only.extend(all.filter(|event| is_member(event)).filter_map(|event| {
                        event.pdu.state_key.as_deref().and_then(|key| UserId::parse(key).ok())
                    }));
                    Members::Only(only)
                }
                other => other,
            };
            for nid in state::changes(tx, cache, names, timeline.start, timeline.end, &members)? {
                if !shown.contains(&nid) {
                    let event = cache.get(tx, nid)?;
                    let same = |other: &Arc<Event>| {
                        other.pdu.kind == event.pdu.kind && other.pdu.state_key == event.pdu.state_key
                    };
                    events.retain(|other| !same(other));
                    events.push(event);
                }
            }
        }
        let membership_moved =
            timeline.events.iter().map(|(event, _)| event).chain(&events).any(|e| is_member(e));
        if joined && !standing.whole && membership_moved {
            heroes = Some(name_givers()?);
        }
        if lazy && let Some(to) = to {
            let mut needed = if standing.whole { BTreeSet::new() } else { senders };
            needed.extend(heroes.iter().flatten().flatten().cloned());
            for user in self.unknown_of(member, needed) {
                // What changed within the timeline without being shown is there already, and newer than that.
                let is_member_of = |event: &Arc<Event>| event.pdu.is_state("m.room.member", user.as_str());
                if !events.iter().any(is_member_of)
                    && let Some(nid) = state::member_at(tx, to, &user)?
                {
                    events.push(cache.get(tx, nid)?);
                }
            }
        }
        if !filter.allows_room(&standing.room.room_id) {
            events.clear();
        }
        events.retain(|event| filter.allows(&event.pdu));
        if lazy {
            self.tell_members(member, &events, timeline);
        }
        Ok((events, heroes))
    }

    /// Those of `users` whom this device was not told of, as far as it has acknowledged.
    fn unknown_of(&self, member: &MemberRow, mut users: BTreeSet<OwnedUserId>) -> BTreeSet<OwnedUserId> {
        if !self.request.filter.room.state.include_redundant_members {
            let (told, device) = (&self.inner.told, &self.request.device);
            let since = self.since.unwrap_or(0);
            users.retain(|user| !told.knows(self.request.user, device, member.room, user, since));
        }
        users
    }

    fn tell_members(&self, member: &MemberRow, state: &[Arc<Event>], timeline: &Timeline) {
        let newest = timeline.events.iter().rev().take(MOST_NOTED).map(|(event, _)| event);
        let all = state.iter().chain(newest);
        let members: Vec<OwnedUserId> = all
            .filter(|event| event.pdu.kind == "m.room.member")
            .filter_map(|event| event.pdu.state_key.as_deref().and_then(|key| UserId::parse(key).ok()))
            .collect();
        if !members.is_empty() {
            let (user, device) = (self.request.user, &self.request.device);
            let since = self.since.unwrap_or(0);
            self.inner.told.tell(user, device, member.room, &members, since, self.upto);
        }
    }

    fn ephemeral(&self, standing: &Standing) -> Result<Vec<String>, StoreError> {
        let (filter, room) = (&self.request.filter.room.ephemeral, standing.room.nid);
        let mut events = Vec::new();
        if !filter.allows_room(&standing.room.room_id) {
            return Ok(events);
        }
        if filter.events.allows_unsent("m.receipt") {
            let user = self.request.user;
            let moved = receipts::moved_since(self.tx, room, user, standing.after, ephemeral::MOST_RECEIPTS)?;
            events.extend(ephemeral::receipts(&moved));
        }
        let typing = self.typing.contains(&room) || (standing.fresh && self.inner.typing.is_anybody(room));
        if typing && filter.events.allows_unsent("m.typing") {
            events.push(ephemeral::typing(&self.inner.typing.users(room)));
        }
        Ok(events)
    }

    fn room_account_data(&self, standing: &Standing) -> Result<Vec<String>, StoreError> {
        let filter = &self.request.filter.room.account_data;
        if !filter.allows_room(&standing.room.room_id) {
            return Ok(Vec::new());
        }
        let of_room;
        let data: &[AccountData] = if standing.fresh {
            of_room = account_data::of_room(self.tx, self.request.user, standing.room.nid)?;
            &of_room
        } else {
            self.account_data.get(&standing.room.nid).map_or(&[], Vec::as_slice)
        };
        let wanted = data.iter().filter(|data| filter.events.allows_unsent(&data.kind));
        Ok(wanted.map(|data| plain_event(&data.kind, &data.content)).collect())
    }

    fn write_timeline(&self, timeline: &Timeline, out: &mut Object<'_>) -> Result<(), StoreError> {
        let mut object = out.object("timeline");
        let cache = &self.inner.context.events;
        write::timeline(self.tx, cache, self.viewer(), &self.shape, timeline, object.key("events"))?;
        object.raw("limited", if timeline.limited { "true" } else { "false" });
        object.string("prev_batch", &timeline.prev.to_string());
        object.close();
        Ok(())
    }

    fn write_state(&self, name: &str, events: &[Arc<Event>], out: &mut Object<'_>) -> Result<(), StoreError> {
        let mut object = out.object(name);
        let cache = &self.inner.context.events;
        write::state(self.tx, cache, self.viewer(), &self.shape, events, object.key("events"))?;
        object.close();
        Ok(())
    }
}

/// Writes the unread counts of a room that is told from memory.
pub(super) fn write_unread(
    inner: &Inner,
    count: &unread::Counter,
    by_thread: bool,
    out: &mut Object<'_>,
) -> Result<(), StoreError> {
    let id = |root| match inner.context.events.peek(root) {
        Some(event) => Ok(event.pdu.event_id.clone()),
        None => inner.context.store.read_now(|tx| events::event_id(tx, root)),
    };
    write_counts(count, by_thread, id, out)
}

fn write_counts(
    count: &unread::Counter,
    by_thread: bool,
    id: impl Fn(EventNid) -> Result<OwnedEventId, StoreError>,
    out: &mut Object<'_>,
) -> Result<(), StoreError> {
    let (threads, room): (Vec<_>, Vec<_>) =
        count.threads().partition(|(thread, _)| by_thread && thread.is_some());
    let mut counts = out.object("unread_notifications");
    counts.number("highlight_count", room.iter().map(|(_, tally)| tally.highlights).sum());
    counts.number("notification_count", room.iter().map(|(_, tally)| tally.notifications).sum());
    counts.close();
    if !threads.is_empty() {
        let mut object = out.object("unread_thread_notifications");
        for (root, tally) in threads.into_iter().filter_map(|(root, tally)| Some((root?, tally))) {
            let mut counts = object.object(id(root)?.as_str());
            counts.number("highlight_count", tally.highlights);
            counts.number("notification_count", tally.notifications);
            counts.close();
        }
        object.close();
    }
    Ok(())
}
