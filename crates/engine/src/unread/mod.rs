//! Unread events (Client-Server API, "Push Notifications: Receiving notifications"): counted when somebody looks.
//!
//! A send writes nothing for the members of its room. What a user has not read is a function of the room's events, of
//! the user's receipts, push rules and ignored users; [`count`] keeps it in memory for each user and room and brings it
//! up to date with the events since it last looked.
//!
//! # Rules
//! - Counted is what the user's present push rules notify of, as the room was at the event: number of members, names,
//!   power levels. A redacted event does not count, nor one whose sender is ignored.
//! - Sending an event reads its thread up to there, as a receipt does. Who comes to a room has read what was before.
//! - Looking costs O(events since the last look). Only what cannot be told from a count (many unread events read in
//!   part, a redaction among many, changed rules) counts anew, and then from the read position.

mod counter;
mod judge;
mod list;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Notify;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::visibility::Membership as Standing;
use wardline_store::members::{self, Membership};
use wardline_store::receipts::MAIN_THREAD;
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{
    EventNid, Pos, Reader, RoomNid, StoreError, UserNid, account_data, events, stream, thread_subscriptions,
    unread,
};

use crate::Context;
use crate::events::Event;
use crate::push_rules::SharedRules;
pub(crate) use counter::{Basis, Counter};
pub(crate) use judge::{decide, joined_at};
pub use list::{Page, list};

/// Counts kept in memory, in bytes.
const BYTES: u64 = 32 << 20;
/// The same, as a number of counts.
const COUNTERS: usize = 100_000;
/// A count over more events than this is kept in the database.
const WORTH_KEEPING: usize = 1000;

/// Counts of unread events, in memory.
#[derive(Debug)]
pub struct Unread {
    /// Each with the position of the newest snapshot in which it was right.
    counters: Cache<(UserNid, RoomNid), (Pos, Arc<Counter>), ByBytes>,
    verdicts: judge::Verdicts,
    /// Counts that wait to be kept in the database.
    to_keep: Mutex<HashMap<(UserNid, RoomNid), Arc<Counter>>>,
    keep: Notify,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<(UserNid, RoomNid), (Pos, Arc<Counter>)> for ByBytes {
    fn weight(&self, _: &(UserNid, RoomNid), (_, counter): &(Pos, Arc<Counter>)) -> u64 {
        counter.bytes()
    }
}

impl Default for Unread {
    fn default() -> Self {
        Self {
            counters: Cache::with_weighter(COUNTERS, BYTES, ByBytes),
            verdicts: judge::Verdicts::default(),
            to_keep: Mutex::default(),
            keep: Notify::new(),
        }
    }
}

/// Somebody whose unread events are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) user: UserNid,
    pub(crate) user_id: OwnedUserId,
    pub(crate) rules: Arc<SharedRules>,
    pub(crate) basis: Basis,
}

impl Who {
    /// Reads what a user's counts depend on. `ignored` is [`ignored_users`].
    pub(crate) fn new(
        tx: &impl Reader,
        context: &Context,
        user: UserNid,
        user_id: &UserId,
        ignored: &HashSet<String>,
    ) -> Result<Self, StoreError> {
        let (changed, rules) = context.rule_book.of(tx, user, user_id)?;
        let threads = match rules.set.asks_for_threads() {
            true => thread_subscriptions::changed_at(tx, user)?,
            false => 0,
        };
        let basis = Basis { rules: changed, ignored: stands_for(ignored), threads };
        Ok(Self { user, user_id: user_id.to_owned(), rules, basis })
    }
}

fn stands_for(ignored: &HashSet<String>) -> u64 {
    if ignored.is_empty() {
        return 0;
    }
    let mut ids: Vec<_> = ignored.iter().collect();
    ids.sort_unstable();
    let mut hasher = DefaultHasher::new();
    ids.hash(&mut hasher);
    hasher.finish()
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

/// What somebody who is joined to a room has not read of it. `room` is the room in the snapshot of `tx`, whose position
/// is `upto`.
///
/// # Errors
/// Any failure of the database.
pub(crate) fn count(
    tx: &impl Reader,
    context: &Context,
    who: &Who,
    ignored: &HashSet<String>,
    room: &RoomRow,
    upto: Pos,
) -> Result<Arc<Counter>, StoreError> {
    let key = (who.user, room.nid);
    let receipts = unread::read_positions(tx, room.nid, who.user)?;
    let known = match context.unread.counters.get(&key) {
        Some((_, known)) => Some(known),
        None => kept(tx, key)?,
    };
    let known = known.filter(|known| known.basis == who.basis);
    if let Some(known) = &known
        && (known.upto > room.last_pos || (known.upto == room.last_pos && known.receipts == receipts))
    {
        if known.upto == room.last_pos {
            context.unread.counters.insert(key, (upto, Arc::clone(known)));
        }
        return Ok(Arc::clone(known));
    }
    let scan = Scan { tx, context, who, ignored, room, receipts, all: false };
    let mut counter = match known.map(|known| scan.extend((*known).clone())).transpose()?.flatten() {
        Some(counter) => counter,
        None => scan.anew()?,
    };
    let keep = counter.unkept > WORTH_KEEPING;
    if keep {
        counter.unkept = 0;
    }
    let counter = Arc::new(counter);
    context.unread.counters.insert(key, (upto, Arc::clone(&counter)));
    if keep {
        context.unread.to_keep.lock().insert(key, Arc::clone(&counter));
        context.unread.keep.notify_one();
    }
    Ok(counter)
}

/// The same for a client that has seen everything up to `since`, after which up to `upto` nothing happened in the room
/// but `events`, plain messages, and nothing at all to what the user's counts depend on. It is made from memory where
/// that is possible.
pub(crate) fn count_messages(
    context: &Context,
    (user, user_id): (UserNid, &UserId),
    ignored: &HashSet<String>,
    room: RoomNid,
    (since, upto): (Pos, Pos),
    messages: &[Arc<Event>],
) -> Result<Arc<Counter>, StoreError> {
    if let Some(known) = count_on(context, user, ignored, room, since, messages) {
        context.unread.counters.insert((user, room), (upto, Arc::clone(&known)));
        return Ok(known);
    }
    context.store.read_now(|tx| {
        let who = Who::new(tx, context, user, user_id, ignored)?;
        let row = rooms::get(tx, room)?
            .ok_or_else(|| StoreError::Malformed(format!("no room has the number {}", room.0)))?;
        count(tx, context, &who, ignored, &row, stream::head(tx)?)
    })
}

/// Adds messages to a count in memory; `None` if that is not there, or a message is not the same for everybody.
fn count_on(
    context: &Context,
    user: UserNid,
    ignored: &HashSet<String>,
    room: RoomNid,
    since: Pos,
    messages: &[Arc<Event>],
) -> Option<Arc<Counter>> {
    let (right_at, known) = context.unread.counters.get(&(user, room))?;
    if right_at < since || known.unkept > WORTH_KEEPING {
        return None;
    }
    let rules = context.rule_book.known(user, known.basis.rules)?;
    let mut counter = (*known).clone();
    for event in messages.iter().filter(|event| event.pos > known.upto) {
        if event.sender == user {
            counter.read(Some(event.thread), event.pos);
        } else if !ignored.contains(event.pdu.sender.as_str()) {
            let outcome = rules.set.outcome(judge::known(context, &rules, event)?);
            if outcome.notify {
                counter.note(event.pos, event.thread, outcome.highlight, false);
            }
        }
        counter.upto = event.pos;
        counter.unkept += 1;
    }
    Some(Arc::new(counter))
}

/// The same as [`count`], counted from the events alone, each of them remembered.
fn count_all(
    tx: &impl Reader,
    context: &Context,
    who: &Who,
    ignored: &HashSet<String>,
    room: &RoomRow,
) -> Result<Counter, StoreError> {
    let receipts = unread::read_positions(tx, room.nid, who.user)?;
    Scan { tx, context, who, ignored, room, receipts, all: true }.anew()
}

/// An unread event, and the rule that tells of it.
pub(crate) type Fresh = (Arc<Event>, Option<u16>);

/// The unread events of a room after a position, oldest first, with the rule that tells of each. Somebody is joined to
/// the room.
pub(crate) fn fresh(
    tx: &impl Reader,
    context: &Context,
    who: &Who,
    ignored: &HashSet<String>,
    room: &RoomRow,
    after: Pos,
) -> Result<Vec<Fresh>, StoreError> {
    let receipts = unread::read_positions(tx, room.nid, who.user)?;
    let scan = Scan { tx, context, who, ignored, room, receipts, all: true };
    let read = scan.read_everywhere().max(after);
    let from = scan.came_in(read)?.max(read);
    let mut counter = Counter::new(who.basis, from);
    scan.go_on(&mut counter, from, &scan.read_threads()?)?;
    let mut found = Vec::new();
    for pos in counter.positions() {
        let point = events::newest(tx, room.nid, pos.saturating_sub(1), pos, 1)?;
        let Some(point) = point.first() else { continue };
        let event = context.events.get(tx, point.nid)?;
        let joined = joined_at(tx, &context.events, room, pos)?;
        let rule = decide(tx, context, &who.rules, &who.user_id, &event, joined)?;
        found.push((event, rule));
    }
    Ok(found)
}

fn kept(tx: &impl Reader, (user, room): (UserNid, RoomNid)) -> Result<Option<Arc<Counter>>, StoreError> {
    let json = unread::kept(tx, user, room)?;
    Ok(json.and_then(|json| serde_json::from_str::<Counter>(&json).ok()).map(Arc::new))
}

/// Writes long counts to the database, so that a restart need not make them again. Runs as long as the engine.
pub(crate) async fn keep_long_counts(context: Arc<Context>) {
    loop {
        context.unread.keep.notified().await;
        let due: Vec<_> = context.unread.to_keep.lock().drain().collect();
        let kept = context
            .store
            .write(move |tx| {
                for ((user, room), counter) in due {
                    if let Ok(json) = serde_json::to_string(&*counter) {
                        unread::keep(tx, user, room, &json)?;
                    }
                }
                Ok(())
            })
            .await;
        match kept {
            Ok(()) => {}
            Err(StoreError::Closed) => return,
            // Nothing is lost but time after a restart.
            Err(error) => tracing::warn!(%error, "long unread counts were not kept"),
        }
    }
}

/// One look at the events of a room.
struct Scan<'a, R> {
    tx: &'a R,
    context: &'a Context,
    who: &'a Who,
    ignored: &'a HashSet<String>,
    room: &'a RoomRow,
    receipts: Vec<(String, Pos)>,
    /// Remember each unread event, however many.
    all: bool,
}

impl<R: Reader> Scan<'_, R> {
    /// How far everything is read, whatever the thread.
    fn read_everywhere(&self) -> Pos {
        self.receipts.iter().find(|(thread, _)| thread.is_empty()).map_or(0, |(_, pos)| *pos)
    }

    /// How far single threads are read (`None`: the main timeline).
    fn read_threads(&self) -> Result<HashMap<Option<EventNid>, Pos>, StoreError> {
        let mut read = HashMap::new();
        for (thread, pos) in self.receipts.iter().filter(|(thread, _)| !thread.is_empty()) {
            if thread == MAIN_THREAD {
                read.insert(None, *pos);
            } else if let Ok(root) = wardline_domain::ruma::EventId::parse(thread)
                && let Some(root) = events::find(self.tx, &root)?
            {
                read.insert(Some(root), *pos);
            }
        }
        Ok(read)
    }

    fn anew(&self) -> Result<Counter, StoreError> {
        let read = self.read_everywhere();
        let from = self.came_in(read)?.max(read);
        let mut counter = Counter::new(self.who.basis, from);
        self.go_on(&mut counter, from, &self.read_threads()?)?;
        self.finish(&mut counter);
        Ok(counter)
    }

    /// The position at which the user came into the room, or `read` if that is later.
    fn came_in(&self, read: Pos) -> Result<Pos, StoreError> {
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
    fn extend(&self, mut counter: Counter) -> Result<Option<Counter>, StoreError> {
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
    fn go_on(
        &self,
        counter: &mut Counter,
        after: Pos,
        threads: &HashMap<Option<EventNid>, Pos>,
    ) -> Result<bool, StoreError> {
        let cache = &self.context.events;
        let found = unread::between(self.tx, self.room.nid, after, self.room.last_pos)?;
        counter.unkept += found.len();
        // The number of members is known at the end; what it was at each event follows backwards.
        let mut joined = i64::try_from(self.room.joined).unwrap_or(i64::MAX);
        for candidate in found.iter().filter(|candidate| candidate.member) {
            joined -= judge::joins(self.tx, cache, &*cache.get(self.tx, candidate.event)?)?;
        }
        for candidate in found {
            let event = cache.get(self.tx, candidate.event)?;
            if candidate.member {
                joined += judge::joins(self.tx, cache, &event)?;
                self.note_own_join(counter, &event)?;
            }
            if event.sender == self.who.user {
                counter.read(Some(event.thread), event.pos);
            } else if event.redacted_by.is_none()
                && !self.ignored.contains(event.pdu.sender.as_str())
                && threads.get(&event.thread).is_none_or(|read| event.pos > *read)
            {
                let rules = &self.who.rules;
                let joined = u64::try_from(joined).unwrap_or(0);
                let rule = decide(self.tx, self.context, rules, &self.who.user_id, &event, joined)?;
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
