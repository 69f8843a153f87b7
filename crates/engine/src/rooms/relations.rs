//! Relations between events (Client-Server API, "Forming relationships between events"): listing them, and
//! bundling them with the event that they relate to.

use serde_json::json;
use serde_json::value::RawValue;
use wardline_domain::ruma::{EventId, RoomId};
use wardline_store::{EventNid, ReadTx, Reader, RoomNid, StoreError, events};

use super::read::Scribe;
use super::{Caller, Direction, Page, Rooms, Token};
use crate::EngineError;
use crate::events::{Event, EventCache, Extras, Viewer};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;
/// How far indirect relations are followed, and how many references are bundled.
const MAX_DEPTH: u32 = 3;
const MAX_REFERENCES: usize = 50;

/// Which relations to list.
#[derive(Clone, Debug)]
pub struct RelationsQuery {
    /// Only relations of this kind (`rel_type`).
    pub rel_type: Option<String>,
    /// Only events of this type.
    pub kind: Option<String>,
    /// Which way; `/relations` goes backwards if not told.
    pub direction: Direction,
    /// Where to begin.
    pub from: Option<Token>,
    /// Where to stop.
    pub to: Option<Token>,
    /// The most events, 50 if not said, never more than 500.
    pub limit: Option<usize>,
    /// Whether events that relate to related events are listed too.
    pub recurse: bool,
}

impl Rooms {
    /// The events that relate to an event, as far as the caller may see them. The page's `state` is empty.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an event that does not exist or that the caller may not see.
    pub async fn relations(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        event: &EventId,
        query: RelationsQuery,
    ) -> Result<Page, EngineError> {
        let (context, nid) = (self.context.clone(), self.nid(room)?);
        let (user, user_id, device) =
            (caller.user, caller.user_id.to_owned(), caller.device.map(str::to_owned));
        let event = event.to_owned();
        self.context
            .store
            .read(move |tx| {
                let caller = Caller { user, user_id: &user_id, device: device.as_deref() };
                let mut scribe = Scribe::new(tx, &context, nid, caller)?;
                let (event, _) = scribe.find(tx, nid, &event)?;
                list(tx, &mut scribe, nid, event.nid, &query)
            })
            .await
    }
}

fn list(
    tx: &ReadTx<'_>,
    scribe: &mut Scribe<'_>,
    room: RoomNid,
    target: EventNid,
    query: &RelationsQuery,
) -> Result<Page, EngineError> {
    let backwards = query.direction == Direction::Backwards;
    let from = query.from.map(|from| from.resolve(tx, room)).transpose()?;
    let from = from.unwrap_or(if backwards { (i64::MAX, u64::MAX) } else { (0, 0) });
    let to = query.to.map(|to| to.resolve(tx, room)).transpose()?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let depth = if query.recurse { MAX_DEPTH } else { 1 };
    let wanted = events::Relations {
        target,
        depth,
        rel_type: query.rel_type.as_deref(),
        kind: query.kind.as_deref(),
        from,
        backwards,
    };
    let mut points = events::relations(tx, &wanted, limit + 1)?;
    let more = points.len() > limit;
    points.truncate(limit);
    let mut chunk = String::from("[");
    let mut next = from;
    for point in points {
        let place = (point.topo, point.pos);
        if to.is_some_and(|to| if backwards { place <= to } else { place > to }) {
            break;
        }
        next = if backwards { (point.topo, point.pos.saturating_sub(1)) } else { place };
        let event = scribe.context.events.get(tx, point.nid)?;
        if let Some(membership) = scribe.eyes.see(tx, &event)? {
            if chunk.len() > 1 {
                chunk.push(',');
            }
            scribe.write(tx, &event, membership, &mut chunk)?;
        }
    }
    chunk.push(']');
    Ok(Page {
        chunk,
        start: Token::after(from.0, from.1),
        end: more.then(|| Token::after(next.0, next.1)),
        state: "[]".to_owned(),
    })
}

/// The bundled aggregations of an event (`m.relations` in `unsigned`): its newest edit, its thread, what refers
/// to it. `None` if there are none.
///
/// # Errors
/// Any failure of the database.
pub fn bundle(
    tx: &impl Reader,
    cache: &EventCache,
    event: &Event,
    viewer: Viewer<'_>,
) -> Result<Option<Box<RawValue>>, StoreError> {
    if event.redacted_by.is_some() || event.pdu.state_key.is_some() {
        return Ok(None);
    }
    let kinds = events::relation_kinds(tx, event.nid)?;
    if kinds.is_empty() {
        return Ok(None);
    }
    let mut bundled = Vec::new();
    for kind in kinds {
        let value = match kind.as_str() {
            "m.replace" => replacement(tx, cache, event, viewer)?,
            "m.thread" => thread(tx, cache, event, viewer)?,
            "m.reference" => Some(references(tx, event.nid)?),
            _ => None,
        };
        bundled.extend(value.map(|value| format!("\"{kind}\":{value}")));
    }
    if bundled.is_empty() {
        return Ok(None);
    }
    let json = format!("{{{}}}", bundled.join(","));
    RawValue::from_string(json).map(Some).map_err(|error| StoreError::Malformed(error.to_string()))
}

fn replacement(
    tx: &impl Reader,
    cache: &EventCache,
    event: &Event,
    viewer: Viewer<'_>,
) -> Result<Option<String>, StoreError> {
    let Some(edit) = events::replacement(tx, event.nid)? else { return Ok(None) };
    let edit = cache.get(tx, edit)?;
    if !wardline_domain::relations::is_valid_edit(&edit.pdu, &event.pdu) {
        return Ok(None);
    }
    let mut out = String::new();
    cache.write(tx, &edit, viewer, Extras::default(), true, &mut out)?;
    Ok(Some(out))
}

fn thread(
    tx: &impl Reader,
    cache: &EventCache,
    event: &Event,
    viewer: Viewer<'_>,
) -> Result<Option<String>, StoreError> {
    let Some((count, latest, participated)) = events::thread(tx, event.nid, viewer.user)? else {
        return Ok(None);
    };
    let latest = cache.get(tx, latest)?;
    let edited = replacement(tx, cache, &latest, viewer)?;
    let edited = edited.and_then(|edit| RawValue::from_string(format!("{{\"m.replace\":{edit}}}")).ok());
    let participated = participated || event.sender == viewer.user;
    let mut out =
        format!("{{\"count\":{count},\"current_user_participated\":{participated},\"latest_event\":");
    let extras = Extras { membership: None, relations: edited.as_deref() };
    cache.write(tx, &latest, viewer, extras, true, &mut out)?;
    out.push('}');
    Ok(Some(out))
}

fn references(tx: &impl Reader, target: EventNid) -> Result<String, StoreError> {
    let wanted = events::Relations {
        target,
        depth: 1,
        rel_type: Some("m.reference"),
        kind: None,
        from: (0, 0),
        backwards: false,
    };
    let points = events::relations(tx, &wanted, MAX_REFERENCES)?;
    let ids = points.iter().map(|point| {
        events::event_id(tx, point.nid).map(|event_id| json!({ "event_id": event_id.as_str() }))
    });
    Ok(json!({ "chunk": ids.collect::<Result<Vec<_>, _>>()? }).to_string())
}
