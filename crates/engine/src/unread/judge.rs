//! What push rules make of an event, found once for all users whose rules are alike.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use quick_cache::sync::Cache;
use serde::Deserialize;
use wardline_domain::power_levels::PowerLevels;
use wardline_domain::push::{PushEvent, PushFacts, Verdict};
use wardline_domain::room_version::RoomVersion;
use wardline_domain::ruma::UserId;
use wardline_domain::visibility::Membership;
use wardline_store::rooms::RoomRow;
use wardline_store::unread::Candidate;
use wardline_store::{
    EventNid, Pos, Reader, SnapshotNid, StoreError, state, sync, thread_subscriptions, unread, users,
};

use crate::Context;
use crate::events::{Event, EventCache};
use crate::push_rules::SharedRules;

/// Verdicts that are kept.
const VERDICTS: usize = 1 << 16;

/// Verdicts in memory, by event and rules. An event's verdict never changes but by its redaction, and a redacted
/// event is not asked for.
#[derive(Debug)]
pub(super) struct Verdicts {
    known: Cache<(EventNid, u32), Verdict>,
}

impl Default for Verdicts {
    fn default() -> Self {
        Self { known: Cache::new(VERDICTS) }
    }
}

/// Finds the number of joined members of a room right after an event.
pub(crate) type Joined<'a> = dyn FnMut() -> Result<u64, StoreError> + 'a;

/// The rule that matches an event for a user who is not its sender, if any does. `joined` is asked if a rule wants to know.
pub(crate) fn decide(
    tx: &impl Reader,
    context: &Context,
    rules: &SharedRules,
    user_id: &UserId,
    event: &Event,
    joined: &mut Joined<'_>,
) -> Result<Option<u16>, StoreError> {
    let verdicts = &context.unread.verdicts.known;
    let key = (event.nid, rules.id);
    let known = verdicts.get(&key);
    if let Some(verdict) = known.as_ref().filter(|verdict| verdict.is_general()) {
        return Ok(rules.set.general(verdict));
    }
    let Ok(parsed) = PushEvent::new(&event.client) else { return Ok(None) };
    let facts =
        Facts { tx, context, event, joined: RefCell::new(joined), user_id, failed: RefCell::new(None) };
    let verdict = known.unwrap_or_else(|| rules.set.judge(&parsed, &facts));
    let rule = rules.set.decide(&verdict, user_id, &parsed, &facts);
    if let Some(error) = facts.failed.into_inner() {
        return Err(error);
    }
    verdicts.insert(key, verdict);
    Ok(rule)
}

/// The rule that matches an event for everybody with these rules, if that is known to be the same for them all.
pub(super) fn known(context: &Context, rules: &SharedRules, event: &Event) -> Option<Option<u16>> {
    let verdict = context.unread.verdicts.known.get(&(event.nid, rules.id))?;
    verdict.is_general().then(|| rules.set.general(&verdict))
}

/// By how much the event changes the number of joined members of its room.
pub(super) fn joins(tx: &impl Reader, cache: &EventCache, event: &Event) -> Result<i64, StoreError> {
    if event.pdu.kind != "m.room.member" {
        return Ok(0);
    }
    let before = event.replaces.map(|nid| cache.get(tx, nid)).transpose()?;
    let was = before.is_some_and(|event| Membership::of(Some(&event.pdu)) == Membership::Join);
    let is = Membership::of(Some(&event.pdu)) == Membership::Join;
    Ok(i64::from(is) - i64::from(was))
}

/// The number of joined members right after position `pos`, which may be before the head of the room.
pub(crate) fn joined_at(
    tx: &impl Reader,
    cache: &EventCache,
    room: &RoomRow,
    pos: Pos,
) -> Result<u64, StoreError> {
    let mut joined = i64::try_from(room.joined).unwrap_or(i64::MAX);
    if pos < room.last_pos {
        for nid in unread::members_after(tx, room.nid, pos)? {
            joined -= joins(tx, cache, &*cache.get(tx, nid)?)?;
        }
    }
    Ok(u64::try_from(joined).unwrap_or(0))
}

/// The number of joined members of a room after each of its last events, found as far back as somebody asks.
pub(super) struct Members {
    /// Changes of membership that were not looked at yet, oldest first.
    left: Vec<(Pos, EventNid)>,
    /// The positions of the others with the number of members before each, newest first.
    before: Vec<(Pos, i64)>,
    now: i64,
}

impl Members {
    /// Of `room` as it is now, of which `found` are the last events.
    pub(super) fn new(room: &RoomRow, found: &[Candidate]) -> Self {
        let changes = found.iter().filter(|candidate| candidate.member);
        let left = changes.map(|candidate| (candidate.pos, candidate.event)).collect();
        Self { left, before: Vec::new(), now: i64::try_from(room.joined).unwrap_or(i64::MAX) }
    }

    /// The number after the event at position `pos`.
    pub(super) fn joined_after(
        &mut self,
        tx: &impl Reader,
        cache: &EventCache,
        pos: Pos,
    ) -> Result<u64, StoreError> {
        while let Some((at, event)) = self.left.pop_if(|(at, _)| *at > pos) {
            let after = self.before.last().map_or(self.now, |(_, before)| *before);
            let change = cache.get(tx, event).and_then(|event| joins(tx, cache, &event));
            // What failed is asked again.
            let change = change.inspect_err(|_| self.left.push((at, event)))?;
            self.before.push((at, after - change));
        }
        let later = self.before.partition_point(|(at, _)| *at > pos);
        let joined =
            later.checked_sub(1).and_then(|at| self.before.get(at)).map_or(self.now, |(_, joined)| *joined);
        Ok(u64::try_from(joined).unwrap_or(0))
    }
}

/// The facts of a room at an event, read from the store when a rule asks.
struct Facts<'a, R> {
    tx: &'a R,
    context: &'a Context,
    event: &'a Event,
    joined: RefCell<&'a mut Joined<'a>>,
    user_id: &'a UserId,
    /// A failure on the way, which a rule cannot return.
    failed: RefCell<Option<StoreError>>,
}

impl<R: Reader> Facts<'_, R> {
    fn state(
        &self,
        at: Option<SnapshotNid>,
        kind: &str,
        key: &str,
    ) -> Result<Option<Arc<Event>>, StoreError> {
        let (Some(at), Some(key)) = (at, state::find_key(self.tx, kind, key)?) else { return Ok(None) };
        state::event_at(self.tx, at, key)?.map(|nid| self.context.events.get(self.tx, nid)).transpose()
    }

    fn name(&self) -> Result<Option<String>, StoreError> {
        #[derive(Deserialize)]
        struct Content {
            displayname: String,
        }
        let member = self.state(self.event.state_after(), "m.room.member", self.user_id.as_str())?;
        Ok(member
            .and_then(|member| member.pdu.content_as::<Content>().ok())
            .map(|content| content.displayname))
    }

    fn levels(&self) -> Result<Option<PowerLevels>, StoreError> {
        let at = self.event.state_before;
        let Some(create) = self.state(at, "m.room.create", "")? else { return Ok(None) };
        let levels = self.state(at, "m.room.power_levels", "")?;
        let version = sync::room_version(self.tx, self.event.room)?;
        let Some(version) = version.and_then(|version| RoomVersion::parse(&version).ok()) else {
            return Ok(None);
        };
        Ok(PowerLevels::new(&create.pdu, levels.as_ref().map(|event| &event.pdu), version).ok())
    }

    fn or_note<T>(&self, found: Result<Option<T>, StoreError>) -> Option<T> {
        found.unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            None
        })
    }
}

impl<R: Reader> Facts<'_, R> {
    fn follows(&self) -> Result<Option<bool>, StoreError> {
        let (Some(root), Some(user)) = (self.event.thread, users::find(self.tx, self.user_id)?) else {
            return Ok(None);
        };
        Ok(thread_subscriptions::get(self.tx, user, root)?.map(|known| known.subscribed))
    }
}

impl<R: Reader> PushFacts for Facts<'_, R> {
    fn member_count(&self) -> u64 {
        let joined = (self.joined.borrow_mut())();
        self.or_note(joined.map(Some)).unwrap_or(0)
    }

    /// A rule that looks for a name must find none in a text without one: who has no name is called by their id.
    fn display_name(&self) -> Cow<'_, str> {
        match self.or_note(self.name()) {
            Some(name) => Cow::Owned(name),
            None => Cow::Borrowed(self.user_id.localpart()),
        }
    }

    fn may_notify(&self, sender: &UserId, key: &str) -> bool {
        self.or_note(self.levels()).is_some_and(|levels| levels.can_notify(sender, key))
    }

    fn follows_thread(&self) -> bool {
        self.or_note(self.follows()).unwrap_or(false)
    }
}
