//! Paging through a room's history (Client-Server API, `GET /rooms/{roomId}/messages` and `…/context/{eventId}`).

use std::sync::Arc;

use wardline_domain::ruma::{EventId, RoomId};
use wardline_domain::visibility::Membership;
use wardline_store::{Pos, ReadTx, RoomNid, SnapshotNid, events, members, state};

use super::read::Scribe;
use super::{Caller, Rooms, Token};
use crate::EngineError;
use crate::events::Event;
use crate::filters::RoomEventFilter;

/// Events on a page when the client does not say, and at most.
const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 500;
/// Events looked at for one page, if a filter or the history visibility hides many. The page ends there; its
/// token goes on.
const MAX_SCANNED: usize = 2000;

/// Which way to page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From older to newer (`f`).
    Forwards,
    /// From newer to older (`b`).
    Backwards,
}

/// A page to read.
#[derive(Clone, Debug)]
pub struct MessagesQuery {
    /// Which way.
    pub direction: Direction,
    /// Where to begin; `None`: at the end that the direction leaves from.
    pub from: Option<Token>,
    /// Where to stop.
    pub to: Option<Token>,
    /// The most events, 10 if not said, never more than 500.
    pub limit: Option<usize>,
    /// Which events.
    pub filter: RoomEventFilter,
}

/// A page of events in client format.
#[derive(Clone, Debug)]
pub struct Page {
    /// JSON array of events, in the direction of paging.
    pub chunk: String,
    /// Where the page begins.
    pub start: Token,
    /// Where the next page begins; `None`: there is nothing more.
    pub end: Option<Token>,
    /// JSON array of state events: with lazy loading the members that sent the events.
    pub state: String,
}

/// An event with what was before and after it, in client format.
#[derive(Clone, Debug)]
pub struct Context {
    /// The event.
    pub event: String,
    /// JSON array of the events before it, newest first.
    pub before: String,
    /// JSON array of the events after it, oldest first.
    pub after: String,
    /// JSON array of the state at the last event (members: only those needed, if lazy loading was asked for).
    pub state: String,
    /// Where the events before begin, for paging back.
    pub start: Token,
    /// Where the events after end, for paging forwards.
    pub end: Token,
}

/// Events that were found on the way, and where the way goes on.
struct Walk {
    events: Vec<(Arc<Event>, Membership)>,
    next: (i64, Pos),
    exhausted: bool,
}

impl Rooms {
    /// A page of the room's history, as far as the caller may see it.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who may see nothing of the room.
    pub async fn messages(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        query: MessagesQuery,
    ) -> Result<Page, EngineError> {
        let (context, nid) = (self.context.clone(), self.nid(room)?);
        self.require_sight(caller, nid)?;
        let (user, user_id, device) =
            (caller.user, caller.user_id.to_owned(), caller.device.map(str::to_owned));
        self.context
            .store
            .read(move |tx| {
                let caller = Caller { user, user_id: &user_id, device: device.as_deref() };
                let mut scribe = Scribe::new(tx, &context, nid, caller)?;
                page(tx, &mut scribe, nid, &query)
            })
            .await
    }

    /// An event and the events around it: half of `limit` (10 if not said) on each side.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], also for an event that the caller may not see.
    pub async fn context(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        event: &EventId,
        limit: Option<usize>,
        filter: RoomEventFilter,
    ) -> Result<Context, EngineError> {
        let (context, nid) = (self.context.clone(), self.nid(room)?);
        let (user, user_id, device) =
            (caller.user, caller.user_id.to_owned(), caller.device.map(str::to_owned));
        let event = event.to_owned();
        self.context
            .store
            .read(move |tx| {
                let caller = Caller { user, user_id: &user_id, device: device.as_deref() };
                let mut scribe = Scribe::new(tx, &context, nid, caller)?;
                let half = limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT) / 2;
                around(tx, &mut scribe, nid, &event, (half, half), &filter)
            })
            .await
    }
}

fn page(
    tx: &ReadTx<'_>,
    scribe: &mut Scribe<'_>,
    room: RoomNid,
    query: &MessagesQuery,
) -> Result<Page, EngineError> {
    let start = match (query.from, query.direction) {
        (Some(token), _) => token,
        (None, Direction::Backwards) => events::last_at(tx, room, Pos::MAX)?
            .map_or(Token::Stream(0), |last| Token::after(last.topo, last.pos)),
        (None, Direction::Forwards) => Token::Stream(0),
    };
    let from = start.resolve(tx, room)?;
    let to = query.to.map(|to| to.resolve(tx, room)).transpose()?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let walk = walk(tx, scribe, room, query.direction, from, to, limit, &query.filter)?;
    let shown: Vec<_> = walk.events.iter().map(|(event, _)| Arc::clone(event)).collect();
    let mut state = String::from("[]");
    if query.filter.lazy_load_members {
        let newest = shown.iter().max_by_key(|event| (event.topo, event.pos));
        let senders = scribe.senders(tx, &shown, newest.and_then(|event| event.state_after()))?;
        state.clear();
        scribe.write_state(tx, &senders, &mut state)?;
    }
    Ok(Page {
        chunk: chunk(tx, scribe, &walk.events)?,
        start,
        end: (!walk.exhausted).then(|| Token::after(walk.next.0, walk.next.1)),
        state,
    })
}

/// An event with at most so many events before and after it.
pub(super) fn around(
    tx: &ReadTx<'_>,
    scribe: &mut Scribe<'_>,
    room: RoomNid,
    event: &EventId,
    (most_before, most_after): (usize, usize),
    filter: &RoomEventFilter,
) -> Result<Context, EngineError> {
    let (event, membership) = scribe.find(tx, room, event)?;
    let here = (event.topo, event.pos);
    let before_here = (event.topo, event.pos.saturating_sub(1));
    let before = walk(tx, scribe, room, Direction::Backwards, before_here, None, most_before, filter)?;
    let after = walk(tx, scribe, room, Direction::Forwards, here, None, most_after, filter)?;
    let mut out = String::new();
    scribe.write(tx, &event, membership, &mut out)?;
    let last = after.events.last().map_or(&event, |(event, _)| event);
    let shown: Vec<_> =
        before.events.iter().chain(&after.events).map(|(event, _)| event).chain([&event]).cloned().collect();
    let mut state = String::new();
    scribe.write_state(tx, &state_at(tx, scribe, last.state_after(), &shown, filter)?, &mut state)?;
    Ok(Context {
        event: out,
        before: chunk(tx, scribe, &before.events)?,
        after: chunk(tx, scribe, &after.events)?,
        state,
        start: Token::after(before.next.0, before.next.1),
        end: Token::after(after.next.0, after.next.1),
    })
}

/// The state at a point; with lazy loading only the members that sent what is shown.
fn state_at(
    tx: &ReadTx<'_>,
    scribe: &Scribe<'_>,
    snapshot: Option<SnapshotNid>,
    shown: &[Arc<Event>],
    filter: &RoomEventFilter,
) -> Result<Vec<Arc<Event>>, EngineError> {
    let Some(at) = snapshot else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (key, event) in state::at(tx, at)? {
        if filter.lazy_load_members && state::key(tx, key)?.0 == "m.room.member" {
            continue;
        }
        found.push(scribe.context.events.get(tx, event)?);
    }
    if filter.lazy_load_members {
        found.extend(scribe.senders(tx, shown, snapshot)?);
    }
    Ok(found)
}

#[expect(clippy::too_many_arguments, reason = "one walk, described by where, which way, how far and what")]
fn walk(
    tx: &ReadTx<'_>,
    scribe: &mut Scribe<'_>,
    room: RoomNid,
    direction: Direction,
    from: (i64, Pos),
    to: Option<(i64, Pos)>,
    limit: usize,
    filter: &RoomEventFilter,
) -> Result<Walk, EngineError> {
    let mut walk = Walk { events: Vec::new(), next: from, exhausted: false };
    if members::get(tx, room, scribe.user())?.is_some_and(|member| member.forgotten) {
        walk.exhausted = true;
        return Ok(walk);
    }
    let mut scanned = 0;
    while walk.events.len() < limit && scanned < MAX_SCANNED && !walk.exhausted {
        let wanted = (limit - walk.events.len()).max(16);
        let points = match direction {
            Direction::Backwards => events::backwards(tx, room, walk.next, wanted)?,
            Direction::Forwards => events::forwards(tx, room, walk.next, wanted)?,
        };
        walk.exhausted = points.len() < wanted;
        for point in points {
            let place = (point.topo, point.pos);
            let past_end = to.is_some_and(|to| match direction {
                Direction::Backwards => place <= to,
                Direction::Forwards => place > to,
            });
            if past_end {
                walk.exhausted = true;
                break;
            }
            if walk.events.len() == limit {
                walk.exhausted = false;
                break;
            }
            scanned += 1;
            walk.next = match direction {
                Direction::Backwards => (point.topo, point.pos.saturating_sub(1)),
                Direction::Forwards => place,
            };
            let event = scribe.context.events.get(tx, point.nid)?;
            if filter.allows(&event.pdu)
                && filter.allows_related(tx, event.nid)?
                && let Some(membership) = scribe.eyes.see(tx, &event)?
            {
                walk.events.push((event, membership));
            }
        }
    }
    Ok(walk)
}

fn chunk(
    tx: &ReadTx<'_>,
    scribe: &Scribe<'_>,
    events: &[(Arc<Event>, Membership)],
) -> Result<String, EngineError> {
    let mut out = String::from("[");
    for (at, (event, membership)) in events.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        scribe.write(tx, event, *membership, &mut out)?;
    }
    out.push(']');
    Ok(out)
}
