//! `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}` and below.
//! Specification: Client-Server API, "Forming relationships between events".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use wardline_domain::ruma::{EventId, OwnedEventId, OwnedRoomId, RoomId};
use wardline_engine::rooms::{Direction, RelationsQuery};

use super::rooms::{EventPath, caller, direction, token};
use crate::{AppState, Authenticated, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}";
    Router::new()
        .route(base, get(all))
        .route(&format!("{base}/{{relType}}"), get(of_rel_type))
        .route(&format!("{base}/{{relType}}/{{eventType}}"), get(of_rel_and_event_type))
}

#[derive(Deserialize)]
struct RelationsRequest {
    dir: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    recurse: bool,
}

async fn all(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event)): Path<EventPath>,
    Query(query): Query<RelationsRequest>,
) -> Result<RawJson, MatrixError> {
    list(&state, &auth, &room, &event, (None, None), query).await
}

async fn of_rel_type(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event, rel_type)): Path<(OwnedRoomId, OwnedEventId, String)>,
    Query(query): Query<RelationsRequest>,
) -> Result<RawJson, MatrixError> {
    list(&state, &auth, &room, &event, (Some(rel_type), None), query).await
}

async fn of_rel_and_event_type(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event, rel_type, kind)): Path<(OwnedRoomId, OwnedEventId, String, String)>,
    Query(query): Query<RelationsRequest>,
) -> Result<RawJson, MatrixError> {
    list(&state, &auth, &room, &event, (Some(rel_type), Some(kind)), query).await
}

async fn list(
    state: &AppState,
    auth: &Authenticated,
    room: &RoomId,
    event: &EventId,
    (rel_type, kind): (Option<String>, Option<String>),
    query: RelationsRequest,
) -> Result<RawJson, MatrixError> {
    let wanted = RelationsQuery {
        rel_type,
        kind,
        direction: direction(query.dir.as_deref(), Direction::Backwards)?,
        from: token("from", query.from.as_deref())?,
        to: token("to", query.to.as_deref())?,
        limit: query.limit,
        recurse: query.recurse,
    };
    let page = state.engine.rooms.relations(caller(auth), room, event, wanted).await?;
    let mut body = format!("{{\"chunk\":{}", page.chunk);
    if let Some(end) = page.end {
        body.push_str(&format!(",\"next_batch\":\"{end}\""));
    }
    if let Some(from) = query.from {
        body.push_str(",\"prev_batch\":");
        body.push_str(&serde_json::Value::from(from).to_string());
    }
    if query.recurse {
        body.push_str(",\"recursion_depth\":3");
    }
    body.push('}');
    Ok(RawJson(body.into()))
}
