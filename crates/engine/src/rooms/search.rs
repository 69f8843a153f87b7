//! Searching messages (Client-Server API, "Search"): what is said in the clear in rooms that are not encrypted.
//!
//! The texts are looked at one by one, newest first, so many at a time. There is no index of them: almost every room
//! here is encrypted, and those cannot be searched by the server at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use wardline_domain::pdu::Pdu;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use wardline_domain::visibility::Membership as Standing;
use wardline_store::members::{self, Membership};
use wardline_store::{EventNid, Pos, ReadTx, RoomNid, StoreError, history, rooms, state};

use super::messages::{Context as EventContext, around};
use super::read::Scribe;
use super::{Caller, Rooms};
use crate::events::Event;
use crate::filters::RoomEventFilter;
use crate::{Context, EngineError};

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;
/// Texts looked at for one page. The page ends there; its token goes on.
const MAX_SCANNED: usize = 20_000;
/// Texts that are looked at beyond the page, to say how many results there are.
const MAX_COUNTED: usize = 2_000;
/// The most neighbours of a result on each side.
const MAX_NEIGHBOURS: usize = 20;

/// Which texts to look for.
#[derive(Clone, Debug, Default)]
pub struct SearchQuery {
    /// Words that must all occur, in any letter case.
    pub term: String,
    /// Whether to look into messages (`content.body`), names of rooms and topics.
    pub keys: [bool; 3],
    /// In which rooms and by whom.
    pub filter: RoomEventFilter,
    /// Only events before this position, and how many results all pages have together.
    pub before: Option<(Pos, usize)>,
    /// The most results, 10 if not said, never more than 100.
    pub limit: Option<usize>,
    /// How many events before and after each result to show; `None`: no neighbours at all.
    pub neighbours: Option<(usize, usize)>,
    /// Whether to show the profiles of those who sent the result and its neighbours.
    pub profiles: bool,
}

/// A result.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The event.
    pub event_id: OwnedEventId,
    /// Its room.
    pub room: OwnedRoomId,
    /// Its sender.
    pub sender: OwnedUserId,
    /// How much of the text the words are, from 0 to 1.
    pub rank: f64,
    /// The event in client format.
    pub event: String,
    /// Its neighbours.
    pub context: Option<EventContext>,
    /// The profiles of the senders, as member events have them.
    pub profiles: BTreeMap<String, Map<String, Value>>,
}

/// A page of results, newest first.
#[derive(Clone, Debug)]
pub struct SearchPage {
    /// The results.
    pub hits: Vec<Hit>,
    /// The words that were looked for, for highlighting.
    pub words: Vec<String>,
    /// How many results all pages have together, about.
    pub count: usize,
    /// The `before` of the next page; the last page may be empty.
    pub next: Option<Pos>,
}

impl Rooms {
    /// Looks for words in the rooms that the caller is joined to.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a term without words.
    pub async fn search(&self, caller: Caller<'_>, query: SearchQuery) -> Result<SearchPage, EngineError> {
        let words: Vec<String> = query.term.to_lowercase().split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err(EngineError::invalid("search_categories.room_events.search_term", "has no words"));
        }
        let context = self.context.clone();
        let (user, user_id, device) =
            (caller.user, caller.user_id.to_owned(), caller.device.map(str::to_owned));
        self.context
            .store
            .read(move |tx| {
                let caller = Caller { user, user_id: &user_id, device: device.as_deref() };
                let (texts, floor) = candidates(tx, caller, &query)?;
                let mut search = Search { tx, context: &context, caller, query: &query, words: &words };
                search.page(texts, floor)
            })
            .await
    }
}

/// A text that may match: its position, event and room.
type Candidate = (Pos, EventNid, RoomNid);

/// The newest texts of all rooms in question, newest first, and the position down to which they are complete.
fn candidates(
    tx: &ReadTx<'_>,
    caller: Caller<'_>,
    query: &SearchQuery,
) -> Result<(Vec<Candidate>, Option<Pos>), StoreError> {
    let mut inside = Vec::new();
    for room in members::rooms_of(tx, caller.user, Membership::Join)? {
        let Some(row) = rooms::get(tx, room)? else { continue };
        if !row.encrypted && query.filter.allows_room(&row.room_id) {
            inside.push(room);
        }
    }
    let each = (MAX_SCANNED / inside.len().max(1)).max(20);
    let [body, name, topic] = query.keys;
    let kinds =
        [body.then_some("m.room.message"), name.then_some("m.room.name"), topic.then_some("m.room.topic")];
    let (mut found, mut floor) = (Vec::new(), None);
    for room in inside {
        let texts = history::texts(tx, room, kinds, query.before.map_or(Pos::MAX, |(pos, _)| pos), each)?;
        if texts.len() == each {
            floor = floor.max(texts.last().map(|(_, pos)| *pos));
        }
        found.extend(texts.into_iter().map(|(event, pos)| (pos, event, room)));
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.retain(|(pos, ..)| floor.is_none_or(|floor| *pos >= floor));
    Ok((found, floor))
}

/// An event that is looked for: its rank, the reader, and their membership at it.
struct Found<'a> {
    event: Arc<Event>,
    rank: f64,
    scribe: Scribe<'a>,
    membership: Standing,
}

struct Search<'a> {
    tx: &'a ReadTx<'a>,
    context: &'a Context,
    caller: Caller<'a>,
    query: &'a SearchQuery,
    words: &'a [String],
}

impl Search<'_> {
    fn page(&mut self, texts: Vec<Candidate>, floor: Option<Pos>) -> Result<SearchPage, EngineError> {
        let limit = self.query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let (mut hits, mut next) = (Vec::new(), floor);
        let mut texts = texts.into_iter();
        for (pos, event, room) in texts.by_ref() {
            hits.extend(self.hit(event, room)?);
            if hits.len() == limit {
                next = Some(pos);
                break;
            }
        }
        let count = match self.query.before {
            Some((_, count)) => count,
            None => {
                let mut more = 0;
                for (_, event, room) in texts.take(MAX_COUNTED) {
                    more += usize::from(self.seen(event, room)?.is_some());
                }
                hits.len() + more
            }
        };
        Ok(SearchPage { hits, words: self.words.to_vec(), count, next })
    }

    /// An event, if it is looked for and the caller may see it.
    fn seen(&self, event: EventNid, room: RoomNid) -> Result<Option<Found<'_>>, EngineError> {
        let event = self.context.events.get(self.tx, event)?;
        if !self.query.filter.allows(&event.pdu) {
            return Ok(None);
        }
        let Some(rank) = self.rank(&event.pdu) else { return Ok(None) };
        let mut scribe = Scribe::new(self.tx, self.context, room, self.caller)?;
        let Some(membership) = scribe.eyes.see(self.tx, &event)? else { return Ok(None) };
        Ok(Some(Found { event, rank, scribe, membership }))
    }

    fn hit(&self, event: EventNid, room: RoomNid) -> Result<Option<Hit>, EngineError> {
        let Some(Found { event, rank, mut scribe, membership }) = self.seen(event, room)? else {
            return Ok(None);
        };
        let mut text = String::new();
        scribe.write(self.tx, &event, membership, &mut text)?;
        let context = match self.query.neighbours {
            None => None,
            Some((before, after)) => {
                let sizes = (before.min(MAX_NEIGHBOURS), after.min(MAX_NEIGHBOURS));
                let filter = RoomEventFilter::default();
                Some(around(self.tx, &mut scribe, room, &event.pdu.event_id, sizes, &filter)?)
            }
        };
        let profiles = match &context {
            Some(context) if self.query.profiles => self.profiles(room, &event.pdu, context)?,
            _ => BTreeMap::new(),
        };
        Ok(Some(Hit {
            event_id: event.pdu.event_id.clone(),
            room: event.pdu.room_id.clone(),
            sender: event.pdu.sender.clone(),
            rank,
            event: text,
            context,
            profiles,
        }))
    }

    /// How much of the text the words are; `None` if one of them does not occur.
    fn rank(&self, event: &Pdu) -> Option<f64> {
        let content: Map<String, Value> = event.content_as().ok()?;
        let member = match event.kind.as_str() {
            "m.room.name" => "name",
            "m.room.topic" => "topic",
            _ => "body",
        };
        let text = content.get(member)?.as_str()?.to_lowercase();
        if !self.words.iter().all(|word| text.contains(word.as_str())) {
            return None;
        }
        let matched: u32 = self.words.iter().filter_map(|word| u32::try_from(word.len()).ok()).sum();
        Some((f64::from(matched) / f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX))).min(1.0))
    }

    fn profiles(
        &self,
        room: RoomNid,
        event: &Pdu,
        context: &EventContext,
    ) -> Result<BTreeMap<String, Map<String, Value>>, StoreError> {
        #[derive(Deserialize)]
        struct Sent {
            sender: String,
        }
        let sent = |json: &str| serde_json::from_str::<Vec<Sent>>(json).unwrap_or_default();
        let neighbours = sent(&context.before).into_iter().chain(sent(&context.after));
        let senders = neighbours.map(|sent| sent.sender).chain([event.sender.to_string()]);
        let mut profiles = BTreeMap::new();
        for sender in senders {
            if profiles.contains_key(&sender) {
                continue;
            }
            let Some(member) = state::current_event(self.tx, room, "m.room.member", &sender)? else {
                continue;
            };
            let member = self.context.events.get(self.tx, member)?;
            let mut content: Map<String, Value> = member.pdu.content_as().unwrap_or_default();
            content.retain(|key, _| key == "displayname" || key == "avatar_url");
            profiles.insert(sender, content);
        }
        Ok(profiles)
    }
}
