//! The hub: who has news, in memory.
//!
//! - `places`: who is in which room, and who of them listens; `log`: what changed for one of those.
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
//! - A wake-up costs O(members of the room that changed who listen), never O(rooms of a member). Who listens is who asked for
//!   news a short while ago; for everybody else it is found when they come back ([`places`]).
//! - No wake-up is lost: a waiter registers ([`News::waiter`]), then looks, then waits.

mod log;
mod places;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use wardline_store::{
    EventNid, Kind, Pos, Reader, RoomNid, Store, StoreError, StreamRow, StreamSink, UserNid, stream,
};

pub use log::LastChanges;

use log::Log;
use places::{Leaving, Places, User};

/// Changes of one room that are kept for those who read them soon.
const RECENT: usize = 64;

/// Who has news, in memory. See the module's documentation.
#[derive(Debug, Default)]
pub struct Hub {
    places: RwLock<Places>,
    leaving: Leaving,
    recent: RwLock<HashMap<RoomNid, Recent>>,
    /// The position of the tables that the hub was loaded from.
    loaded: AtomicU64,
    applied: AtomicU64,
    /// The last position of the rows that are just being applied.
    reached: AtomicU64,
    /// The version of the last change of anybody's presence.
    presence: AtomicU64,
}

/// The last changes of one room.
#[derive(Debug)]
struct Recent {
    /// Every change after this position is in `changes`.
    after: Pos,
    /// Oldest first. `None`: something else than an event.
    changes: VecDeque<(Pos, Option<EventNid>)>,
}

/// Whom to wake once all rows of a commit have been applied: each once, and not before they can find everything.
type ToWake = Vec<Arc<User>>;

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

/// A handle on one user's news. They listen as long as somebody holds one.
#[derive(Debug)]
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

    fn load(&self, tx: &impl Reader) -> Result<(), StoreError> {
        *self.places.write() = Places::load(tx)?;
        let head = stream::head(tx)?;
        for place in [&self.loaded, &self.applied, &self.reached] {
            place.store(head, Ordering::Release);
        }
        Ok(())
    }

    /// A handle on the news of `user`.
    #[must_use]
    pub fn news(self: &Arc<Self>, user: UserNid) -> News {
        let hub = Arc::clone(self);
        if let Some(user) = self.places.read().listener(user) {
            user.hold();
            return News { hub, user: Arc::clone(user) };
        }
        let mut places = self.places.write();
        // Rows that are just being applied may have been for this user.
        let since = self.reached.load(Ordering::Acquire);
        let user = places.listen(user, since, self.presence.load(Ordering::Acquire));
        user.hold();
        News { hub, user }
    }

    /// Everything up to this position has been applied.
    #[must_use]
    pub fn applied(&self) -> Pos {
        self.applied.load(Ordering::Acquire)
    }

    /// Whether `user` is joined to `room`.
    #[must_use]
    pub fn is_joined(&self, room: RoomNid, user: UserNid) -> bool {
        self.places.read().is_joined(room, user)
    }

    /// Those of `users` who are joined to `room`, in no order.
    #[must_use]
    pub fn joined_among<T>(&self, room: RoomNid, users: &HashMap<UserNid, T>) -> Vec<UserNid> {
        self.places.read().joined_among(room, users)
    }

    /// The rooms that `user` is joined to, in no order.
    #[must_use]
    pub fn rooms_of(&self, user: UserNid) -> Vec<RoomNid> {
        self.places.read().rooms_of(user).collect()
    }

    /// Notes that the people who type in `room` changed, and wakes the room's members. `version` must be greater
    /// than any version before.
    pub fn typing_changed(&self, room: RoomNid, version: u64) {
        let places = self.places.read();
        places.typing_changed(room, version);
        for user in places.listening(room) {
            user.log.lock().note_typing(version, room);
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
        let places = self.places.read();
        self.presence.store(version, Ordering::Release);
        let own = places.listener(nid).into_iter();
        for user in places.rooms_of(nid).flat_map(|room| places.listening(room)).chain(own) {
            let is_news = std::mem::replace(&mut user.log.lock().presence, version) != version;
            if is_news {
                user.waker.notify_waiters();
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
                let places = self.places.read();
                places.changed(room, row.pos);
                for user in places.listening(room) {
                    user.wake_with(woken, |log| log.note(row.pos, room));
                }
            }
            (Kind::Membership, Some(room), Some(nid)) => {
                let mut places = self.places.write();
                places.set(room, nid, row.pos, stream::membership_of(row.reference).1);
                if let Some(user) = places.listener(nid) {
                    user.wake_with(woken, |log| {
                        log.note(row.pos, room);
                        log.last.device_lists = row.pos;
                    });
                }
                // Whose devices the others have to know changes with who is there.
                for user in places.listening(room) {
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
                if let Some(user) = self.places.read().listener(nid) {
                    user.wake_with(woken, |log| *place(&mut log.last) = row.pos);
                }
            }
            _ => {}
        }
    }

    /// Tells everybody who listens and shares a room with `nid`. This is the one place that visits all rooms of a user: a
    /// device list changes when somebody signs in or out, not when somebody writes.
    fn device_list_changed(&self, nid: UserNid, pos: Pos, woken: &mut ToWake) {
        let places = self.places.read();
        let own = places.listener(nid).into_iter();
        for user in places.rooms_of(nid).flat_map(|room| places.listening(room)).chain(own) {
            user.wake_with(woken, |log| log.last.device_lists = pos);
        }
    }

    /// Lets those go who have not asked for long.
    fn let_go(&self, pos: Pos) {
        if places::is_anybody_due(&self.leaving, pos) {
            self.places.write().let_go(&self.leaving, pos);
        }
    }
}

impl StreamSink for Hub {
    fn committed(&self, rows: &[StreamRow]) {
        let Some(last) = rows.last() else { return };
        self.reached.store(last.pos, Ordering::Release);
        let mut woken = ToWake::new();
        for row in rows {
            self.apply(row, &mut woken);
        }
        self.applied.store(last.pos, Ordering::Release);
        for user in woken {
            user.log.lock().to_wake = false;
            user.waker.notify_waiters();
        }
        self.let_go(last.pos);
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
            last: log.last,
            applied,
        }
    }

    /// The user's last private changes.
    #[must_use]
    pub fn last(&self) -> LastChanges {
        self.user.log.lock().last
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
        if since < self.user.since {
            return true;
        }
        let log = self.user.log.lock();
        log.any_room_since(since)
            || log.last.newest() > since
            || log.typing.iter().any(|(version, _)| *version > typing)
    }
}

impl Clone for News {
    fn clone(&self) -> Self {
        self.user.hold();
        Self { hub: Arc::clone(&self.hub), user: Arc::clone(&self.user) }
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.user.give_back(&self.hub.leaving, self.hub.applied());
    }
}
