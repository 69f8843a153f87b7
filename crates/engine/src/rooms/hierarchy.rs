//! Spaces (Client-Server API, `GET /rooms/{roomId}/hierarchy`): the tree of rooms under a room.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::{OwnedRoomId, RoomId};
use wardline_store::{ReadTx, RoomNid, StoreError, rooms, state};

use super::summary::{Summary, text};
use super::{Caller, Rooms, read};
use crate::events::Event;
use crate::{Context, EngineError};

const CHILD: &str = "m.space.child";
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 100;
/// Rooms looked at for one page; a larger tree ends there.
const MAX_ROOMS: usize = 2000;

/// Which part of a tree of rooms to read.
#[derive(Clone, Debug, Default)]
pub struct HierarchyQuery {
    /// Where the page before ended.
    pub from: Option<HierarchyToken>,
    /// The most rooms, 50 if not said, never more than 100.
    pub limit: Option<usize>,
    /// How far to go down; `None`: to the leaves.
    pub max_depth: Option<u32>,
    /// Only children that their space suggests.
    pub suggested_only: bool,
}

/// Where a page of a tree ended, with the questions it answered: they must stay the same from page to page.
/// Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HierarchyToken {
    shown: usize,
    max_depth: Option<u32>,
    suggested_only: bool,
}

impl fmt::Display for HierarchyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = self.max_depth.map_or_else(String::new, |depth| depth.to_string());
        write!(f, "h{}_{depth}_{}", self.shown, u8::from(self.suggested_only))
    }
}

impl FromStr for HierarchyToken {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let parse = || {
            let mut parts = text.strip_prefix('h')?.split('_');
            let shown = parts.next()?.parse().ok()?;
            let depth = parts.next()?;
            let max_depth = if depth.is_empty() { None } else { Some(depth.parse().ok()?) };
            let suggested_only = parts.next()? == "1";
            parts.next().is_none().then_some(Self { shown, max_depth, suggested_only })
        };
        parse().ok_or_else(|| EngineError::invalid("from", "not a token of this server"))
    }
}

/// A room of a tree.
#[derive(Clone, Debug, Serialize)]
pub struct HierarchyRoom {
    /// What it says about itself.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its `m.space.child` events, stripped, in the order of its children.
    pub children_state: Vec<Value>,
}

/// A page of a tree, from the root down, children right after their parents.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// The rooms.
    pub rooms: Vec<HierarchyRoom>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<HierarchyToken>,
}

impl Rooms {
    /// The tree of rooms under a room, as far as the caller may know of them.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] if the caller may not know of the root, [`EngineError::Invalid`] for a token that
    /// belongs to other questions.
    pub async fn hierarchy(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        query: HierarchyQuery,
    ) -> Result<Hierarchy, EngineError> {
        let asked = (query.max_depth, query.suggested_only);
        if query.from.is_some_and(|from| (from.max_depth, from.suggested_only) != asked) {
            return Err(EngineError::invalid("from", "belongs to another max_depth or suggested_only"));
        }
        let (context, root, user) = (self.context.clone(), self.nid(room)?, caller.user);
        self.context
            .store
            .read(move |tx| {
                let mut walk = Walk { tx, context: &context, query: &query, waiting: vec![(root, 0)] };
                let skip = query.from.map_or(0, |from| from.shown);
                let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
                let (mut found, mut shown, mut seen) = (Vec::new(), 0, HashSet::new());
                while let Some((nid, depth)) = walk.waiting.pop() {
                    if !seen.insert(nid) || seen.len() > MAX_ROOMS {
                        continue;
                    }
                    let Some(summary) = Summary::of(tx, &context, nid)? else { continue };
                    if !summary.may_know(tx, nid, Some(user))? {
                        if nid == root {
                            return Err(read::outside());
                        }
                        continue;
                    }
                    if found.len() == limit {
                        let (max_depth, suggested_only) = asked;
                        let next = Some(HierarchyToken { shown, max_depth, suggested_only });
                        return Ok(Hierarchy { rooms: found, next });
                    }
                    let children_state = walk.descend(nid, depth, &summary)?;
                    shown += 1;
                    if shown > skip {
                        found.push(HierarchyRoom { summary, children_state });
                    }
                }
                Ok(Hierarchy { rooms: found, next: None })
            })
            .await
    }
}

struct Walk<'a> {
    tx: &'a ReadTx<'a>,
    context: &'a Context,
    query: &'a HierarchyQuery,
    /// Rooms to look at with their depth, the next one last.
    waiting: Vec<(RoomNid, u32)>,
}

impl Walk<'_> {
    /// The child events of a space; its children are looked at next.
    fn descend(&mut self, room: RoomNid, depth: u32, summary: &Summary) -> Result<Vec<Value>, StoreError> {
        if summary.room_type.as_deref() != Some("m.space") {
            return Ok(Vec::new());
        }
        let children = self.children(room)?;
        if self.query.max_depth.is_none_or(|most| depth < most) {
            for child in children.iter().rev() {
                if let Some(nid) = rooms::find(self.tx, &child.room)? {
                    self.waiting.push((nid, depth + 1));
                }
            }
        }
        Ok(children.iter().map(Child::stripped).collect())
    }

    fn children(&self, room: RoomNid) -> Result<Vec<Child>, StoreError> {
        let mut children = Vec::new();
        for nid in state::current_of_kind(self.tx, room, CHILD)? {
            children.extend(Child::of(self.context.events.get(self.tx, nid)?));
        }
        if self.query.suggested_only {
            children.retain(|child| child.content.get("suggested") == Some(&Value::Bool(true)));
        }
        children.sort_by_cached_key(Child::place);
        Ok(children)
    }
}

/// A child that is not taken back: its event says through which servers it is reached.
struct Child {
    room: OwnedRoomId,
    content: Map<String, Value>,
    event: Arc<Event>,
}

impl Child {
    fn of(event: Arc<Event>) -> Option<Self> {
        let room = OwnedRoomId::try_from(event.pdu.state_key.as_deref()?).ok()?;
        let content: Map<String, Value> = event.pdu.content_as().ok()?;
        content.get("via").and_then(Value::as_array).filter(|via| !via.is_empty())?;
        Some(Self { room, content, event })
    }

    /// Children with a valid `order` come first, in its order; then the older before the younger.
    fn place(&self) -> (bool, String, i64, OwnedRoomId) {
        let printable =
            |order: &String| order.len() <= 50 && order.bytes().all(|b| (0x20..=0x7e).contains(&b));
        let order = text(&self.content, "order").filter(printable);
        let at = self.event.pdu.origin_server_ts.as_millis();
        (order.is_none(), order.unwrap_or_default(), at, self.room.clone())
    }

    fn stripped(&self) -> Value {
        json!({
            "type": CHILD,
            "state_key": self.room,
            "content": self.content,
            "sender": self.event.pdu.sender,
            "origin_server_ts": self.event.pdu.origin_server_ts.as_millis(),
        })
    }
}
