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
mod scan;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Notify;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{
    Pos, Reader, RoomNid, StoreError, UserNid, account_data, events, stream, thread_subscriptions, unread,
};

use crate::Context;
use crate::events::Event;
use crate::push_rules::SharedRules;
pub(crate) use counter::{Basis, Counter};
pub(crate) use judge::{decide, joined_at};
pub use list::{Page, list};
use scan::Scan;

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
        let mut joined = || joined_at(tx, &context.events, room, pos);
        let rule = decide(tx, context, &who.rules, &who.user_id, &event, &mut joined)?;
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
