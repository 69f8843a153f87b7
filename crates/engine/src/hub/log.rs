//! What changed for one user.

use std::collections::{HashSet, VecDeque};

use wardline_store::{Pos, RoomNid};

/// How often a log of room changes may be longer than the number of its rooms before it is compacted.
const SLACK: usize = 2;
/// Below this length a log is never compacted.
const SMALL: usize = 64;

/// What changed for one user since they began to listen.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Changes of rooms, oldest first. The newest change of every room is always among them.
    rooms: VecDeque<(Pos, RoomNid)>,
    /// The length of `rooms` right after the last compaction.
    compacted: usize,
    /// Who started or stopped typing: the version of the last change in each room.
    pub(super) typing: Vec<(u64, RoomNid)>,
    /// The version of the last change of somebody's presence that the user may know.
    pub(super) presence: u64,
    /// The last change of each private kind.
    pub(super) last: LastChanges,
    /// Whether the user is to be woken when the rows at hand have been applied.
    pub(super) to_wake: bool,
}

impl Log {
    /// Of somebody for whom `rooms` changed last at these positions, in no order.
    pub(super) fn new(mut rooms: Vec<(Pos, RoomNid)>) -> Self {
        rooms.sort_unstable();
        Self { compacted: rooms.len(), rooms: rooms.into(), ..Self::default() }
    }

    pub(super) fn note(&mut self, pos: Pos, room: RoomNid) {
        if let Some(last) = self.rooms.back_mut().filter(|(_, last)| *last == room) {
            last.0 = pos;
            return;
        }
        self.rooms.push_back((pos, room));
        if self.rooms.len() > SMALL.max(self.compacted * SLACK) {
            self.compact();
        }
    }

    pub(super) fn note_typing(&mut self, version: u64, room: RoomNid) {
        self.typing.retain(|(_, other)| *other != room);
        self.typing.push((version, room));
    }

    /// The rooms that changed after a position, the newest change first, each once.
    pub(super) fn rooms_since(&self, since: Pos) -> Vec<RoomNid> {
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

    /// Whether a room changed after a position.
    pub(super) fn any_room_since(&self, since: Pos) -> bool {
        self.rooms.back().is_some_and(|(pos, _)| *pos > since)
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
}

/// The positions of a user's last private changes. A kind of which nothing happened since the user began to listen has the
/// position of that moment: the hub does not know what happened before.
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

    pub(super) fn newest(&self) -> Pos {
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
