//! `POST /_matrix/client/v3/search`. Specification: Client-Server API, "Search".

use std::collections::BTreeMap;

use axum::{Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedEventId;
use wardline_engine::filters::RoomEventFilter;
use wardline_engine::rooms::{EventContext, Hit, SearchQuery};

use super::rooms::{caller, write_events};
use crate::{AppState, Authenticated, Json, MatrixError, Query};

/// Neighbours of a result on each side if the client does not say.
const DEFAULT_NEIGHBOURS: usize = 5;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/search", post(search))
}

#[derive(Deserialize)]
struct SearchRequest {
    search_categories: Categories,
}

#[derive(Deserialize)]
struct Categories {
    room_events: Option<RoomEvents>,
}

#[derive(Deserialize)]
struct RoomEvents {
    search_term: String,
    keys: Option<Vec<String>>,
    #[serde(default)]
    filter: RoomEventFilter,
    order_by: Option<String>,
    event_context: Option<Neighbours>,
    #[serde(default)]
    include_state: bool,
    #[serde(default)]
    groupings: Groupings,
}

#[derive(Deserialize)]
struct Neighbours {
    before_limit: Option<usize>,
    after_limit: Option<usize>,
    #[serde(default)]
    include_profile: bool,
}

#[derive(Default, Deserialize)]
struct Groupings {
    #[serde(default)]
    group_by: Vec<Grouping>,
}

#[derive(Deserialize)]
struct Grouping {
    key: String,
}

#[derive(Deserialize)]
struct NextBatch {
    next_batch: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    search_categories: AnswerCategories,
}

#[derive(Serialize)]
struct AnswerCategories {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_events: Option<Results>,
}

#[derive(Serialize)]
struct Results {
    count: usize,
    highlights: Vec<String>,
    results: Vec<FoundEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<BTreeMap<String, Box<RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

#[derive(Serialize)]
struct FoundEvent {
    rank: f64,
    result: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<FoundContext>,
}

#[derive(Serialize)]
struct FoundContext {
    start: String,
    end: String,
    events_before: Box<RawValue>,
    events_after: Box<RawValue>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    profile_info: BTreeMap<String, Map<String, Value>>,
}

async fn search(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(from): Query<NextBatch>,
    Json(body): Json<SearchRequest>,
) -> Result<Json<Answer>, MatrixError> {
    let Some(wanted) = body.search_categories.room_events else {
        return Ok(Json(Answer { search_categories: AnswerCategories { room_events: None } }));
    };
    let newest_first = match wanted.order_by.as_deref() {
        None | Some("rank") => false,
        Some("recent") => true,
        Some(_) => return Err(invalid("order_by", "must be rank or recent")),
    };
    let query = query(&wanted, from.next_batch.as_deref())?;
    let mut page = state.engine.rooms.search(caller(&auth), query).await?;
    if !newest_first {
        page.hits.sort_by(|a, b| b.rank.total_cmp(&a.rank));
    }
    let state = match wanted.include_state {
        true => Some(states(&state, &auth, &page.hits).await?),
        false => None,
    };
    let results = Results {
        count: page.count,
        highlights: page.words,
        groups: groups(&wanted.groupings, &page.hits)?,
        results: page.hits.into_iter().map(found).collect::<Result<_, _>>()?,
        state,
        next_batch: page.next.map(|pos| format!("p{pos}_{}", page.count)),
    };
    Ok(Json(Answer { search_categories: AnswerCategories { room_events: Some(results) } }))
}

fn invalid(field: &str, reason: &str) -> MatrixError {
    MatrixError::invalid_param(format!("search_categories.room_events.{field}: {reason}"))
}

fn query(wanted: &RoomEvents, from: Option<&str>) -> Result<SearchQuery, MatrixError> {
    let mut keys = [wanted.keys.is_none(); 3];
    for key in wanted.keys.iter().flatten() {
        let names = ["content.body", "content.name", "content.topic"];
        let known = names.iter().position(|name| name == key);
        keys[known
            .ok_or_else(|| invalid("keys", "must be content.body, content.name or content.topic"))?] = true;
    }
    let before = from.filter(|from| !from.is_empty()).map(|from| {
        let parts = from.strip_prefix('p').and_then(|parts| parts.split_once('_'));
        let parsed = parts.and_then(|(pos, count)| Some((pos.parse().ok()?, count.parse().ok()?)));
        parsed.ok_or_else(|| MatrixError::invalid_param("next_batch: not a token of this server"))
    });
    let sizes = |context: &Neighbours| {
        let size = |limit: Option<usize>| limit.unwrap_or(DEFAULT_NEIGHBOURS);
        (size(context.before_limit), size(context.after_limit))
    };
    Ok(SearchQuery {
        term: wanted.search_term.clone(),
        keys,
        filter: wanted.filter.clone(),
        before: before.transpose()?,
        limit: wanted.filter.events.limit.and_then(|limit| usize::try_from(limit).ok()),
        neighbours: wanted.event_context.as_ref().map(sizes),
        profiles: wanted.event_context.as_ref().is_some_and(|context| context.include_profile),
    })
}

fn raw(json: String) -> Result<Box<RawValue>, MatrixError> {
    RawValue::from_string(json).map_err(|error| MatrixError::internal(&error))
}

fn found(hit: Hit) -> Result<FoundEvent, MatrixError> {
    let profile_info = hit.profiles;
    let context = |context: EventContext| -> Result<FoundContext, MatrixError> {
        Ok(FoundContext {
            start: context.start.to_string(),
            end: context.end.to_string(),
            events_before: raw(context.before)?,
            events_after: raw(context.after)?,
            profile_info,
        })
    };
    Ok(FoundEvent { rank: hit.rank, result: raw(hit.event)?, context: hit.context.map(context).transpose()? })
}

/// The present state of every room in which something was found.
async fn states(
    state: &AppState,
    auth: &Authenticated,
    hits: &[Hit],
) -> Result<BTreeMap<String, Box<RawValue>>, MatrixError> {
    let mut states = BTreeMap::new();
    for hit in hits {
        if !states.contains_key(hit.room.as_str()) {
            let events = state.engine.rooms.state_at_now(caller(auth), &hit.room).await?;
            let json = write_events(state, auth, events.iter().map(|event| &**event))?;
            states.insert(hit.room.to_string(), raw(json)?);
        }
    }
    Ok(states)
}

/// The results by room and by sender, as asked for, in the order of the first result of each.
fn groups(groupings: &Groupings, hits: &[Hit]) -> Result<Option<Map<String, Value>>, MatrixError> {
    let mut groups = Map::new();
    for grouping in &groupings.group_by {
        let name = |hit: &Hit| match grouping.key.as_str() {
            "room_id" => Ok(hit.room.to_string()),
            "sender" => Ok(hit.sender.to_string()),
            _ => Err(invalid("groupings.group_by", "key must be room_id or sender")),
        };
        let mut order: Vec<(String, Vec<&OwnedEventId>)> = Vec::new();
        for hit in hits {
            let name = name(hit)?;
            match order.iter_mut().find(|(known, _)| *known == name) {
                Some((_, events)) => events.push(&hit.event_id),
                None => order.push((name, vec![&hit.event_id])),
            }
        }
        let shown = order
            .into_iter()
            .enumerate()
            .map(|(at, (name, events))| (name, json!({ "order": at + 1, "results": events })));
        groups.insert(grouping.key.clone(), Value::Object(shown.collect()));
    }
    Ok(Some(groups).filter(|groups| !groups.is_empty()))
}
