//! Who is typing (Client-Server API, "Typing Notifications"): in memory only, gone after a restart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::{Clock, Timestamp};
use wardline_store::RoomNid;

use crate::app_services::Service;
use crate::hub::Hub;

/// The longest time that one request may announce.
const LONGEST_MS: i64 = 120_000;
/// The most typing people that a room shows; more would say nothing more.
const SHOWN: usize = 20;

/// Who is typing, in all rooms.
#[derive(Debug)]
pub struct Typing {
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Rung when an expiry is due earlier than the timer knows.
    timer: Notify,
    epoch: u64,
}

#[derive(Debug)]
struct State {
    /// Application services that are told.
    watchers: Vec<Arc<Service>>,
    version: u64,
    rooms: HashMap<RoomNid, BTreeMap<OwnedUserId, Timestamp>>,
}

impl Typing {
    /// Nobody types. Changes are announced through `hub`.
    ///
    /// Versions start at the present instant in milliseconds, so that those of an earlier process are smaller.
    #[must_use]
    pub fn new(hub: Arc<Hub>, clock: Arc<dyn Clock>) -> Self {
        let epoch = u64::try_from(clock.now().as_millis()).unwrap_or(0).max(1);
        let state = Mutex::new(State { watchers: Vec::new(), version: epoch, rooms: HashMap::new() });
        Self { hub, clock, state, timer: Notify::new(), epoch }
    }

    /// Tells these application services of every change from now on.
    pub(crate) fn watch(&self, services: Vec<Arc<Service>>) {
        self.state.lock().watchers = services;
    }

    /// The version that this process started with. A client that names a smaller one saw what an earlier process
    /// told.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The version of the last change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.state.lock().version
    }

    /// The people who type in a room, in the order of their ids, at most 20.
    #[must_use]
    pub fn users(&self, room: RoomNid) -> Vec<OwnedUserId> {
        let state = self.state.lock();
        state.rooms.get(&room).into_iter().flat_map(BTreeMap::keys).take(SHOWN).cloned().collect()
    }

    /// Whether anybody types in a room.
    #[must_use]
    pub fn is_anybody(&self, room: RoomNid) -> bool {
        self.state.lock().rooms.contains_key(&room)
    }

    /// `user` types in `room` for the next `timeout_ms` milliseconds (at most two minutes).
    pub fn start(&self, room: RoomNid, user: &UserId, timeout_ms: i64) {
        let until = self.clock.now().plus_millis(timeout_ms.clamp(0, LONGEST_MS));
        let mut state = self.state.lock();
        let known = state.rooms.entry(room).or_default().insert(user.to_owned(), until);
        if known.is_none() {
            state.announce(&self.hub, self.clock.now(), room);
        }
        drop(state);
        self.timer.notify_one();
    }

    /// `user` no longer types in `room`.
    pub fn stop(&self, room: RoomNid, user: &UserId) {
        let mut state = self.state.lock();
        let Some(users) = state.rooms.get_mut(&room) else { return };
        if users.remove(user).is_some() {
            if users.is_empty() {
                state.rooms.remove(&room);
            }
            state.announce(&self.hub, self.clock.now(), room);
        }
    }

    /// Drops what has expired by now; when the next expiry is due, if any.
    pub fn expire(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let mut changed = Vec::new();
        state.rooms.retain(|room, users| {
            let before = users.len();
            users.retain(|_, until| *until > now);
            if users.len() != before {
                changed.push(*room);
            }
            !users.is_empty()
        });
        for room in changed {
            state.announce(&self.hub, now, room);
        }
        state.rooms.values().flat_map(BTreeMap::values).min().copied()
    }

    /// Expires what is due, for as long as the server runs.
    pub async fn run(self: Arc<Self>) {
        loop {
            let wait = self.expire().map(|due| due.millis_since(self.clock.now()).max(1).unsigned_abs());
            match wait {
                Some(ms) => {
                    // Whether the time is up or something new is due: look again.
                    drop(tokio::time::timeout(Duration::from_millis(ms), self.timer.notified()).await);
                }
                None => self.timer.notified().await,
            }
        }
    }
}

impl State {
    /// Under the lock, so that versions reach the hub in order.
    fn announce(&mut self, hub: &Hub, now: Timestamp, room: RoomNid) {
        self.version = (self.version + 1).max(u64::try_from(now.as_millis()).unwrap_or(0));
        hub.typing_changed(room, self.version);
        for service in &self.watchers {
            service.typing_changed(room);
        }
    }
}
