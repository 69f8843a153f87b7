//! How much of one room somebody has not read: told the room's events in order, and what they have read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardline_store::{EventNid, Pos};

/// Unread events that are remembered one by one; of more only the numbers are kept.
const MOST_ITEMS: usize = 256;

/// What a count depends on besides the room's events: it is made anew if this changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// The position of the last change of the user's push rules.
    pub(crate) rules: Pos,
    /// Stands for the set of ignored users.
    pub(crate) ignored: u64,
    /// The position of the last change of the threads that the user follows, if the rules ask for them.
    #[serde(default)]
    pub(crate) threads: Pos,
}

/// How many events of one thread are unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// How many.
    pub(crate) notifications: u64,
    /// How many of them are highlighted.
    pub(crate) highlights: u64,
    /// The position of the last of them.
    last: Pos,
}

/// An unread event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    pos: Pos,
    thread: i64,
    highlight: bool,
}

/// The number that stands for the main timeline among the threads; no event has it.
const MAIN: i64 = 0;

/// The unread events of one user in one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counter {
    /// What it was counted by.
    pub(crate) basis: Basis,
    /// Events up to this position are counted.
    pub(crate) upto: Pos,
    /// Nothing at or before this position is unread.
    pub(crate) from: Pos,
    /// How far the user had read, as the receipts say.
    pub(crate) receipts: Vec<(String, Pos)>,
    /// Events looked at since the count was last kept in the database.
    pub(crate) unkept: usize,
    threads: BTreeMap<i64, Tally>,
    /// Each unread event, oldest first; `None` if there are or were too many.
    items: Option<Vec<Item>>,
}

impl Counter {
    /// Nothing is unread up to position `from`.
    pub(crate) fn new(basis: Basis, from: Pos) -> Self {
        Self {
            basis,
            upto: from,
            from,
            receipts: Vec::new(),
            unkept: 0,
            threads: BTreeMap::new(),
            items: Some(Vec::new()),
        }
    }

    /// The counts by thread, the main timeline (`None`) first.
    pub(crate) fn threads(&self) -> impl Iterator<Item = (Option<EventNid>, Tally)> {
        self.threads.iter().map(|(thread, tally)| ((*thread != MAIN).then_some(EventNid(*thread)), *tally))
    }

    /// All threads together: how many events, and how many of them highlighted.
    pub(crate) fn total(&self) -> (u64, u64) {
        let add = |(all, loud), tally: &Tally| (all + tally.notifications, loud + tally.highlights);
        self.threads.values().fold((0, 0), add)
    }

    /// Whether the event at a position is unread; `None` if there are too many to say.
    pub(crate) fn has(&self, pos: Pos) -> Option<bool> {
        let items = self.items.as_ref()?;
        Some(items.binary_search_by_key(&pos, |item| item.pos).is_ok())
    }

    /// Where the unread events are, oldest first; without those that are not remembered.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Pos> {
        self.items.iter().flatten().map(|item| item.pos)
    }

    /// Counts an event, later than all before it. `all` remembers each, however many.
    pub(crate) fn note(&mut self, pos: Pos, thread: Option<EventNid>, highlight: bool, all: bool) {
        let thread = thread.map_or(MAIN, |thread| thread.0);
        let tally = self.threads.entry(thread).or_default();
        tally.notifications += 1;
        tally.highlights += u64::from(highlight);
        tally.last = pos;
        match &mut self.items {
            Some(items) if all || items.len() < MOST_ITEMS => items.push(Item { pos, thread, highlight }),
            items => *items = None,
        }
    }

    /// Everything up to a position has been read: in one thread (`Some(None)`: the main timeline) or, for `None`, in
    /// all. `false` if that cannot be told from what is remembered: the room must be counted anew.
    pub(crate) fn read(&mut self, thread: Option<Option<EventNid>>, upto: Pos) -> bool {
        let only = thread.map(|thread| thread.map_or(MAIN, |thread| thread.0));
        let Some(items) = &mut self.items else {
            let covered = |thread: &i64| only.is_none_or(|only| only == *thread);
            self.threads.retain(|thread, tally| !(covered(thread) && tally.last <= upto));
            if self.threads.is_empty() {
                self.items = Some(Vec::new());
                return true;
            }
            // What is left is either of other threads, or read in part.
            return !self.threads.iter().any(|(thread, _)| covered(thread)) || upto <= self.from;
        };
        let before = items.len();
        items.retain(|item| item.pos > upto || only.is_some_and(|only| only != item.thread));
        if items.len() != before {
            self.recount();
        }
        true
    }

    /// An event is not there any more. `false` as in [`Counter::read`].
    pub(crate) fn remove(&mut self, pos: Pos) -> bool {
        let Some(items) = &mut self.items else { return self.threads.is_empty() };
        if let Ok(at) = items.binary_search_by_key(&pos, |item| item.pos) {
            items.remove(at);
            self.recount();
        }
        true
    }

    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> u64 {
        let items = self.items.as_ref().map_or(0, Vec::len) * size_of::<Item>();
        (200 + items + self.threads.len() * 64 + self.receipts.len() * 64) as u64
    }

    fn recount(&mut self) {
        self.threads.clear();
        for item in self.items.iter().flatten() {
            let tally = self.threads.entry(item.thread).or_default();
            tally.notifications += 1;
            tally.highlights += u64::from(item.highlight);
            tally.last = item.pos;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter() -> Counter {
        Counter::new(Basis { rules: 0, ignored: 0, threads: 0 }, 0)
    }

    #[test]
    fn reading_part_of_few_is_exact_and_part_of_many_asks_to_count_anew() {
        let mut few = counter();
        let thread = Some(EventNid(9));
        for pos in 1..=10 {
            few.note(pos, thread.filter(|_| pos % 2 == 0), pos == 4, false);
        }
        assert_eq!(few.total(), (10, 1));
        assert!(few.read(Some(thread), 5));
        assert_eq!((few.total(), few.has(4), few.has(5)), ((8, 0), Some(false), Some(true)));
        assert!(few.read(None, 8) && few.remove(9));
        assert_eq!(few.total(), (1, 0));

        let mut many = counter();
        for pos in 1..=1000 {
            many.note(pos, None, false, false);
        }
        many.note(1001, thread, false, false);
        assert_eq!((many.total(), many.has(1)), ((1001, 0), None));
        assert!(many.read(Some(thread), 1001));
        assert_eq!(many.total(), (1000, 0));
        assert!(!many.clone().read(None, 500) && !many.clone().remove(3));
        assert!(many.read(None, 1000));
        assert_eq!((many.total(), many.has(1)), ((0, 0), Some(false)));
    }
}
