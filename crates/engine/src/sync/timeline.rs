//! The newest events of a room that a client has not seen.

use std::collections::HashSet;
use std::sync::Arc;

use wardline_domain::visibility::Membership;
use wardline_store::{EventNid, Pos, ReadTx, RoomNid, SnapshotNid, StoreError, events};

use crate::events::{Event, EventCache};
use crate::filters::RoomEventFilter;
use crate::rooms::{Eyes, Token};

/// Events in a timeline if the filter does not say.
pub(super) const USUAL: usize = 10;
/// The most events in a timeline, whatever the filter says.
const MOST: usize = 200;
/// Events that are looked at for one timeline. What a filter leaves out costs work too.
const LOOKED_AT: usize = 5000;

/// Which events are asked for.
pub(super) struct Range<'a> {
    pub(super) room: RoomNid,
    /// Events after this position…
    pub(super) after: Pos,
    /// …up to this one.
    pub(super) upto: Pos,
    pub(super) filter: &'a RoomEventFilter,
    /// Senders whose messages are not shown.
    pub(super) ignored: &'a HashSet<String>,
    /// An event that is shown whoever may see it: how the user's own stay ended.
    pub(super) always: Option<EventNid>,
    /// The client makes the state of the state before the timeline and of the timeline itself. A state event that it is
    /// not shown must then not be followed by what it replaced: the timeline begins after that.
    pub(super) makes_state: bool,
}

/// A stretch of a room's history, oldest first.
pub(super) struct Timeline {
    pub(super) events: Vec<(Arc<Event>, Membership)>,
    /// Whether events between the range's beginning and the first event were left out.
    pub(super) limited: bool,
    /// Where `GET /messages` goes on backwards.
    pub(super) prev: Token,
    /// The state before the first event; without events the state at the end of the range.
    pub(super) start: Option<SnapshotNid>,
    /// The state after the last event of the range, shown or not.
    pub(super) end: Option<SnapshotNid>,
    /// Whether state events after the first event are not shown.
    pub(super) hides_state: bool,
    /// Messages of a range of which nothing is shown.
    pub(super) unshown: Vec<Arc<Event>>,
}

/// Reads the newest events of a range that `eyes` may see.
pub(super) fn read(
    tx: &ReadTx<'_>,
    cache: &EventCache,
    eyes: &mut Eyes<'_>,
    range: &Range<'_>,
) -> Result<Timeline, StoreError> {
    let limit = range.filter.events.limit.map_or(USUAL, |limit| (limit as usize).min(MOST));
    let mut found = Vec::with_capacity(limit.min(USUAL));
    let (mut limited, mut looked_at, mut upto) = (false, 0, range.upto);
    let (mut end, mut hides_state) = (None, false);
    let mut hidden: HashSet<(String, String)> = HashSet::new();
    let mut unshown = Vec::new();
    'pages: loop {
        let page = if range.filter.is_open() { limit + 1 } else { (limit + 1).max(100) };
        let points = events::newest(tx, range.room, range.after, upto, page)?;
        for point in &points {
            let event = cache.get(tx, point.nid)?;
            end = end.or_else(|| Some(event.state_after()));
            let Some(membership) = seen(tx, eyes, range, &event)? else {
                match key_of(&event) {
                    Some(key) => drop(hidden.insert(key)),
                    None if found.is_empty() => unshown.push(event),
                    None => {}
                }
                continue;
            };
            let is_replaced = range.makes_state
                && !hidden.is_empty()
                && key_of(&event).is_some_and(|key| hidden.contains(&key));
            if found.len() == limit || is_replaced {
                limited = true;
                break 'pages;
            }
            found.push((event, membership));
            hides_state = !hidden.is_empty();
        }
        looked_at += points.len();
        match points.last() {
            Some(last) if points.len() == page && looked_at < LOOKED_AT => upto = last.pos - 1,
            Some(_) if points.len() == page => {
                limited = true;
                break;
            }
            _ => break,
        }
    }
    found.reverse();
    let end = match end {
        Some(end) => end,
        None => state_at(tx, range.room, range.upto)?,
    };
    let (start, prev) = match found.first() {
        Some((first, _)) => (first.state_before, Token::before(first.topo, first.pos)),
        None => (end, Token::Stream(if limited { range.upto } else { range.after })),
    };
    Ok(Timeline { events: found, limited, prev, start, end, hides_state, unshown })
}

/// Which part of the state the event sets, if it is of the state.
fn key_of(event: &Event) -> Option<(String, String)> {
    event.pdu.state_key.as_ref().map(|key| (event.pdu.kind.clone(), key.clone()))
}

fn seen(
    tx: &ReadTx<'_>,
    eyes: &mut Eyes<'_>,
    range: &Range<'_>,
    event: &Event,
) -> Result<Option<Membership>, StoreError> {
    if !range.filter.allows(&event.pdu)
        || !range.filter.allows_related(tx, event.nid)?
        || (event.pdu.state_key.is_none() && range.ignored.contains(event.pdu.sender.as_str()))
    {
        return Ok(None);
    }
    let membership = eyes.see(tx, event)?;
    Ok(if range.always == Some(event.nid) {
        membership.or(Some(Membership::of(Some(&event.pdu))))
    } else {
        membership
    })
}

/// The state of a room at a position of the stream; `None`: it had none yet.
pub(super) fn state_at(tx: &ReadTx<'_>, room: RoomNid, pos: Pos) -> Result<Option<SnapshotNid>, StoreError> {
    match wardline_store::sync::last_event(tx, room, pos)? {
        Some(last) => events::state_after(tx, last),
        None => Ok(None),
    }
}
