//! Who is in which room, and who of them listens.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use wardline_store::{Pos, Reader, RoomNid, StoreError, UserNid, receipts, sync};

use super::log::{LastChanges, Log};

/// For how many positions of the stream somebody is still told of changes who asks no more.
const PATIENCE: Pos = 16_384;
/// The most people who are let go at a time: the writer waits for it.
const LET_GO: usize = 8;

/// Somebody who asks for news now, or did a short while ago.
#[derive(Debug)]
pub(super) struct User {
    pub(super) nid: UserNid,
    pub(super) log: Mutex<Log>,
    pub(super) waker: Notify,
    /// The position at which they began to listen: what was private before is not known.
    pub(super) since: Pos,
    /// Handles on this user's news.
    handles: AtomicUsize,
    /// The position at which the last handle was given back.
    left_at: AtomicU64,
    /// Whether they stand in the queue of those who may be let go.
    queued: AtomicBool,
}

/// One room.
#[derive(Debug, Default)]
struct Room {
    members: HashSet<UserNid>,
    /// Those of them who listen.
    listening: HashMap<UserNid, Arc<User>>,
    /// The position of its last event or receipt.
    last: AtomicU64,
    /// The version of the last change of who types.
    typing: AtomicU64,
}

/// A user's membership of one room.
#[derive(Clone, Copy, Debug)]
struct Stay {
    pos: Pos,
    joined: bool,
}

/// Memberships of everybody, and those who listen.
#[derive(Debug, Default)]
pub(super) struct Places {
    rooms: HashMap<RoomNid, Room>,
    people: HashMap<UserNid, HashMap<RoomNid, Stay>>,
    listening: HashMap<UserNid, Arc<User>>,
}

/// Those who gave back their last handle, with the position at which they came into this queue, the first first.
pub(super) type Leaving = Mutex<VecDeque<(Pos, Arc<User>)>>;

/// Whether somebody may be let go, as the stream is at `pos`.
pub(super) fn is_anybody_due(leaving: &Leaving, pos: Pos) -> bool {
    leaving.lock().front().is_some_and(|(since, _)| *since + PATIENCE < pos)
}

impl Places {
    /// A start waits for this: one pass over the memberships.
    pub(super) fn load(tx: &impl Reader) -> Result<Self, StoreError> {
        let mut places = Self::default();
        sync::for_each_member(tx, |member| {
            let stay = Stay { pos: member.pos, joined: member.joined };
            places.people.entry(member.user).or_default().insert(member.room, stay);
            let room = places
                .rooms
                .entry(member.room)
                .or_insert_with(|| Room { last: AtomicU64::new(member.room_pos), ..Room::default() });
            if member.joined {
                room.members.insert(member.user);
            }
        })?;
        for (room, pos) in receipts::last_moves(tx)? {
            places.changed(room, pos);
        }
        Ok(places)
    }

    pub(super) fn is_joined(&self, room: RoomNid, user: UserNid) -> bool {
        self.rooms.get(&room).is_some_and(|room| room.members.contains(&user))
    }

    pub(super) fn joined_among<T>(&self, room: RoomNid, users: &HashMap<UserNid, T>) -> Vec<UserNid> {
        let Some(Room { members, .. }) = self.rooms.get(&room) else { return Vec::new() };
        if users.len() < members.len() {
            users.keys().filter(|user| members.contains(user)).copied().collect()
        } else {
            members.iter().filter(|user| users.contains_key(user)).copied().collect()
        }
    }

    /// The rooms that a user is joined to, in no order.
    pub(super) fn rooms_of(&self, user: UserNid) -> impl Iterator<Item = RoomNid> {
        let stays = self.people.get(&user).into_iter().flatten();
        stays.filter(|(_, stay)| stay.joined).map(|(room, _)| *room)
    }

    /// Those who listen and are joined to a room.
    pub(super) fn listening(&self, room: RoomNid) -> impl Iterator<Item = &Arc<User>> {
        self.rooms.get(&room).into_iter().flat_map(|room| room.listening.values())
    }

    /// Somebody, if they listen.
    pub(super) fn listener(&self, user: UserNid) -> Option<&Arc<User>> {
        self.listening.get(&user)
    }

    /// Notes the last change of a room.
    pub(super) fn changed(&self, room: RoomNid, pos: Pos) {
        if let Some(room) = self.rooms.get(&room) {
            room.last.fetch_max(pos, Ordering::Relaxed);
        }
    }

    /// Notes the last change of who types in a room.
    pub(super) fn typing_changed(&self, room: RoomNid, version: u64) {
        if let Some(room) = self.rooms.get(&room) {
            room.typing.fetch_max(version, Ordering::Relaxed);
        }
    }

    /// Notes what became of a membership.
    pub(super) fn set(&mut self, room: RoomNid, user: UserNid, pos: Pos, joined: bool) {
        self.people.entry(user).or_default().insert(room, Stay { pos, joined });
        let room = self.rooms.entry(room).or_default();
        if joined {
            room.members.insert(user);
            let listener = self.listening.get(&user).map(Arc::clone);
            room.listening.extend(listener.map(|listener| (user, listener)));
        } else {
            room.members.remove(&user);
            room.listening.remove(&user);
        }
    }

    /// Lets somebody listen from now on, as the stream is at position `since`, and presence at version `presence`. It costs
    /// O(rooms of the user), once.
    pub(super) fn listen(&mut self, nid: UserNid, since: Pos, presence: u64) -> Arc<User> {
        if let Some(user) = self.listening.get(&nid) {
            return Arc::clone(user);
        }
        let (mut changes, mut typing) = (Vec::new(), Vec::new());
        for (&nid, stay) in self.people.get(&nid).into_iter().flatten() {
            let room = self.rooms.get(&nid).filter(|_| stay.joined);
            let last = room.map_or(0, |room| room.last.load(Ordering::Relaxed));
            changes.push((stay.pos.max(last), nid));
            let version = room.map_or(0, |room| room.typing.load(Ordering::Relaxed));
            typing.extend((version > 0).then_some((version, nid)));
        }
        let mut log = Log::new(changes);
        (log.typing, log.presence) = (typing, presence);
        log.last = LastChanges::default().at_least(since);
        let user = Arc::new(User {
            nid,
            log: Mutex::new(log),
            waker: Notify::new(),
            since,
            handles: AtomicUsize::new(0),
            left_at: AtomicU64::new(since),
            queued: AtomicBool::new(false),
        });
        for room in self.people.get(&nid).into_iter().flatten().filter(|(_, stay)| stay.joined) {
            if let Some(room) = self.rooms.get_mut(room.0) {
                room.listening.insert(nid, Arc::clone(&user));
            }
        }
        self.listening.insert(nid, Arc::clone(&user));
        user
    }

    /// Lets those go who have not asked for long, as the stream is at `pos`: what happens costs nothing for them.
    pub(super) fn let_go(&mut self, leaving: &Leaving, pos: Pos) {
        let mut leaving = leaving.lock();
        for _ in 0..LET_GO {
            let Some((_, user)) = leaving.pop_front_if(|(since, _)| *since + PATIENCE < pos) else { return };
            user.queued.store(false, Ordering::Release);
            if user.handles.load(Ordering::Acquire) > 0 {
                continue;
            }
            if user.left_at.load(Ordering::Acquire) + PATIENCE >= pos {
                user.queue(&mut leaving, pos);
                continue;
            }
            self.listening.remove(&user.nid);
            for room in self.people.get(&user.nid).into_iter().flatten() {
                if let Some(room) = self.rooms.get_mut(room.0) {
                    room.listening.remove(&user.nid);
                }
            }
        }
    }
}

impl User {
    /// Counts a handle on this user's news. Whoever found the user below the lock of all places may do so.
    pub(super) fn hold(&self) {
        self.handles.fetch_add(1, Ordering::AcqRel);
    }

    /// A handle is given back, as the stream is at `pos`.
    pub(super) fn give_back(self: &Arc<Self>, leaving: &Leaving, pos: Pos) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.left_at.store(pos, Ordering::Release);
            if !self.queued.load(Ordering::Acquire) {
                self.queue(&mut leaving.lock(), pos);
            }
        }
    }

    fn queue(self: &Arc<Self>, leaving: &mut VecDeque<(Pos, Arc<Self>)>, pos: Pos) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            leaving.push_back((pos, Arc::clone(self)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserNid = UserNid(1);
    const ROOM: RoomNid = RoomNid(7);

    /// Ada is in a room and has asked for news at position 10 for the last time.
    fn left() -> (Places, Leaving, Arc<User>) {
        let (mut places, leaving) = (Places::default(), Leaving::default());
        places.set(ROOM, ADA, 5, true);
        let user = places.listen(ADA, 10, 0);
        user.hold();
        user.give_back(&leaving, 10);
        (places, leaving, user)
    }

    #[test]
    fn who_asks_no_more_costs_nothing_and_misses_nothing() {
        let (mut places, leaving, _) = left();
        assert!(!is_anybody_due(&leaving, 10 + PATIENCE));
        places.let_go(&leaving, 10 + PATIENCE);
        assert_eq!(places.listening(ROOM).count(), 1);

        let late = 11 + PATIENCE;
        assert!(is_anybody_due(&leaving, late));
        places.let_go(&leaving, late);
        assert_eq!(places.listening(ROOM).count(), 0);
        assert!(places.is_joined(ROOM, ADA));

        places.changed(ROOM, late + 1);
        places.typing_changed(ROOM, 3);
        let user = places.listen(ADA, late + 2, 4);
        let log = user.log.lock();
        assert_eq!(log.rooms_since(late), [ROOM]);
        assert!(log.rooms_since(late + 1).is_empty());
        assert_eq!((&*log.typing, log.presence), (&[(3, ROOM)][..], 4));
        assert_eq!(log.last.newest(), late + 2, "what was private meanwhile is not known");
        drop(log);
        assert_eq!(places.listening(ROOM).count(), 1);
    }

    #[test]
    fn who_asks_again_is_kept() {
        let (mut places, leaving, user) = left();
        user.hold();
        places.let_go(&leaving, 11 + PATIENCE);
        assert!(places.listener(ADA).is_some(), "somebody holds a handle");
        user.give_back(&leaving, 11 + PATIENCE);
        places.let_go(&leaving, 12 + PATIENCE);
        assert!(places.listener(ADA).is_some(), "they asked just now");
        places.let_go(&leaving, 20 + 3 * PATIENCE);
        places.let_go(&leaving, 20 + 3 * PATIENCE);
        assert!(places.listener(ADA).is_none());
    }

    #[test]
    fn who_leaves_a_room_is_told_of_it_no_more() {
        let (mut places, _, user) = left();
        places.set(ROOM, ADA, 12, false);
        assert_eq!(places.listening(ROOM).count(), 0);
        assert_eq!(places.rooms_of(ADA).count(), 0);
        places.set(ROOM, ADA, 14, true);
        assert!(places.listening(ROOM).all(|other| Arc::ptr_eq(other, &user)));
        assert_eq!(places.listening(ROOM).count(), 1);
    }
}
