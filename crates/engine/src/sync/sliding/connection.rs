//! Connections: what every client was told, as of the last two positions.
//!
//! A client that comes with the `pos` of the last answer has got it; one that comes with the `pos` before has not,
//! and is answered from what it knew then. Anything older is forgotten, as are connections beyond a number: their
//! clients begin anew.
//!
//! # Invariants
//! - What an answer tells is written down apart from what is acknowledged, and joined to it when the client comes
//!   back with its `pos`: the work is that of what was told, never of the rooms of the connection.
//! - Nothing is locked while an answer is built.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::{Pos, RoomNid, UserNid};

use super::required::Wanted;

/// Connections that are kept.
const CONNECTIONS: usize = 8192;
/// Answers of which one may be acknowledged: a client may have asked again before it got the first.
const ANSWERS: usize = 3;

/// What tells connections apart: user, device, and the client's name for it.
pub(super) type Key = (UserNid, Arc<str>, String);

/// All connections.
#[derive(Debug)]
pub(super) struct Connections {
    all: Cache<Key, Arc<Connection>>,
}

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The acknowledged answer; 0: none.
    id: u64,
    told: Arc<Told>,
    /// Answers after it, the newest last.
    answers: VecDeque<(u64, Change)>,
}

/// What a client has been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) head: Head,
    pub(super) rooms: HashMap<RoomNid, RoomTold>,
}

/// What it has been told besides rooms.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// Everything up to this position was looked at; 0: nothing was ever told.
    pub(super) pos: Pos,
    /// Global account data up to this position; 0: none.
    pub(super) account_data: Pos,
    /// Device lists up to this position; 0: none.
    pub(super) device_lists: Pos,
    /// Which threads the user follows up to this position; 0: none.
    pub(super) thread_subscriptions: Pos,
    /// How many rooms each list has.
    pub(super) counts: Arc<BTreeMap<String, usize>>,
    /// Rooms that the client subscribed to.
    pub(super) subscriptions: Arc<BTreeMap<OwnedRoomId, Arc<Wanted>>>,
}

/// What it has been told of one room.
#[derive(Clone, Debug)]
pub(super) struct RoomTold {
    /// How far, and how much.
    pub(super) last: Last,
    /// Members, lazily.
    pub(super) members: HashSet<OwnedUserId>,
}

/// How far a client knows a room, and how much of it.
#[derive(Clone, Debug)]
pub(super) struct Last {
    /// Timeline and state up to this position.
    pub(super) sent: Pos,
    /// Receipts up to this position; 0: none.
    pub(super) receipts: Pos,
    /// Account data of the room up to this position; 0: none.
    pub(super) account_data: Pos,
    /// The version of the typing people; 0: none.
    pub(super) typing: u64,
    pub(super) wanted: Arc<Wanted>,
    /// Notifications and highlights.
    pub(super) unread: (u64, u64),
}

/// What an answer tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) head: Head,
    /// By room.
    pub(super) rooms: HashMap<RoomNid, RoomChange>,
}

/// What an answer tells of one room.
#[derive(Clone, Debug)]
pub(super) struct RoomChange {
    pub(super) last: Last,
    /// Whether the members told before no longer count.
    pub(super) afresh: bool,
    /// Members told, lazily.
    pub(super) members: Vec<OwnedUserId>,
}

impl Default for Connections {
    fn default() -> Self {
        Self { all: Cache::new(CONNECTIONS) }
    }
}

impl Connections {
    /// A connection that begins anew.
    pub(super) fn begin(&self, key: Key) -> Arc<Connection> {
        let connection = Arc::new(Connection::default());
        self.all.insert(key, Arc::clone(&connection));
        connection
    }

    /// A connection that is known.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<Connection>> {
        self.all.get(key)
    }
}

impl Connection {
    /// What a client was told that comes with the `pos` of answer `id` (0: none); `None` if that is too long ago.
    pub(super) fn told(&self, id: u64) -> Option<Arc<Told>> {
        let mut state = self.state.lock();
        if state.id != id {
            let at = state.answers.iter().position(|(answer, _)| *answer == id)?;
            let (_, change) = state.answers.swap_remove_back(at)?;
            state.answers.clear();
            state.id = id;
            // A copy is made only while another answer is being built from it.
            Arc::make_mut(&mut state.told).apply(change);
        }
        Some(Arc::clone(&state.told))
    }

    /// Writes down an answer to a client that had got answer `base`.
    pub(super) fn answered(&self, base: u64, id: u64, change: Change) {
        let mut state = self.state.lock();
        if state.id == base {
            if state.answers.len() == ANSWERS {
                state.answers.pop_front();
            }
            state.answers.push_back((id, change));
        }
    }
}

impl Told {
    fn apply(&mut self, change: Change) {
        self.head = change.head;
        for (room, change) in change.rooms {
            match self.rooms.get_mut(&room) {
                Some(told) => {
                    told.last = change.last;
                    if change.afresh {
                        told.members.clear();
                    }
                    told.members.extend(change.members);
                }
                None => {
                    let members = change.members.into_iter().collect();
                    self.rooms.insert(room, RoomTold { last: change.last, members });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(pos: Pos, room: Option<i64>) -> Change {
        let wanted = Arc::default();
        let last = Last { sent: pos, receipts: 0, account_data: 0, typing: 0, wanted, unread: (0, 0) };
        let told = RoomChange { last, afresh: false, members: Vec::new() };
        Change {
            head: Head { pos, ..Head::default() },
            rooms: room.into_iter().map(|room| (RoomNid(room), told.clone())).collect(),
        }
    }

    #[test]
    fn only_an_answer_that_came_back_counts() {
        let connection = Connections::default().begin((UserNid(1), "PHONE".into(), String::new()));
        assert_eq!(connection.told(0).unwrap().head.pos, 0);
        connection.answered(0, 1, change(10, Some(1)));
        assert!(connection.told(0).unwrap().rooms.is_empty(), "the answer may have been lost");
        connection.answered(0, 2, change(20, Some(2)));
        let told = connection.told(2).unwrap();
        assert_eq!(told.head.pos, 20);
        assert_eq!(
            told.rooms.keys().copied().collect::<Vec<_>>(),
            [RoomNid(2)],
            "nothing of the lost answer"
        );
        assert!(connection.told(0).is_none());
        assert!(connection.told(1).is_none());
        connection.answered(0, 3, change(30, None));
        assert!(connection.told(3).is_none(), "an answer to a question long past is nothing");
        for id in 4..9 {
            connection.answered(2, id, change(40, None));
        }
        assert!(connection.told(4).is_none());
        assert_eq!(connection.told(2).unwrap().rooms.len(), 1);
        assert_eq!(connection.told(7).unwrap().rooms.len(), 1, "what is not told again stays");
    }
}
