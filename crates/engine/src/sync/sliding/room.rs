//! One room in an answer.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::visibility::Membership;
use wardline_store::members::{self, MemberRow};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{Pos, RoomNid, SnapshotNid, StoreError, state as stored};

use super::super::json::{Object, array};
use super::super::membership::{Stay, stay};
use super::super::shape::Shape;
use super::super::state::{self, Members};
use super::super::timeline::{self, Range, Timeline};
use super::super::{summary, write};
use super::build::{Build, Candidate};
use super::connection::{Last, RoomChange, RoomTold};
use crate::events::Event;
use crate::filters::{EventFilter, RoomEventFilter};
use crate::rooms::Eyes;
use crate::unread;

/// What is to be told of a room: its JSON, if anything, and what the client knows then.
pub(super) struct Said {
    pub(super) json: Option<String>,
    pub(super) change: Option<RoomChange>,
}

/// How a room has to be told.
struct Standing<'a> {
    room: RoomRow,
    /// What the client knows; `None`: it gets the room from its beginning, as far as the limits go.
    known: Option<&'a RoomTold>,
    /// The client knows the room, but less of its timeline than it now wants.
    expanded: bool,
    upto: Pos,
}

/// The state events that a client lacks.
struct Lacks {
    events: Vec<Arc<Event>>,
    /// Members among them that are told because they say something.
    members: Vec<OwnedUserId>,
    /// Whether any membership changed, wanted or not.
    membership_moved: bool,
    /// Whether what names the room changed.
    name_moved: bool,
    avatar_moved: bool,
}

impl Build<'_> {
    /// A room that the user is joined to.
    pub(super) fn joined(&self, candidate: &Candidate, member: &MemberRow) -> Result<Said, StoreError> {
        let known = self.asked.told.rooms.get(&candidate.room);
        let known = match known {
            Some(known) if self.stay(member, known.last.sent)?.is_continued() => Some(known),
            _ => None,
        };
        let mut change = RoomChange {
            last: self.last(candidate, known),
            afresh: known.is_none_or(|known| !known.last.wanted.is_lazy()),
            members: Vec::new(),
        };
        let expanded = known.is_some_and(|known| known.last.wanted.limit < candidate.wanted.limit);
        let is_same = known.is_some_and(|known| {
            candidate.changed <= known.last.sent && known.last.wanted == candidate.wanted
        });
        let Some(room) = rooms::get(self.tx, candidate.room)?.filter(|_| !is_same) else {
            return Ok(Said { json: None, change: Some(change) });
        };
        let standing = Standing { room, known, expanded, upto: self.upto };
        let timeline = self.timeline(candidate, member, &standing)?;
        let lacks = self.lacks(candidate, &standing, &timeline, change.afresh)?;
        change.last.unread = self.unread(&standing.room)?;
        let is_told = known.is_none_or(|known| known.last.unread != change.last.unread)
            || expanded
            || timeline.limited
            || !timeline.events.is_empty()
            || !lacks.events.is_empty();
        change.members.extend(lacks.members.iter().cloned());
        let json = if is_told {
            Some(self.write_joined(candidate, &standing, &timeline, &lacks, change.last.unread)?)
        } else {
            None
        };
        Ok(Said { json, change: Some(change) })
    }

    /// A room that the user is invited to, or has knocked at.
    pub(super) fn invited(&self, candidate: &Candidate, member: &MemberRow) -> Result<Said, StoreError> {
        let known = self.asked.told.rooms.get(&candidate.room);
        if known.is_some_and(|known| known.last.sent >= member.pos) {
            return Ok(Said { json: None, change: None });
        }
        let stable = self.request().stable;
        let mut out = String::with_capacity(512);
        let mut object = Object::open(&mut out);
        object.raw("initial", "true");
        self.write_lists(candidate, &mut object);
        let knocked = member.membership == members::Membership::Knock;
        object.string("membership", if knocked { "knock" } else { "invite" });
        object.number("bump_stamp", candidate.bump);
        object.raw("is_dm", if candidate.direct { "true" } else { "false" });
        object.raw(
            if stable { "stripped_state" } else { "invite_state" },
            member.stripped.as_deref().unwrap_or("[]"),
        );
        object.close();
        let change = RoomChange { last: self.last(candidate, None), afresh: true, members: Vec::new() };
        Ok(Said { json: Some(out), change: Some(change) })
    }

    /// A room that the user has left or was removed from: how it was until then, for who was joined.
    pub(super) fn left(&self, candidate: &Candidate, member: &MemberRow) -> Result<Said, StoreError> {
        let nothing = Said { json: None, change: None };
        let Some(room) = rooms::get(self.tx, candidate.room)? else { return Ok(nothing) };
        let known = self.asked.told.rooms.get(&candidate.room);
        if known.is_some_and(|known| known.last.sent >= member.pos) {
            return Ok(nothing);
        }
        let stay = self.stay(member, known.map_or(0, |known| known.last.sent))?;
        let was_joined = stay.at_since == Some(Membership::Join);
        let end = stay.ended_by.filter(|_| was_joined || stay.joined_after).unwrap_or(member.event);
        let end = self.inner.context.events.get(self.tx, end)?;
        let standing = Standing { room, known: known.filter(|_| was_joined), expanded: false, upto: end.pos };
        let after = match standing.known {
            Some(known) => known.last.sent,
            None if stay.joined_after => 0,
            // Never joined: only how that came to its end.
            None => end.pos.saturating_sub(1),
        };
        let limit = candidate.wanted.limit.max(1);
        let timeline = self.read(&standing, &MemberRow { event: end.nid, ..member.clone() }, after, limit)?;
        let mut lacks = self.lacks(candidate, &standing, &timeline, false)?;
        if standing.known.is_none() && stay.joined_after {
            self.add_state_at(candidate, timeline.end, &mut lacks)?;
        }
        // Also for whom only the state counts.
        if !lacks.events.iter().any(|event| event.nid == end.nid) {
            lacks.events.push(end);
        }
        let mut out = String::with_capacity(1024);
        let mut object = Object::open(&mut out);
        if known.is_none() {
            object.raw("initial", "true");
        }
        let banned = member.membership == members::Membership::Ban;
        self.write_lists(candidate, &mut object);
        object.string("membership", if banned { "ban" } else { "leave" });
        object.number("bump_stamp", candidate.bump);
        object.number("num_live", 0);
        self.write_events(&timeline, &lacks, &mut object)?;
        object.close();
        let change = RoomChange { last: self.last(candidate, None), afresh: true, members: Vec::new() };
        Ok(Said { json: Some(out), change: Some(change) })
    }

    /// What the client wants of the state at a snapshot.
    fn add_state_at(
        &self,
        candidate: &Candidate,
        at: Option<SnapshotNid>,
        lacks: &mut Lacks,
    ) -> Result<(), StoreError> {
        let (tx, cache, me) = (self.tx, &self.inner.context.events, &self.request().user_id);
        for nid in state::changes(tx, cache, &self.inner.names, None, at, &Members::All)? {
            let event = cache.get(tx, nid)?;
            let is_there = |other: &Arc<Event>| {
                other.pdu.kind == event.pdu.kind && other.pdu.state_key == event.pdu.state_key
            };
            if candidate.wanted.has_event(&event, me) && !lacks.events.iter().any(is_there) {
                lacks.events.push(event);
            }
        }
        Ok(())
    }

    fn stay(&self, member: &MemberRow, since: Pos) -> Result<Stay, StoreError> {
        if member.pos <= since && member.membership == members::Membership::Join {
            let at_since = Some(Membership::Join);
            return Ok(Stay { at_since, only_joins_after: true, joined_before: true, ..Stay::default() });
        }
        stay(self.tx, &self.inner.context.events, member, since)
    }

    fn last(&self, candidate: &Candidate, known: Option<&RoomTold>) -> Last {
        Last {
            sent: self.upto,
            receipts: known.map_or(0, |known| known.last.receipts),
            account_data: known.map_or(0, |known| known.last.account_data),
            typing: known.map_or(0, |known| known.last.typing),
            wanted: Arc::clone(&candidate.wanted),
            unread: known.map_or((0, 0), |known| known.last.unread),
        }
    }

    fn unread(&self, room: &RoomRow) -> Result<(u64, u64), StoreError> {
        Ok(unread::count(self.tx, &self.inner.context, &self.who, &self.ignored, room, self.upto)?.total())
    }

    fn timeline(
        &self,
        candidate: &Candidate,
        member: &MemberRow,
        standing: &Standing<'_>,
    ) -> Result<Timeline, StoreError> {
        let after = standing.known.filter(|_| !standing.expanded).map_or(0, |known| known.last.sent);
        self.read(standing, member, after, candidate.wanted.limit)
    }

    fn read(
        &self,
        standing: &Standing<'_>,
        member: &MemberRow,
        after: Pos,
        limit: usize,
    ) -> Result<Timeline, StoreError> {
        let (cache, request) = (&self.inner.context.events, self.request());
        let mut eyes = Eyes::new(self.tx, cache, standing.room.nid, request.user, &request.user_id)?;
        let limit = Some(u32::try_from(limit).unwrap_or(u32::MAX));
        let filter =
            RoomEventFilter { events: EventFilter { limit, ..EventFilter::default() }, ..Default::default() };
        let range = Range {
            room: standing.room.nid,
            after,
            upto: standing.upto,
            filter: &filter,
            ignored: &self.ignored,
            always: Some(member.event),
            makes_state: false,
        };
        timeline::read(self.tx, cache, &mut eyes, &range)
    }

    fn lacks(
        &self,
        candidate: &Candidate,
        standing: &Standing<'_>,
        timeline: &Timeline,
        afresh: bool,
    ) -> Result<Lacks, StoreError> {
        let (tx, cache, me) = (self.tx, &self.inner.context.events, &self.request().user_id);
        let (room, wanted) = (standing.room.nid, &candidate.wanted);
        let speakers: BTreeSet<OwnedUserId> = match wanted.is_lazy() {
            true => timeline.events.iter().map(|(event, _)| event.pdu.sender.clone()).collect(),
            false => BTreeSet::new(),
        };
        let mut lacks = Lacks {
            events: Vec::new(),
            members: Vec::new(),
            membership_moved: standing.known.is_none(),
            name_moved: standing.known.is_none(),
            avatar_moved: standing.known.is_none(),
        };
        let nobody = HashSet::new();
        let told = standing.known.filter(|_| !afresh).map_or(&nobody, |known| &known.members);
        match standing.known {
            Some(known) => {
                let from = timeline::state_at(tx, room, known.last.sent)?;
                let names = &self.inner.names;
                for nid in state::changes(tx, cache, names, from, timeline.end, &Members::All)? {
                    let event = cache.get(tx, nid)?;
                    lacks.note(&event);
                    let is_told = member_of(&event).is_some_and(|user| told.contains(&user));
                    if known.last.wanted.has_event(&event, me) && wanted.has_event(&event, me)
                        || (wanted.is_lazy() && is_told)
                    {
                        lacks.events.push(event);
                    }
                }
                if known.last.wanted != *wanted {
                    lacks.events.extend(wanted.present(tx, cache, room, me, Some(&known.last.wanted))?);
                }
            }
            None if standing.upto == self.upto => lacks.events = wanted.present(tx, cache, room, me, None)?,
            None => {}
        }
        let have: HashSet<OwnedUserId> = lacks.events.iter().filter_map(|event| member_of(event)).collect();
        for user in speakers.into_iter().filter(|user| !told.contains(user) && !have.contains(user)) {
            if let Some(nid) = stored::current_event(tx, room, "m.room.member", user.as_str())? {
                lacks.events.push(cache.get(tx, nid)?);
            }
        }
        lacks.members = lacks.events.iter().filter_map(|event| member_of(event)).collect();
        Ok(lacks)
    }

    fn write_joined(
        &self,
        candidate: &Candidate,
        standing: &Standing<'_>,
        timeline: &Timeline,
        lacks: &Lacks,
        unread: (u64, u64),
    ) -> Result<String, StoreError> {
        let mut out = String::with_capacity(1024);
        let mut object = Object::open(&mut out);
        if standing.known.is_none() {
            object.raw("initial", "true");
        }
        if standing.expanded {
            let stable = self.request().stable;
            object.raw(if stable { "expanded_timeline" } else { "unstable_expanded_timeline" }, "true");
        }
        self.write_lists(candidate, &mut object);
        object.string("membership", "join");
        object.number("bump_stamp", candidate.bump);
        object.raw("is_dm", if candidate.direct { "true" } else { "false" });
        object.number("notification_count", unread.0);
        object.number("highlight_count", unread.1);
        if lacks.membership_moved {
            object.number("joined_count", standing.room.joined);
            object.number("invited_count", standing.room.invited);
        }
        self.write_name(standing, lacks, &mut object)?;
        let seen = self.asked.told.head.pos;
        let live = timeline.events.iter().filter(|(event, _)| seen > 0 && event.pos > seen).count();
        object.number("num_live", live as u64);
        self.write_events(timeline, lacks, &mut object)?;
        object.close();
        Ok(out)
    }

    fn write_name(
        &self,
        standing: &Standing<'_>,
        lacks: &Lacks,
        out: &mut Object<'_>,
    ) -> Result<(), StoreError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Content {
            name: String,
            url: String,
        }
        let (tx, cache, room) = (self.tx, &self.inner.context.events, standing.room.nid);
        let content = |kind: &str| -> Result<Content, StoreError> {
            let event =
                stored::current_event(tx, room, kind, "")?.map(|nid| cache.get(tx, nid)).transpose()?;
            Ok(event.and_then(|event| event.pdu.content_as().ok()).unwrap_or_default())
        };
        if lacks.name_moved {
            let name = content("m.room.name")?.name;
            if !name.is_empty() {
                out.string("name", &name);
            }
        }
        if lacks.avatar_moved {
            match (content("m.room.avatar")?.url, standing.known) {
                (url, Some(_)) if url.is_empty() => out.raw("avatar", "null"),
                (url, None) if url.is_empty() => {}
                (url, _) => out.string("avatar", &url),
            }
        }
        if (lacks.name_moved || lacks.membership_moved)
            && let Some(heroes) = summary::heroes(tx, cache, room, self.request().user)?
        {
            self.write_heroes(room, &heroes, out)?;
        }
        Ok(())
    }

    fn write_heroes(
        &self,
        room: RoomNid,
        heroes: &[OwnedUserId],
        out: &mut Object<'_>,
    ) -> Result<(), StoreError> {
        #[derive(Default, Deserialize)]
        struct Content {
            displayname: Option<String>,
            avatar_url: Option<String>,
        }
        let mut told = Vec::with_capacity(heroes.len());
        for hero in heroes {
            let nid = stored::current_event(self.tx, room, "m.room.member", hero.as_str())?;
            let event = nid.map(|nid| self.inner.context.events.get(self.tx, nid)).transpose()?;
            let content: Content = event.and_then(|event| event.pdu.content_as().ok()).unwrap_or_default();
            told.push((hero, content));
        }
        array(out.key("heroes"), told, |out, (hero, content)| {
            let mut object = Object::open(out);
            object.string("user_id", hero.as_str());
            if let Some(name) = content.displayname {
                object.string("displayname", &name);
            }
            if let Some(avatar) = content.avatar_url {
                object.string("avatar_url", &avatar);
            }
            object.close();
        });
        Ok(())
    }

    /// The lists that have the room in their window; the unstable endpoint does not tell them.
    fn write_lists(&self, candidate: &Candidate, out: &mut Object<'_>) {
        let bits = candidate.asked_by.lists;
        if self.request().stable && bits != 0 {
            let names = self.request().body.lists.keys().enumerate();
            out.strings("lists", names.filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| name));
        }
    }

    fn write_events(
        &self,
        timeline: &Timeline,
        lacks: &Lacks,
        out: &mut Object<'_>,
    ) -> Result<(), StoreError> {
        let cache = &self.inner.context.events;
        let name = if self.request().stable { "timeline_events" } else { "timeline" };
        let shape = &Shape::default();
        write::timeline(self.tx, cache, self.viewer(), shape, timeline, out.key(name))?;
        out.raw("limited", if timeline.limited { "true" } else { "false" });
        out.string("prev_batch", &timeline.prev.to_string());
        write::state(self.tx, cache, self.viewer(), shape, &lacks.events, out.key("required_state"))
    }
}

impl Lacks {
    fn note(&mut self, event: &Event) {
        match event.pdu.kind.as_str() {
            "m.room.member" => self.membership_moved = true,
            "m.room.name" | "m.room.canonical_alias" => self.name_moved = true,
            "m.room.avatar" => self.avatar_moved = true,
            _ => {}
        }
    }
}

/// Whose membership the event is.
fn member_of(event: &Event) -> Option<OwnedUserId> {
    let key = event.pdu.state_key.as_deref().filter(|_| event.pdu.kind == "m.room.member")?;
    UserId::parse(key).ok()
}
