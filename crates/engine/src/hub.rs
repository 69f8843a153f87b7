//! The hub: who has news, in memory.
//!
//! It follows the stream on the writer thread and knows, per user, in which rooms something happened and when. A
//! `/sync` asks it where to look; a waiting `/sync` is woken by it. What happened is always read from the store.
//!
//! # Invariants
//! - The hub is a function of the committed stream: it is loaded from the tables of one snapshot and then fed
//!   only by [`StreamSink::committed`], in position order, before the writer of a change is answered. It is never
//!   ahead of what is durable, and whoever was answered finds their own change in it.
//! - It only names candidates. A reader whose snapshot is newer than [`Hub::applied`] adds the rows of the stream
//!   in between; membership is always taken from the reader's snapshot.
//! - A wake-up costs O(local members of the room that changed), never O(rooms of a member).
//! - No wake-up is lost: a waiter registers ([`News::waiter`]), then looks, then waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use wardline_store::{
    EventNid, Kind, Pos, Reader, RoomNid, Store, StoreError, StreamRow, StreamSink, UserNid, receipts,
    stream, sync,
};

/// How often a user's log of room changes may be longer than the number of their rooms before it is compacted.
const SLACK: usize = 2;
/// Below this length a log is never compacted.
const SMALL: usize = 64;
/// Changes of one room that are kept for those who read them soon.
const RECENT: usize = 64;

/// Who has news, in memory. See the module's documentation.
#[derive(Debug, Default)]
pub struct Hub {
    rooms: RwLock<HashMap<RoomNid, HashMap<UserNid, Arc<User>>>>,
    users: RwLock<HashMap<UserNid, Arc<User>>>,
    recent: RwLock<HashMap<RoomNid, Recent>>,
    /// The position of the tables that the hub was loaded from.
    loaded: AtomicU64,
    applied: AtomicU64,
}

#[derive(Debug, Default)]
struct User {
    log: Mutex<Log>,
    waker: Notify,
}

/// The last changes of one room.
#[derive(Debug)]
struct Recent {
    /// Every change after this position is in `changes`.
    after: Pos,
    /// Oldest first. `None`: something else than an event.
    changes: VecDeque<(Pos, Option<EventNid>)>,
}

/// What changed for one user.
#[derive(Debug, Default)]
struct Log {
    /// Changes of rooms, oldest first. The newest change of every room is always among them.
    rooms: VecDeque<(Pos, RoomNid)>,
    /// The length of `rooms` right after the last compaction.
    compacted: usize,
    /// Rooms that the user is joined to.
    joined: HashSet<RoomNid>,
    /// Who started or stopped typing: the version of the last change in each room.
    typing: Vec<(u64, RoomNid)>,
    /// The version of the last change of somebody's presence that the user may know.
    presence: u64,
    /// The last change of each private kind.
    last: LastChanges,
    /// Whether the user is to be woken when the rows at hand have been applied.
    to_wake: bool,
}

/// Whom to wake once all rows of a commit have been applied: each once, and not before they can find everything.
type ToWake = Vec<Arc<User>>;

/// The positions of a user's last private changes. A kind of which nothing happened since the hub was loaded has the
/// position of the load: the hub does not know what happened before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastChanges {
    /// Account data, global or of a room.
    pub account_data: Pos,
    /// Push rules.
    pub push_rules: Pos,
    /// A message to one of the user's devices.
    pub to_device: Pos,
    /// One-time or fallback keys of one of the user's devices.
    pub one_time_keys: Pos,
    /// The device list of somebody who shares a room with the user, or of the user.
    pub device_lists: Pos,
    /// Which threads the user follows.
    pub thread_subscriptions: Pos,
    /// The user's own devices: one came, was renamed or went. No news in itself.
    pub devices: Pos,
}

impl LastChanges {
    /// These positions, but none before `pos`.
    pub(crate) fn at_least(self, pos: Pos) -> Self {
        Self {
            account_data: self.account_data.max(pos),
            push_rules: self.push_rules.max(pos),
            to_device: self.to_device.max(pos),
            one_time_keys: self.one_time_keys.max(pos),
            device_lists: self.device_lists.max(pos),
            thread_subscriptions: self.thread_subscriptions.max(pos),
            devices: self.devices.max(pos),
        }
    }

    fn newest(&self) -> Pos {
        [
            self.account_data,
            self.push_rules,
            self.to_device,
            self.one_time_keys,
            self.device_lists,
            self.thread_subscriptions,
        ]
        .into_iter()
        .max()
        .unwrap_or_default()
    }
}

/// What the hub knows of one user at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Rooms in which something happened after the asked position: the newest change first, each room once.
    pub rooms: Vec<RoomNid>,
    /// Rooms in which the typing people changed after the asked version.
    pub typing: Vec<RoomNid>,
    /// The user's last private changes.
    pub last: LastChanges,
    /// Everything up to this position is contained.
    pub applied: Pos,
}

/// A handle on one user's news.
#[derive(Clone, Debug)]
pub struct News {
    hub: Arc<Hub>,
    user: Arc<User>,
}

impl Hub {
    /// Loads the hub and lets it follow the store. Call it before the first write of this process.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn start(store: &Store) -> Result<Arc<Self>, StoreError> {
        let hub = Arc::new(Self::default());
        store.read_now(|tx| hub.load(tx))?;
        store.subscribe(Arc::clone(&hub) as Arc<dyn StreamSink>);
        Ok(hub)
    }

    /// A start waits for this: one pass over the memberships, one look-up of each person and room.
    fn load(&self, tx: &impl Reader) -> Result<(), StoreError> {
        let receipts: HashMap<RoomNid, Pos> = receipts::last_moves(tx)?.into_iter().collect();
        let (mut users, mut rooms) = (self.users.write(), self.rooms.write());
        let mut changes: HashMap<UserNid, Vec<(Pos, RoomNid)>> = HashMap::new();
        sync::for_each_member(tx, |member| {
            let mut pos = member.pos;
            if member.joined {
                pos = pos.max(member.room_pos).max(receipts.get(&member.room).copied().unwrap_or(0));
                let user = users.entry(member.user).or_default();
                user.log.lock().joined.insert(member.room);
                rooms.entry(member.room).or_default().insert(member.user, Arc::clone(user));
            }
            changes.entry(member.user).or_default().push((pos, member.room));
        })?;
        for (user, mut changes) in changes {
            changes.sort_unstable();
            let mut log = users.entry(user).or_default().log.lock();
            log.compacted = changes.len();
            log.rooms = changes.into();
        }
        let head = stream::head(tx)?;
        self.loaded.store(head, Ordering::Release);
        self.applied.store(head, Ordering::Release);
        Ok(())
    }

    /// A handle on the news of `user`.
    #[must_use]
    pub fn news(self: &Arc<Self>, user: UserNid) -> News {
        News { hub: Arc::clone(self), user: self.user(user) }
    }

    /// Everything up to this position has been applied.
    #[must_use]
    pub fn applied(&self) -> Pos {
        self.applied.load(Ordering::Acquire)
    }

    /// Whether `user` is joined to `room`.
    #[must_use]
    pub fn is_joined(&self, room: RoomNid, user: UserNid) -> bool {
        self.rooms.read().get(&room).is_some_and(|members| members.contains_key(&user))
    }

    /// Those of `users` who are joined to `room`, in no order.
    #[must_use]
    pub fn joined_among<T>(&self, room: RoomNid, users: &HashMap<UserNid, T>) -> Vec<UserNid> {
        let rooms = self.rooms.read();
        let Some(members) = rooms.get(&room) else { return Vec::new() };
        if users.len() < members.len() {
            users.keys().filter(|user| members.contains_key(user)).copied().collect()
        } else {
            members.keys().filter(|user| users.contains_key(user)).copied().collect()
        }
    }

    /// The rooms that `user` is joined to, in no order.
    #[must_use]
    pub fn rooms_of(&self, user: UserNid) -> Vec<RoomNid> {
        self.user(user).log.lock().joined.iter().copied().collect()
    }

    /// Notes that the people who type in `room` changed, and wakes the room's members. `version` must be greater
    /// than any version before.
    pub fn typing_changed(&self, room: RoomNid, version: u64) {
        for user in self.rooms.read().get(&room).into_iter().flat_map(HashMap::values) {
            let mut log = user.log.lock();
            log.typing.retain(|(_, other)| *other != room);
            log.typing.push((version, room));
            drop(log);
            user.waker.notify_waiters();
        }
    }

    /// The events of a room with `after < pos <= upto`, oldest first; `None` if something else happened there too, or
    /// if it is too long ago.
    pub(crate) fn messages(&self, room: RoomNid, after: Pos, upto: Pos) -> Option<Vec<EventNid>> {
        let recent = self.recent.read();
        let recent = recent.get(&room)?;
        if recent.after > after {
            return None;
        }
        let first = recent.changes.partition_point(|(pos, _)| *pos <= after);
        let changes = recent.changes.iter().skip(first);
        changes.take_while(|(pos, _)| *pos <= upto).map(|(_, event)| *event).collect()
    }

    /// Notes that somebody's presence changed, and wakes everybody who shares a room with them. `version` must be
    /// greater than any version before.
    pub fn presence_changed(&self, nid: UserNid, version: u64) {
        let user = self.user(nid);
        let joined: Vec<RoomNid> = user.log.lock().joined.iter().copied().collect();
        let rooms = self.rooms.read();
        for other in joined.iter().filter_map(|room| rooms.get(room)).flat_map(HashMap::values).chain([&user])
        {
            let is_news = std::mem::replace(&mut other.log.lock().presence, version) != version;
            if is_news {
                other.waker.notify_waiters();
            }
        }
    }

    fn user(&self, nid: UserNid) -> Arc<User> {
        if let Some(user) = self.users.read().get(&nid) {
            return Arc::clone(user);
        }
        Arc::clone(self.users.write().entry(nid).or_default())
    }

    fn join(&self, room: RoomNid, nid: UserNid) {
        let user = self.user(nid);
        user.log.lock().joined.insert(room);
        self.rooms.write().entry(room).or_default().insert(nid, user);
    }

    fn leave(&self, room: RoomNid, nid: UserNid) {
        self.user(nid).log.lock().joined.remove(&room);
        let mut rooms = self.rooms.write();
        if let Some(members) = rooms.get_mut(&room) {
            members.remove(&nid);
            if members.is_empty() {
                rooms.remove(&room);
            }
        }
    }

    /// Keeps a row among its room's last changes. Account data is private and no change of the room.
    fn keep(&self, row: &StreamRow) {
        let Some(room) = row.room.filter(|_| row.kind != Kind::AccountData) else { return };
        let event = (row.kind == Kind::Event).then_some(EventNid(row.reference));
        let mut all = self.recent.write();
        let recent = all.entry(room).or_insert_with(|| Recent {
            after: self.loaded.load(Ordering::Acquire),
            changes: VecDeque::new(),
        });
        if recent.changes.len() == RECENT
            && let Some((pos, _)) = recent.changes.pop_front()
        {
            recent.after = pos;
        }
        recent.changes.push_back((row.pos, event));
    }

    fn apply(&self, row: &StreamRow, woken: &mut ToWake) {
        self.keep(row);
        match (row.kind, row.room, row.user) {
            (Kind::Event | Kind::Receipt, Some(room), _) => {
                for user in self.rooms.read().get(&room).into_iter().flat_map(HashMap::values) {
                    user.wake_with(woken, |log| log.note(row.pos, room));
                }
            }
            (Kind::Membership, Some(room), Some(nid)) => {
                let joined = stream::membership_of(row.reference).1;
                if joined {
                    self.join(room, nid);
                } else {
                    self.leave(room, nid);
                }
                self.user(nid).wake_with(woken, |log| {
                    log.note(row.pos, room);
                    log.last.device_lists = row.pos;
                });
                // Whose devices the others have to know changes with who is there.
                for user in self.rooms.read().get(&room).into_iter().flat_map(HashMap::values) {
                    user.wake_with(woken, |log| log.last.device_lists = row.pos);
                }
            }
            (Kind::DeviceList, _, Some(nid)) => self.device_list_changed(nid, row.pos, woken),
            (kind, _, Some(nid)) => {
                let place: fn(&mut LastChanges) -> &mut Pos = match kind {
                    Kind::AccountData => |last| &mut last.account_data,
                    Kind::PushRules => |last| &mut last.push_rules,
                    Kind::ToDevice => |last| &mut last.to_device,
                    Kind::OneTimeKeys => |last| &mut last.one_time_keys,
                    Kind::ThreadSubscription => |last| &mut last.thread_subscriptions,
                    Kind::Device => |last| &mut last.devices,
                    _ => return,
                };
                self.user(nid).wake_with(woken, |log| *place(&mut log.last) = row.pos);
            }
            _ => {}
        }
    }

    /// Tells everybody who shares a room with `nid`. This is the one place that visits all rooms of a user: a
    /// device list changes when somebody signs in or out, not when somebody writes.
    fn device_list_changed(&self, nid: UserNid, pos: Pos, woken: &mut ToWake) {
        let user = self.user(nid);
        user.wake_with(woken, |log| log.last.device_lists = pos);
        let joined: Vec<RoomNid> = user.log.lock().joined.iter().copied().collect();
        let rooms = self.rooms.read();
        for other in joined.iter().filter_map(|room| rooms.get(room)).flat_map(HashMap::values) {
            other.wake_with(woken, |log| log.last.device_lists = pos);
        }
    }
}

impl StreamSink for Hub {
    fn committed(&self, rows: &[StreamRow]) {
        let mut woken = ToWake::new();
        for row in rows {
            self.apply(row, &mut woken);
        }
        if let Some(last) = rows.last() {
            self.applied.store(last.pos, Ordering::Release);
        }
        for user in woken {
            user.log.lock().to_wake = false;
            user.waker.notify_waiters();
        }
    }
}

impl User {
    fn wake_with(self: &Arc<Self>, woken: &mut ToWake, change: impl FnOnce(&mut Log)) {
        let mut log = self.log.lock();
        change(&mut log);
        if !std::mem::replace(&mut log.to_wake, true) {
            woken.push(Arc::clone(self));
        }
    }
}

impl Log {
    fn note(&mut self, pos: Pos, room: RoomNid) {
        if let Some(last) = self.rooms.back_mut().filter(|(_, last)| *last == room) {
            last.0 = pos;
            return;
        }
        self.rooms.push_back((pos, room));
        if self.rooms.len() > SMALL.max(self.compacted * SLACK) {
            self.compact();
        }
    }

    /// Keeps the newest change of every room.
    fn compact(&mut self) {
        let mut seen = HashSet::with_capacity(self.rooms.len());
        let mut kept: VecDeque<_> = VecDeque::with_capacity(self.rooms.len());
        for &(pos, room) in self.rooms.iter().rev() {
            if seen.insert(room) {
                kept.push_front((pos, room));
            }
        }
        self.compacted = kept.len();
        self.rooms = kept;
    }

    fn rooms_since(&self, since: Pos) -> Vec<RoomNid> {
        let first = self.rooms.partition_point(|(pos, _)| *pos <= since);
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for &(_, room) in self.rooms.iter().skip(first).rev() {
            if seen.insert(room) {
                found.push(room);
            }
        }
        found
    }
}

impl News {
    /// Registers for the next wake-up. Create it (and call `enable`) before looking at [`News::since`], await it
    /// after: a change in between resolves it at once.
    pub fn waiter(&self) -> tokio::sync::futures::Notified<'_> {
        self.user.waker.notified()
    }

    /// What happened after position `since` and typing version `typing`.
    #[must_use]
    pub fn since(&self, since: Pos, typing: u64) -> Snapshot {
        // Read before the logs: a row that is applied in between may be in them already, which does no harm.
        let applied = self.hub.applied();
        let log = self.user.log.lock();
        Snapshot {
            rooms: log.rooms_since(since),
            typing: log.typing.iter().filter(|(v, _)| *v > typing).map(|(_, room)| *room).collect(),
            last: log.last.at_least(self.hub.loaded.load(Ordering::Acquire)),
            applied,
        }
    }

    /// The user's last private changes.
    #[must_use]
    pub fn last(&self) -> LastChanges {
        self.user.log.lock().last.at_least(self.hub.loaded.load(Ordering::Acquire))
    }

    /// The version of the last change of the typing people, by room.
    #[must_use]
    pub fn typing(&self) -> Vec<(u64, RoomNid)> {
        self.user.log.lock().typing.clone()
    }

    /// The version of the last change of somebody's presence that the user may know.
    #[must_use]
    pub fn presence(&self) -> u64 {
        self.user.log.lock().presence
    }

    /// Whether anything happened after position `since` and typing version `typing`: the cheap question that a
    /// waiting `/sync` asks first.
    #[must_use]
    pub fn any_since(&self, since: Pos, typing: u64) -> bool {
        if since < self.hub.loaded.load(Ordering::Acquire) {
            return true;
        }
        let log = self.user.log.lock();
        log.rooms.back().is_some_and(|(pos, _)| *pos > since)
            || log.last.newest() > since
            || log.typing.iter().any(|(version, _)| *version > typing)
    }
}
