//! Presence (Client-Server API, "Presence"): who is there, in memory only and off unless configured. Whoever shares a
//! room with somebody may know.
//!
//! After a restart everybody is offline until they ask again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::{Clock, Timestamp};
use wardline_store::{Kind, RoomNid, StreamRow, StreamSink, UserNid, stream};

use crate::hub::Hub;

/// Somebody who has not been heard of for so long, in milliseconds, is offline.
const OFFLINE_AFTER_MS: i64 = 30_000;
/// Somebody who did something within this time, in milliseconds, is active.
const ACTIVE_FOR_MS: i64 = 300_000;
/// The longest message about somebody's state, in bytes.
pub const LONGEST_MESSAGE: usize = 1024;

/// How somebody is to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There.
    Online,
    /// There but idle.
    Unavailable,
    /// Not there.
    #[default]
    Offline,
}

/// What others see of somebody: the content of `m.presence`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// How they are to be seen.
    pub presence: State,
    /// Milliseconds since they last did something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_active_ago: Option<i64>,
    /// What they say about it.
    #[serde(rename = "status_msg", skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether they did something just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currently_active: Option<bool>,
}

/// Who is there.
#[derive(Debug)]
pub struct Presence {
    /// `None`: presence is off.
    book: Option<Mutex<Book>>,
    hub: Arc<Hub>,
    clock: Arc<dyn Clock>,
    /// Rung when somebody stops asking.
    timer: Notify,
    epoch: u64,
}

#[derive(Debug)]
struct Book {
    version: u64,
    users: HashMap<UserNid, Entry>,
    /// Who changed last in each version; each user once.
    changes: BTreeMap<u64, UserNid>,
}

#[derive(Debug)]
struct Entry {
    id: OwnedUserId,
    state: State,
    message: Option<String>,
    active: Timestamp,
    /// When they were last heard of.
    heard: Timestamp,
    /// Requests of theirs that wait for news now.
    waiting: u32,
    version: u64,
}

/// Somebody waits for news: until this is dropped they are there.
#[derive(Debug)]
pub struct Waiting {
    presence: Arc<Presence>,
    user: UserNid,
}

impl Presence {
    /// Nobody is there. Changes are announced through `hub`. With `on` false nothing is ever noted.
    ///
    /// Versions start at the present instant in milliseconds, so that those of an earlier process are smaller.
    #[must_use]
    pub fn new(hub: Arc<Hub>, clock: Arc<dyn Clock>, on: bool) -> Self {
        let epoch = u64::try_from(clock.now().as_millis()).unwrap_or(0).max(1);
        let book = Book { version: epoch, users: HashMap::new(), changes: BTreeMap::new() };
        Self { book: on.then(|| Mutex::new(book)), hub, clock, timer: Notify::new(), epoch }
    }

    /// Whether presence is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.book.is_some()
    }

    /// The version that this process started with.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The version of the last change; 0 if presence is off.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.book.as_ref().map_or(0, |book| book.lock().version)
    }

    /// Sets how `user` is to be seen and what they say about it.
    pub fn set(&self, user: UserNid, id: &UserId, state: State, message: Option<String>) {
        let Some(book) = &self.book else { return };
        let now = self.clock.now();
        let mut book = book.lock();
        let entry = book.entry(user, id, now);
        (entry.active, entry.heard) = (now, now);
        entry.state = state;
        entry.message = message;
        book.announce(&self.hub, now, user);
        drop(book);
        self.timer.notify_one();
    }

    /// `user` asks for news and wants to be seen like that meanwhile; [`State::Offline`] leaves everything as it is.
    #[must_use]
    pub fn wait(self: &Arc<Self>, user: UserNid, id: &UserId, state: State) -> Option<Waiting> {
        let mut book = self.book.as_ref().filter(|_| state != State::Offline)?.lock();
        let now = self.clock.now();
        let entry = book.entry(user, id, now);
        entry.heard = now;
        entry.waiting += 1;
        if state == State::Online {
            entry.active = now;
        }
        if std::mem::replace(&mut entry.state, state) != state {
            book.announce(&self.hub, now, user);
        }
        drop(book);
        Some(Waiting { presence: Arc::clone(self), user })
    }

    /// What others see of `user`.
    #[must_use]
    pub fn of(&self, user: UserNid) -> Status {
        let book = self.book.as_ref().map(Mutex::lock);
        book.and_then(|book| book.users.get(&user).map(|entry| entry.status(self.clock.now())))
            .unwrap_or_default()
    }

    /// Who changed after `version`, in the order of their changes.
    #[must_use]
    pub fn changed_since(&self, version: u64) -> Vec<(UserNid, OwnedUserId, Status)> {
        let Some(book) = &self.book else { return Vec::new() };
        let (book, now) = (book.lock(), self.clock.now());
        let changed = book.changes.range(version.saturating_add(1)..).filter_map(|(_, user)| {
            book.users.get(user).map(|entry| (*user, entry.id.clone(), entry.status(now)))
        });
        changed.collect()
    }

    /// Whether `user` changed after `version`.
    #[must_use]
    pub fn changed_after(&self, user: UserNid, version: u64) -> bool {
        let book = self.book.as_ref().map(Mutex::lock);
        book.is_some_and(|book| book.users.get(&user).is_some_and(|entry| entry.version > version))
    }

    /// Whether anything was heard of `user` in the life of this process.
    #[must_use]
    pub fn is_known(&self, user: UserNid) -> bool {
        self.book.as_ref().is_some_and(|book| book.lock().users.contains_key(&user))
    }

    /// Those in a room who are not offline.
    #[must_use]
    pub fn present(&self, room: RoomNid) -> Vec<UserNid> {
        let Some(book) = &self.book else { return Vec::new() };
        let book = book.lock();
        let there = book.users.iter().filter(|(_, entry)| entry.state != State::Offline);
        there.map(|(user, _)| *user).filter(|user| self.hub.is_joined(room, *user)).collect()
    }

    /// Lets those go offline who have not been heard of; when the next one is due, if any.
    pub fn expire(&self) -> Option<Timestamp> {
        let mut book = self.book.as_ref()?.lock();
        let now = self.clock.now();
        let idle = |entry: &Entry| entry.waiting == 0 && entry.state != State::Offline;
        let due = |entry: &Entry| entry.heard.plus_millis(OFFLINE_AFTER_MS);
        let gone: Vec<UserNid> = book
            .users
            .iter()
            .filter(|(_, entry)| idle(entry) && due(entry) <= now)
            .map(|(user, _)| *user)
            .collect();
        for user in gone {
            if let Some(entry) = book.users.get_mut(&user) {
                entry.state = State::Offline;
            }
            book.announce(&self.hub, now, user);
        }
        book.users.values().filter(|entry| idle(entry)).map(due).min()
    }

    /// Lets people go offline, for as long as the server runs.
    pub async fn run(self: Arc<Self>) {
        while self.is_on() {
            match self.expire().map(|due| due.millis_since(self.clock.now()).max(1).unsigned_abs()) {
                Some(ms) => {
                    drop(tokio::time::timeout(Duration::from_millis(ms), self.timer.notified()).await)
                }
                None => self.timer.notified().await,
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(book) = &self.presence.book
            && let Some(entry) = book.lock().users.get_mut(&self.user)
        {
            entry.waiting = entry.waiting.saturating_sub(1);
            entry.heard = self.presence.clock.now();
        }
        self.presence.timer.notify_one();
    }
}

impl StreamSink for Presence {
    /// Who comes into a room is told to those who are there.
    fn committed(&self, rows: &[StreamRow]) {
        let Some(book) = &self.book else { return };
        for row in rows.iter().filter(|row| row.kind == Kind::Membership) {
            if let Some(user) = row.user.filter(|_| stream::membership_of(row.reference).1) {
                let mut book = book.lock();
                if book.users.contains_key(&user) {
                    book.announce(&self.hub, self.clock.now(), user);
                }
            }
        }
    }
}

impl Book {
    fn entry(&mut self, user: UserNid, id: &UserId, now: Timestamp) -> &mut Entry {
        self.users.entry(user).or_insert_with(|| Entry {
            id: id.to_owned(),
            state: State::Offline,
            message: None,
            active: now,
            heard: now,
            waiting: 0,
            version: 0,
        })
    }

    /// Under the lock, so that versions reach the hub in order.
    fn announce(&mut self, hub: &Hub, now: Timestamp, user: UserNid) {
        self.version = (self.version + 1).max(u64::try_from(now.as_millis()).unwrap_or(0));
        let Some(entry) = self.users.get_mut(&user) else { return };
        self.changes.remove(&std::mem::replace(&mut entry.version, self.version));
        self.changes.insert(self.version, user);
        hub.presence_changed(user, self.version);
    }
}

impl Entry {
    fn status(&self, now: Timestamp) -> Status {
        let ago = now.millis_since(self.active).max(0);
        Status {
            presence: self.state,
            last_active_ago: Some(ago),
            message: self.message.clone(),
            currently_active: (self.state == State::Online).then_some(ago < ACTIVE_FOR_MS),
        }
    }
}
