//! `GET /notifications` (Client-Server API, "Listing Notifications").

use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use wardline_domain::Timestamp;
use wardline_domain::canonical::write_string;
use wardline_domain::ruma::OwnedUserId;
use wardline_domain::visibility::Membership as Standing;
use wardline_store::events::EventPoint;
use wardline_store::members::{self, MemberRow, Membership};
use wardline_store::rooms::{self, RoomRow};
use wardline_store::{Pos, ReadTx, RoomNid, StoreError, UserNid, events, stream, unread};

use super::{Counter, Scan, Who, count, count_all, decide, ignored_users, joined_at, judge};
use crate::events::{Event, Extras, Viewer};
use crate::{Context, EngineError};

/// Events looked at for one page. A page that ends here may be short, and says where to go on.
const MOST_LOOKED_AT: usize = 5000;
/// Events read at a time from one room.
const STEP: usize = 32;

/// Who asks for a page, and for which.
#[derive(Clone, Debug)]
pub struct Page {
    /// The user.
    pub user: UserNid,
    /// The user's id.
    pub user_id: OwnedUserId,
    /// The device, for `transaction_id`.
    pub device: String,
    /// The `next_token` of the page before.
    pub before: Option<Pos>,
    /// Only notifications that stand out.
    pub highlights_only: bool,
    /// At most so many.
    pub limit: usize,
    /// The present instant, for `age`.
    pub now: Timestamp,
}

/// What a user has been notified of in the rooms that they are joined or invited to, newest first, read or not: the JSON of the
/// response of `GET /notifications`.
///
/// # Errors
/// Any failure of the database.
pub async fn list(context: &Arc<Context>, page: Page) -> Result<String, EngineError> {
    let shared = Arc::clone(context);
    context.store.read(move |tx| Ok(Listing::new(tx, &shared, &page)?.write()?)).await
}

struct Listing<'a> {
    tx: &'a ReadTx<'a>,
    context: &'a Context,
    page: &'a Page,
    who: Who,
    ignored: HashSet<String>,
    /// Rooms with events that were not looked at yet: an upper bound of the position of the next of them.
    heap: BinaryHeap<(Pos, RoomNid)>,
    rooms: HashMap<RoomNid, Walk>,
}

/// A walk from the newest to the oldest event of a room.
struct Walk {
    room: RoomRow,
    came_in: Pos,
    /// The number of joined members right after the next event.
    joined: i64,
    next: VecDeque<EventPoint>,
    /// The invitation by which the user came or may come, if it was not looked at yet.
    invitation: Option<EventPoint>,
    unread: Arc<Counter>,
}

impl<'a> Listing<'a> {
    fn new(tx: &'a ReadTx<'a>, context: &'a Context, page: &'a Page) -> Result<Self, StoreError> {
        let ignored = ignored_users(tx, page.user)?;
        let who = Who::new(tx, context, page.user, &page.user_id, &ignored)?;
        let before = page.before.unwrap_or(Pos::MAX);
        let rooms = unread::joined_rooms(tx, page.user)?;
        let invitations = unread::invitations(tx, page.user)?;
        let heap = rooms
            .into_iter()
            .chain(invitations)
            .map(|(room, last)| (last.min(before.saturating_sub(1)), room))
            .collect();
        Ok(Self { tx, context, page, who, ignored, heap, rooms: HashMap::new() })
    }

    fn write(mut self) -> Result<String, StoreError> {
        let mut body = String::new();
        let (mut found, mut looked_at, mut last) = (0, 0, None);
        while found < self.page.limit && looked_at < MOST_LOOKED_AT {
            let Some((event, joined, walk)) = self.next()? else { break };
            looked_at += 1;
            last = Some(event.pos);
            found += usize::from(self.write_one(&event, joined, walk, &mut body)?);
        }
        let mut out = String::from("{");
        if let Some(last) = last.filter(|_| !self.heap.is_empty()) {
            out.push_str(&format!("\"next_token\":\"{last}\","));
        }
        out.push_str("\"notifications\":[");
        out.push_str(&body);
        out.push_str("]}");
        Ok(out)
    }

    /// The newest event that was not looked at yet, with the number of joined members right after it.
    fn next(&mut self) -> Result<Option<(Arc<Event>, u64, RoomNid)>, StoreError> {
        while let Some((upto, nid)) = self.heap.pop() {
            if !self.rooms.contains_key(&nid) {
                let Some(walk) = self.begin(nid, upto)? else { continue };
                self.rooms.insert(nid, walk);
            }
            let Some(walk) = self.rooms.get_mut(&nid) else { continue };
            if walk.next.is_empty() {
                walk.next = events::newest(self.tx, nid, walk.came_in, upto, STEP)?.into();
            }
            if walk.next.is_empty() {
                walk.next.extend(walk.invitation.take().filter(|invitation| invitation.pos <= upto));
            }
            let Some(point) = walk.next.front().copied() else { continue };
            if point.pos < upto {
                // Only an upper bound: others may come first.
                self.heap.push((point.pos, nid));
                continue;
            }
            walk.next.pop_front();
            let event = self.context.events.get(self.tx, point.nid)?;
            let joined = u64::try_from(walk.joined).unwrap_or(0);
            walk.joined -= judge::joins(self.tx, &self.context.events, &event)?;
            self.heap.push((point.pos.saturating_sub(1), nid));
            return Ok(Some((event, joined, nid)));
        }
        Ok(None)
    }

    fn begin(&self, nid: RoomNid, upto: Pos) -> Result<Option<Walk>, StoreError> {
        let Some(room) = rooms::get(self.tx, nid)? else { return Ok(None) };
        let Some(member) = members::get(self.tx, nid, self.page.user)? else { return Ok(None) };
        if member.membership == Membership::Invite {
            return self.invited(room, &member).map(Some);
        }
        let joined = joined_at(self.tx, &self.context.events, &room, upto)?;
        let head = stream::head(self.tx)?;
        let mut unread = count(self.tx, self.context, &self.who, &self.ignored, &room, head)?;
        if unread.has(upto).is_none() {
            unread = Arc::new(count_all(self.tx, self.context, &self.who, &self.ignored, &room)?);
        }
        let scan = Scan {
            tx: self.tx,
            context: self.context,
            who: &self.who,
            ignored: &self.ignored,
            room: &room,
            receipts: Vec::new(),
            all: false,
        };
        let came_in = scan.came_in(0)?;
        let joined = i64::try_from(joined).unwrap_or(i64::MAX);
        let mut invitation = None;
        if let Some(point) = events::newest(self.tx, nid, came_in.saturating_sub(1), came_in, 1)?.first() {
            let cache = &self.context.events;
            let before = cache.get(self.tx, point.nid)?.replaces;
            let before = before.map(|before| cache.get(self.tx, before)).transpose()?;
            invitation = before.filter(|event| Standing::of(Some(&event.pdu)) == Standing::Invite);
        }
        let invitation =
            invitation.map(|event| EventPoint { nid: event.nid, pos: event.pos, topo: event.topo });
        Ok(Some(Walk { came_in, joined, next: VecDeque::new(), invitation, unread, room }))
    }

    /// A room that the user is invited to: they are told of that alone, and it waits for them.
    fn invited(&self, room: RoomRow, member: &MemberRow) -> Result<Walk, StoreError> {
        let event = self.context.events.get(self.tx, member.event)?;
        let joined = joined_at(self.tx, &self.context.events, &room, event.pos)?;
        let mut unread = Counter::new(self.who.basis, event.pos);
        unread.note(event.pos, None, false, true);
        Ok(Walk {
            // Of the room's history nothing is looked at.
            came_in: member.pos.max(event.pos),
            joined: i64::try_from(joined).unwrap_or(i64::MAX),
            next: VecDeque::new(),
            invitation: Some(EventPoint { nid: event.nid, pos: event.pos, topo: event.topo }),
            unread: Arc::new(unread),
            room,
        })
    }

    /// Writes an event if the user was notified of it; whether that is so.
    fn write_one(
        &self,
        event: &Event,
        joined: u64,
        room: RoomNid,
        out: &mut String,
    ) -> Result<bool, StoreError> {
        let ignored = self.ignored.contains(event.pdu.sender.as_str());
        if event.sender == self.page.user || event.redacted_by.is_some() || ignored {
            return Ok(false);
        }
        let rules = &self.who.rules;
        let rule = decide(self.tx, self.context, rules, &self.who.user_id, event, &mut || Ok(joined))?;
        let outcome = rules.set.outcome(rule);
        if !outcome.notify || (self.page.highlights_only && !outcome.highlight) {
            return Ok(false);
        }
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str("{\"actions\":");
        out.push_str(rules.set.actions(rule));
        out.push_str(",\"event\":");
        let viewer = Viewer { user: self.page.user, device: Some(&self.page.device), now: self.page.now };
        self.context.events.write(self.tx, event, viewer, Extras::default(), true, out)?;
        let walk = self.rooms.get(&room);
        let is_unread = walk.is_some_and(|walk| walk.unread.has(event.pos) == Some(true));
        out.push_str(if is_unread { ",\"read\":false" } else { ",\"read\":true" });
        out.push_str(",\"room_id\":");
        let room_id = walk.map_or(event.pdu.room_id.as_str(), |walk| walk.room.room_id.as_str());
        write_string(out, room_id);
        out.push_str(&format!(",\"ts\":{}}}", event.pdu.origin_server_ts.as_millis()));
        Ok(true)
    }
}
