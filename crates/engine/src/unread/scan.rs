//! Counting: one look at the events of a room that a user may not have read.

use std::collections::{HashMap, HashSet};

use wardline_domain::push::OthersMembership;
use wardline_domain::ruma::EventId;
use wardline_domain::visibility::Membership as Standing;
use wardline_store::members::{self, Membership};
use wardline_store::receipts::MAIN_THREAD;
use wardline_store::rooms::RoomRow;
use wardline_store::unread::{self, Candidate, Passed};
use wardline_store::{EventNid, Pos, Reader, StoreError, events, state};

use super::Who;
use super::counter::Counter;
use super::judge::{self, decide};
use crate::Context;
use crate::events::Event;

/// One look at the events of a room.
pub(super) struct Scan<'a, R> {
    pub(super) tx: &'a R,
    pub(super) context: &'a Context,
    pub(super) who: &'a Who,
    pub(super) ignored: &'a HashSet<String>,
    pub(super) room: &'a RoomRow,
    pub(super) receipts: Vec<(String, Pos)>,
    /// Remember each unread event, however many.
    pub(super) all: bool,
}

impl<R: Reader> Scan<'_, R> {
    /// How far everything is read, whatever the thread.
    pub(super) fn read_everywhere(&self) -> Pos {
        self.receipts.iter().find(|(thread, _)| thread.is_empty()).map_or(0, |(_, pos)| *pos)
    }

    /// How far single threads are read (`None`: the main timeline).
    pub(super) fn read_threads(&self) -> Result<HashMap<Option<EventNid>, Pos>, StoreError> {
        let mut read = HashMap::new();
        for (thread, pos) in self.receipts.iter().filter(|(thread, _)| !thread.is_empty()) {
            if thread == MAIN_THREAD {
                read.insert(None, *pos);
            } else if let Ok(root) = EventId::parse(thread)
                && let Some(root) = events::find(self.tx, &root)?
            {
                read.insert(Some(root), *pos);
            }
        }
        Ok(read)
    }

    pub(super) fn anew(&self) -> Result<Counter, StoreError> {
        let read = self.read_everywhere();
        let from = self.came_in(read)?.max(read);
        let mut counter = Counter::new(self.who.basis, from);
        self.go_on(&mut counter, from, &self.read_threads()?)?;
        self.finish(&mut counter);
        Ok(counter)
    }

    /// The position at which the user came into the room, or `read` if that is later.
    pub(super) fn came_in(&self, read: Pos) -> Result<Pos, StoreError> {
        let member = members::get(self.tx, self.room.nid, self.who.user)?;
        let Some(member) = member.filter(|member| member.membership == Membership::Join) else {
            return Ok(self.room.last_pos);
        };
        let mut event = self.context.events.get(self.tx, member.event)?;
        while event.pos > read
            && let Some(before) = event.replaces
        {
            let before = self.context.events.get(self.tx, before)?;
            if Standing::of(Some(&before.pdu)) != Standing::Join {
                break;
            }
            event = before;
        }
        Ok(event.pos)
    }

    /// Brings a count up to date; `None` if the room must be counted anew.
    pub(super) fn extend(&self, mut counter: Counter) -> Result<Option<Counter>, StoreError> {
        let threads = self.read_threads()?;
        let read = self.read_everywhere();
        if counter.receipts != self.receipts {
            let exact = counter.read(None, read)
                && threads.iter().all(|(thread, pos)| counter.read(Some(*thread), *pos));
            if !exact {
                return Ok(None);
            }
        }
        let known = counter.upto;
        counter.from = counter.from.max(read);
        if !self.go_on(&mut counter, known.max(read), &threads)? {
            return Ok(None);
        }
        self.finish(&mut counter);
        Ok(Some(counter))
    }

    fn finish(&self, counter: &mut Counter) {
        counter.upto = self.room.last_pos;
        counter.receipts.clone_from(&self.receipts);
    }

    /// Counts the events after a position; `false` if the room must be counted anew.
    pub(super) fn go_on(
        &self,
        counter: &mut Counter,
        after: Pos,
        threads: &HashMap<Option<EventNid>, Pos>,
    ) -> Result<bool, StoreError> {
        let cache = &self.context.events;
        let found = self.candidates(after)?;
        counter.unkept += found.len();
        let mut members = judge::Members::new(self.room, &found);
        for candidate in found.iter().filter(|candidate| !candidate.passed) {
            let event = cache.get(self.tx, candidate.event)?;
            if candidate.member {
                self.note_own_join(counter, &event)?;
            }
            if event.sender == self.who.user {
                counter.read(Some(event.thread), event.pos);
            } else if event.redacted_by.is_none()
                && !self.ignored.contains(event.pdu.sender.as_str())
                && threads.get(&event.thread).is_none_or(|read| event.pos > *read)
            {
                let rules = &self.who.rules;
                let mut joined = || members.joined_after(self.tx, cache, event.pos);
                let rule = decide(self.tx, self.context, rules, &self.who.user_id, &event, &mut joined)?;
                let outcome = rules.set.outcome(rule);
                if outcome.notify {
                    counter.note(event.pos, event.thread, outcome.highlight, self.all);
                }
            }
            if !self.note_redaction(counter, &event, after)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The events after a position, without the memberships of others that these rules are silent about.
    fn candidates(&self, after: Pos) -> Result<Vec<Candidate>, StoreError> {
        let own = state::find_key(self.tx, "m.room.member", self.who.user_id.as_str())?;
        let passed = match &self.who.rules.others {
            OthersMembership::Silent => Passed::All,
            OthersMembership::SilentWithout(text) => Passed::Without(text),
            OthersMembership::Unknown => Passed::Nothing,
        };
        let span = (after, self.room.last_pos);
        unread::between(self.tx, self.room.nid, span, (self.who.user, own), passed)
    }

    /// Who comes into the room has read what was before.
    fn note_own_join(&self, counter: &mut Counter, event: &Event) -> Result<(), StoreError> {
        let own = event.pdu.state_key.as_deref() == Some(self.who.user_id.as_str());
        if own && judge::joins(self.tx, &self.context.events, event)? > 0 {
            counter.read(None, event.pos);
            counter.from = counter.from.max(event.pos);
        }
        Ok(())
    }

    /// Takes away what the event redacted if that was counted before this look, which began after `after`; `false`
    /// if the room must be counted anew.
    fn note_redaction(&self, counter: &mut Counter, event: &Event, after: Pos) -> Result<bool, StoreError> {
        let Some(target) = event.pdu.redacts.as_deref() else { return Ok(true) };
        let Some((target, _)) = events::find_in_room(self.tx, self.room.nid, target)? else {
            return Ok(true);
        };
        let target = self.context.events.get(self.tx, target)?;
        if target.redacted_by.is_none() || target.pos > after || target.pos <= counter.from {
            return Ok(true);
        }
        // An event of the user's own that went has read a thread that it is in no more.
        Ok(target.sender != self.who.user && counter.remove(target.pos))
    }
}
