//! Building one answer from one snapshot of the store.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use wardline_domain::Timestamp;
use wardline_domain::ruma::OwnedRoomId;
use wardline_store::members::{self, MemberRow, Membership};
use wardline_store::{Pos, ReadTx, RoomNid, StoreError, StreamRow, rooms, stream};

use super::super::json::Object;
use super::connection::{Change, Head};
use super::order::{Facts, Order, Sieve};
use super::request::{Scope, SlidingRequest};
use super::required::Wanted;
use super::{Answer, Asked, Inner};
use crate::EngineError;
use crate::events::Viewer;
use crate::hub::{LastChanges, News};
use crate::unread;

/// One answer at work.
pub(super) struct Build<'a> {
    pub(super) tx: &'a ReadTx<'a>,
    pub(super) inner: &'a Inner,
    pub(super) asked: &'a Asked,
    /// The position of the snapshot.
    pub(super) upto: Pos,
    pub(super) now: Timestamp,
    /// Senders whom the user ignores.
    pub(super) ignored: HashSet<String>,
    /// What the user's unread counts depend on.
    pub(super) who: unread::Who,
    /// The user's last private changes.
    pub(super) last: LastChanges,
    /// Rooms where the typing people changed, with the version of the change.
    pub(super) typing: HashMap<RoomNid, u64>,
    pub(super) typing_version: u64,
}

/// A room of which something may have to be told.
pub(super) struct Candidate {
    pub(super) room: RoomNid,
    /// How much of it the client wants.
    pub(super) wanted: Arc<Wanted>,
    /// What orders it in lists.
    pub(super) bump: Pos,
    /// Nothing happened in it after this position.
    pub(super) changed: Pos,
    /// Whether it is a direct chat.
    pub(super) direct: bool,
    pub(super) asked_by: AskedBy,
}

/// A bit for each list of a request, in the order of their names.
pub(super) type Lists = u128;

/// Why a room is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct AskedBy {
    /// A bit for each list that has the room in its window.
    pub(super) lists: Lists,
    /// Whether the client wants the room's receipts.
    pub(super) receipts: bool,
    /// Whether it wants the room's account data.
    pub(super) account_data: bool,
    /// Whether it wants to know who is typing.
    pub(super) typing: bool,
}

/// The rooms that the client looks at.
struct Sight {
    rooms: Vec<(RoomNid, AskedBy)>,
    subscribed: HashMap<RoomNid, Arc<Wanted>>,
    counts: BTreeMap<String, usize>,
}

/// Builds the answer to what was asked.
pub(super) fn build(
    tx: &ReadTx<'_>,
    inner: &Inner,
    asked: &Asked,
    news: &News,
) -> Result<Answer, EngineError> {
    // The snapshot is fixed by the first read; the hub is asked after it, so it misses nothing of it but what
    // `gap` adds.
    let upto = stream::head(tx)?;
    let typing_version = inner.typing.version();
    let seen = news.since(asked.told.head.pos, 0);
    let gap = stream::range(tx, seen.applied, upto, usize::MAX)?;
    let ignored = unread::ignored_users(tx, asked.request.user)?;
    let build = Build {
        tx,
        inner,
        asked,
        upto,
        now: inner.context.now(),
        who: unread::Who::new(tx, &inner.context, asked.request.user, &asked.request.user_id, &ignored)?,
        ignored,
        last: if gap.is_empty() { seen.last } else { seen.last.at_least(upto) },
        typing: news.typing().into_iter().map(|(version, room)| (room, version)).collect(),
        typing_version,
    };
    let order = inner.orders.get(tx, &inner.context.events, asked.request.user, news, upto)?;
    let sight = build.sight(&order)?;
    let mut candidates = build.candidates(&sight, &order.lock());
    candidates.extend(build.gone(&seen.rooms, &gap, &sight, &order.lock()));
    build.finish(sight, &candidates)
}

impl Build<'_> {
    pub(super) fn request(&self) -> &SlidingRequest {
        &self.asked.request
    }

    pub(super) fn viewer(&self) -> Viewer<'_> {
        Viewer { user: self.request().user, device: Some(&self.request().device), now: self.now }
    }

    /// The windows of all lists, and the subscriptions.
    fn sight(&self, order: &parking_lot::Mutex<Order>) -> Result<Sight, StoreError> {
        let (tx, user) = (self.tx, self.request().user);
        let lists = &self.request().body.lists;
        let is_joined = |room| self.inner.hub.is_joined(room, user);
        let sieve = |filter| Sieve::new(tx, &self.inner.context.events, filter, is_joined);
        let sieves: Vec<_> =
            lists.values().map(|list| sieve(list.filters.as_ref())).collect::<Result<_, _>>()?;
        let extensions = &self.request().body.extensions;
        let asked_by = |lists: Lists, wants: &dyn Fn(&Scope) -> bool| {
            let wants = |scope: &Scope| scope.is_on() && wants(scope);
            let (receipts, account_data) = (wants(&extensions.receipts), wants(&extensions.account_data));
            AskedBy { lists, receipts, account_data, typing: wants(&extensions.typing) }
        };
        let (mut found, mut places) = (Vec::new(), HashMap::new());
        let mut look_at = |room, by: AskedBy| {
            let place = *places.entry(room).or_insert_with(|| {
                found.push((room, AskedBy::default()));
                found.len() - 1
            });
            let known: &mut (RoomNid, AskedBy) = &mut found[place];
            known.1.lists |= by.lists;
            known.1.receipts |= by.receipts;
            known.1.account_data |= by.account_data;
            known.1.typing |= by.typing;
        };
        let mut counts = BTreeMap::new();
        let order = order.lock();
        for (bit, ((name, list), sieve)) in lists.iter().zip(&sieves).enumerate() {
            let window = order.window(list, sieve);
            counts.insert(name.clone(), window.count);
            let by = asked_by(1 << bit, &|scope| scope.has_list(name));
            window.rooms.into_iter().for_each(|room| look_at(room, by));
        }
        drop(order);
        let mut subscribed = HashMap::new();
        for (id, wanted) in self.asked.subscriptions.iter() {
            if let Some(room) = rooms::find(tx, id)? {
                subscribed.insert(room, Arc::clone(wanted));
                look_at(room, asked_by(0, &|scope| scope.has_subscription(id.as_str())));
            }
        }
        Ok(Sight { rooms: found, subscribed, counts })
    }

    /// Those of the rooms in sight of which something may have to be told.
    fn candidates(&self, sight: &Sight, order: &Order) -> Vec<Candidate> {
        let lists: Vec<Arc<Wanted>> =
            self.request().body.lists.values().map(|list| Arc::new(list.details.wanted())).collect();
        let mut by_lists: HashMap<Lists, Arc<Wanted>> = HashMap::new();
        let mut found = Vec::new();
        for (room, by) in &sight.rooms {
            let Some(facts) = order.facts(*room) else { continue };
            let of_lists = by_lists.entry(by.lists).or_insert_with(|| union(&lists, by.lists));
            let wanted = match sight.subscribed.get(room) {
                Some(own) if by.lists == 0 => Arc::clone(own),
                Some(own) => Arc::new(own.and(of_lists)),
                None => Arc::clone(of_lists),
            };
            let candidate = Candidate {
                room: *room,
                wanted,
                bump: facts.bump,
                changed: facts.changed,
                direct: order.is_direct(*room),
                asked_by: *by,
            };
            if self.may_have_news(&candidate) {
                found.push(candidate);
            }
        }
        found
    }

    fn may_have_news(&self, candidate: &Candidate) -> bool {
        let Some(known) = self.asked.told.rooms.get(&candidate.room) else { return true };
        let (last, by) = (&known.last, candidate.asked_by);
        candidate.changed > last.sent
            || (!Arc::ptr_eq(&last.wanted, &candidate.wanted) && last.wanted != candidate.wanted)
            || (by.receipts && candidate.changed > last.receipts)
            || (by.account_data && candidate.changed > last.account_data)
            || (by.typing && self.types_anew(candidate.room, last.typing))
    }

    /// Rooms that the client knows, that are no longer the user's and in no window.
    fn gone(&self, moved: &[RoomNid], gap: &[StreamRow], sight: &Sight, order: &Order) -> Vec<Candidate> {
        // Of those that one was removed from, the ones in sight are told like all others.
        let mut seen: BTreeSet<RoomNid> =
            sight.rooms.iter().map(|(room, _)| *room).filter(|room| order.facts(*room).is_some()).collect();
        let is_over = |room| order.facts(room).is_none_or(Facts::is_over);
        let rooms = moved.iter().copied().chain(gap.iter().filter_map(|row| row.room));
        rooms
            .filter(|room| is_over(*room) && seen.insert(*room))
            .filter_map(|room| {
                let known = self.asked.told.rooms.get(&room)?;
                let wanted = Arc::clone(&known.last.wanted);
                let asked_by = AskedBy::default();
                Some(Candidate { room, wanted, bump: 0, changed: self.upto, direct: false, asked_by })
            })
            .collect()
    }

    fn finish(&self, sight: Sight, candidates: &[Candidate]) -> Result<Answer, EngineError> {
        let mut change = Change { head: self.head(sight.counts), rooms: HashMap::new() };
        let mut told: Vec<(OwnedRoomId, String)> = Vec::new();
        let mut extras = super::extensions::Extras::default();
        for candidate in candidates {
            let Some(member) = members::get(self.tx, candidate.room, self.request().user)? else { continue };
            if self.is_spared(&member)? {
                continue;
            }
            let said = match member.membership {
                Membership::Join => self.joined(candidate, &member)?,
                Membership::Invite | Membership::Knock => self.invited(candidate, &member)?,
                Membership::Leave | Membership::Ban => self.left(candidate, &member)?,
            };
            let room_id = rooms::room_id(self.tx, candidate.room)?;
            if let Some(mut room) = said.change {
                if member.membership == Membership::Join {
                    self.extras_of(candidate, &room_id, &mut room.last, &mut extras)?;
                }
                change.rooms.insert(candidate.room, room);
            }
            told.extend(said.json.map(|json| (room_id, json)));
        }
        let mut body =
            String::with_capacity(512 + told.iter().map(|(_, json)| json.len() + 64).sum::<usize>());
        let worth_telling = self.write(&told, &extras, &mut change.head, &mut body)?;
        Ok(Answer { body, change, typing: self.typing_version, worth_telling })
    }

    /// Whether it is an invitation by somebody whom the user ignores. No list has it, but a room that the client knows may be
    /// left and come back as one.
    fn is_spared(&self, member: &MemberRow) -> Result<bool, StoreError> {
        if member.membership != Membership::Invite || self.ignored.is_empty() {
            return Ok(false);
        }
        let invite = self.inner.context.events.get(self.tx, member.event)?;
        Ok(self.ignored.contains(invite.pdu.sender.as_str()))
    }

    /// What comes behind `{"pos":"…"`, and whether it says anything.
    fn write(
        &self,
        told: &[(OwnedRoomId, String)],
        extras: &super::extensions::Extras,
        head: &mut Head,
        body: &mut String,
    ) -> Result<bool, EngineError> {
        let mut out = Object::go_on(body);
        if let Some(txn) = &self.request().body.txn_id {
            out.string("txn_id", txn);
        }
        let mut lists = out.object("lists");
        for (name, count) in head.counts.iter() {
            let mut list = lists.object(name);
            list.number("count", *count as u64);
            list.close();
        }
        lists.close();
        let mut rooms = out.object("rooms");
        for (room, json) in told {
            rooms.raw(room.as_str(), json);
        }
        rooms.close();
        let mut extensions = out.object("extensions");
        let tells_more = self.write_extensions(extras, head, &mut extensions)?;
        extensions.close();
        out.close();
        Ok(!told.is_empty() || tells_more || *head.counts != *self.asked.told.head.counts)
    }

    fn head(&self, counts: BTreeMap<String, usize>) -> Head {
        let told = &self.asked.told.head;
        Head {
            pos: self.upto,
            account_data: told.account_data,
            device_lists: told.device_lists,
            thread_subscriptions: told.thread_subscriptions,
            counts: Arc::new(counts),
            subscriptions: Arc::clone(&self.asked.subscriptions),
        }
    }
}

/// As much as the lists whose bits are set want together.
fn union(lists: &[Arc<Wanted>], bits: Lists) -> Arc<Wanted> {
    let mut of_lists =
        lists.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, list)| list);
    let Some(first) = of_lists.next() else { return Arc::default() };
    of_lists.fold(Arc::clone(first), |all, list| Arc::new(all.and(list)))
}
