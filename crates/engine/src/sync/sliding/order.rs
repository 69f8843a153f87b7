//! The order of a user's rooms and what the filters of lists ask about them, in memory.
//!
//! It is made once and then told what changed, so that a list costs a walk through memory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use serde::Deserialize;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::members::Membership;
use wardline_store::sync::Place;
use wardline_store::{Pos, ReadTx, RoomNid, StoreError, UserNid, account_data, rooms, state, stream, sync};

use super::request::{List, ListFilter};
use crate::events::EventCache;
use crate::hub::News;
use crate::unread;

/// Users whose order is kept.
const USERS: usize = 10_000;

/// The orders of all users.
#[derive(Debug)]
pub(super) struct Orders {
    users: Cache<UserNid, Arc<Mutex<Order>>>,
}

/// The rooms of one user.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Everything up to this position is known; 0: nothing yet.
    upto: Pos,
    rooms: HashMap<RoomNid, Facts>,
    order: BTreeSet<(Reverse<Pos>, RoomNid)>,
    /// Direct chats.
    direct: HashSet<RoomNid>,
    tags: HashMap<RoomNid, BTreeSet<String>>,
}

/// What is known of a room.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The position that orders the room.
    pub(super) bump: Pos,
    /// Nothing of the room changed for the user after this position.
    pub(super) changed: Pos,
    /// The snapshot that the facts were read from.
    as_of: Pos,
    membership: Membership,
    encrypted: bool,
    room_type: Option<String>,
}

/// What a list has: how many rooms, and those in its ranges in their order.
pub(super) struct Window {
    pub(super) count: usize,
    pub(super) rooms: Vec<RoomNid>,
}

/// A filter, with what it needs from the store.
pub(super) struct Sieve<'f> {
    filter: Option<&'f ListFilter>,
    children: Option<HashSet<RoomNid>>,
}

/// What is read to bring an order up to date.
struct Changes {
    /// The rooms that were looked at; `None`: they are in no list.
    places: Vec<(RoomNid, Option<Place>)>,
    direct: Option<HashSet<RoomNid>>,
    tags: Vec<(RoomNid, BTreeSet<String>)>,
}

impl Default for Orders {
    fn default() -> Self {
        Self { users: Cache::new(USERS) }
    }
}

impl Orders {
    /// The order of a user, up to date with the snapshot of `tx`, whose position is `upto`.
    pub(super) fn get(
        &self,
        tx: &ReadTx<'_>,
        cache: &EventCache,
        user: UserNid,
        news: &News,
        upto: Pos,
    ) -> Result<Arc<Mutex<Order>>, StoreError> {
        let order = self
            .users
            .get_or_insert_with(&user, || Ok::<_, std::convert::Infallible>(Arc::default()))
            .unwrap_or_default();
        let (known, moved) = order.lock().moved(news);
        if known == 0 {
            let changes = all(tx, cache, user)?;
            order.lock().apply(changes, upto);
        } else if known < upto {
            let changes = some(tx, cache, user, news, (known, upto), moved)?;
            order.lock().apply(changes, upto);
        }
        Ok(order)
    }
}

/// Everything.
fn all(tx: &ReadTx<'_>, cache: &EventCache, user: UserNid) -> Result<Changes, StoreError> {
    let places = visible(tx, cache, user, sync::places(tx, user)?)?;
    let tags = account_data::changed_since(tx, user, 0)?.into_iter().filter_map(tags_of).collect();
    let places = places.into_iter().map(|place| (place.room, Some(place))).collect();
    Ok(Changes { places, direct: Some(direct(tx, user)?), tags })
}

/// What happened after `known`.
fn some(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    user: UserNid,
    news: &News,
    (known, upto): (Pos, Pos),
    mut rooms: Vec<(RoomNid, Pos)>,
) -> Result<Changes, StoreError> {
    let seen = news.since(known, 0);
    let gap = stream::range(tx, seen.applied, upto, usize::MAX)?;
    rooms.extend(gap.iter().filter_map(|row| row.room).map(|room| (room, 0)));
    let mut changes = Changes { places: Vec::new(), direct: None, tags: Vec::new() };
    if !gap.is_empty() || seen.last.account_data > known {
        for data in account_data::changed_since(tx, user, known)? {
            match (data.room, data.kind.as_str()) {
                (Some(room), _) => {
                    rooms.push((room, 0));
                    changes.tags.extend(tags_of(data));
                }
                (None, "m.direct") => changes.direct = Some(direct(tx, user)?),
                // Whose invites are shown changes.
                (None, "m.ignored_user_list") => {
                    rooms.extend(sync::places(tx, user)?.into_iter().map(|place| (place.room, 0)));
                }
                _ => {}
            }
        }
    }
    let mut looked_at = HashSet::new();
    for (room, after) in rooms {
        if looked_at.insert(room) {
            let place = sync::place_of(tx, user, room, after)?;
            let place = visible(tx, cache, user, place.into_iter().collect())?.pop();
            changes.places.push((room, place));
        }
    }
    Ok(changes)
}

/// Without invites from people whom the user ignores.
fn visible(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    user: UserNid,
    mut places: Vec<Place>,
) -> Result<Vec<Place>, StoreError> {
    if places.iter().any(|place| place.membership == Membership::Invite) {
        let ignored = unread::ignored_users(tx, user)?;
        let mut kept = Vec::with_capacity(places.len());
        for place in places {
            let is_invite = place.membership == Membership::Invite && !ignored.is_empty();
            if !is_invite || !ignored.contains(cache.get(tx, place.member_event)?.pdu.sender.as_str()) {
                kept.push(place);
            }
        }
        places = kept;
    }
    Ok(places)
}

fn tags_of(data: account_data::AccountData) -> Option<(RoomNid, BTreeSet<String>)> {
    #[derive(Deserialize)]
    struct Content {
        tags: BTreeMap<String, serde::de::IgnoredAny>,
    }
    let room = data.room.filter(|_| data.kind == "m.tag")?;
    let tags = serde_json::from_str::<Content>(&data.content).map(|content| content.tags).unwrap_or_default();
    Some((room, tags.into_keys().collect()))
}

fn direct(tx: &ReadTx<'_>, user: UserNid) -> Result<HashSet<RoomNid>, StoreError> {
    let content = account_data::get(tx, user, None, "m.direct")?;
    let chats: BTreeMap<OwnedUserId, Vec<OwnedRoomId>> =
        content.and_then(|content| serde_json::from_str(&content).ok()).unwrap_or_default();
    let mut found = HashSet::new();
    for room in chats.values().flatten() {
        found.extend(rooms::find(tx, room)?);
    }
    Ok(found)
}

impl Order {
    /// Up to where the order is known, and the rooms that changed since, each with the position up to which events
    /// have done to the order what they do.
    fn moved(&self, news: &News) -> (Pos, Vec<(RoomNid, Pos)>) {
        let rooms = news.since(self.upto, 0).rooms.into_iter();
        // A room that the user is not in was ordered by the membership.
        let is_joined = |facts: &&Facts| facts.membership == Membership::Join;
        let counted = |room| self.rooms.get(&room).filter(is_joined).map_or(0, |facts| facts.as_of);
        (self.upto, rooms.map(|room| (room, counted(room))).collect())
    }

    fn apply(&mut self, changes: Changes, upto: Pos) {
        for (room, place) in changes.places {
            let old = self.rooms.get(&room);
            if old.is_some_and(|old| old.as_of > upto) {
                continue;
            }
            let changed = old.map_or(0, |old| old.changed).max(upto);
            let bump = place.as_ref().map_or(0, |place| match (place.bump, old) {
                (0, Some(old)) => old.bump,
                (bump, _) => bump,
            });
            if let Some(old) = self.rooms.remove(&room) {
                self.order.remove(&(Reverse(old.bump), room));
            }
            if let Some(place) = place {
                self.order.insert((Reverse(bump), room));
                let facts = Facts {
                    bump,
                    changed,
                    as_of: upto,
                    membership: place.membership,
                    encrypted: place.encrypted,
                    room_type: place.room_type,
                };
                self.rooms.insert(room, facts);
            }
        }
        if upto >= self.upto {
            self.tags.extend(changes.tags);
            if let Some(direct) = changes.direct {
                self.direct = direct;
            }
            self.upto = upto;
        }
    }

    /// What is known of a room; `None` if it is in no list.
    pub(super) fn facts(&self, room: RoomNid) -> Option<&Facts> {
        self.rooms.get(&room)
    }

    /// Whether a room is a direct chat.
    pub(super) fn is_direct(&self, room: RoomNid) -> bool {
        self.direct.contains(&room)
    }

    /// The part of a list that is asked for.
    pub(super) fn window(&self, list: &List, sieve: &Sieve<'_>) -> Window {
        let in_range = |index: usize| list.ranges().any(|(first, last)| (first..=last).contains(&index));
        let mut window = Window { count: 0, rooms: Vec::new() };
        for (_, room) in &self.order {
            if self.passes(*room, sieve) {
                if in_range(window.count) {
                    window.rooms.push(*room);
                }
                window.count += 1;
            }
        }
        window
    }

    fn passes(&self, room: RoomNid, sieve: &Sieve<'_>) -> bool {
        let (Some(filter), Some(facts)) = (sieve.filter, self.rooms.get(&room)) else { return true };
        let tagged = |tags: &Vec<String>| {
            self.tags.get(&room).is_some_and(|has| tags.iter().any(|tag| has.contains(tag)))
        };
        filter.is_dm.is_none_or(|wanted| wanted == self.is_direct(room))
            && filter.is_encrypted.is_none_or(|wanted| wanted == facts.encrypted)
            && filter.is_invite.is_none_or(|wanted| wanted == facts.is_invite())
            && filter.room_types.as_ref().is_none_or(|types| types.contains(&facts.room_type))
            && !filter.not_room_types.as_ref().is_some_and(|types| types.contains(&facts.room_type))
            && filter.tags.as_ref().is_none_or(tagged)
            && !filter.not_tags.as_ref().is_some_and(tagged)
            && sieve.children.as_ref().is_none_or(|children| children.contains(&room))
    }
}

impl Facts {
    /// Whether the user may come in, or waits for that.
    fn is_invite(&self) -> bool {
        matches!(self.membership, Membership::Invite | Membership::Knock)
    }

    /// Whether the user was removed from the room.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.membership, Membership::Leave | Membership::Ban)
    }
}

impl<'f> Sieve<'f> {
    /// Reads what the filter of a list needs.
    pub(super) fn new(
        tx: &ReadTx<'_>,
        cache: &EventCache,
        filter: Option<&'f ListFilter>,
        is_joined: impl Fn(RoomNid) -> bool,
    ) -> Result<Self, StoreError> {
        let Some(spaces) = filter.and_then(|filter| filter.spaces.as_ref()) else {
            return Ok(Self { filter, children: None });
        };
        let mut children = HashSet::new();
        for space in spaces {
            let Some(space) = rooms::find(tx, space)?.filter(|space| is_joined(*space)) else { continue };
            for event in state::current_of_kind(tx, space, "m.space.child")? {
                let event = cache.get(tx, event)?;
                let child = event.pdu.state_key.as_deref().and_then(|key| OwnedRoomId::try_from(key).ok());
                // A child without servers to join by is one that was taken out.
                if let Some(child) = child.filter(|_| event.pdu.content().contains("\"via\"")) {
                    children.extend(rooms::find(tx, &child)?);
                }
            }
        }
        Ok(Self { filter, children: Some(children) })
    }
}
