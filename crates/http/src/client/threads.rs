//! `GET /_matrix/client/v1/rooms/{roomId}/threads` and `GET …/timestamp_to_event`.
//! Specification: Client-Server API, "Threading" and "Getting events for a room".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::Timestamp;
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::rooms::{Direction, ThreadsQuery};

use super::rooms::{caller, direction};
use crate::{AppState, Authenticated, Json, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v1/rooms/{roomId}/threads", get(threads))
        .route("/_matrix/client/v1/rooms/{roomId}/timestamp_to_event", get(timestamp_to_event))
}

#[derive(Deserialize)]
struct ThreadsRequest {
    include: Option<String>,
    limit: Option<usize>,
    from: Option<String>,
}

async fn threads(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Query(query): Query<ThreadsRequest>,
) -> Result<RawJson, MatrixError> {
    let participated = match query.include.as_deref() {
        None | Some("all") => false,
        Some("participated") => true,
        Some(_) => return Err(MatrixError::invalid_param("include: must be all or participated")),
    };
    let before = query.from.filter(|from| !from.is_empty()).map(|from| {
        let pos = from.strip_prefix('p').and_then(|pos| pos.parse().ok());
        pos.ok_or_else(|| MatrixError::invalid_param("from: not a token of this server"))
    });
    let query = ThreadsQuery { participated, before: before.transpose()?, limit: query.limit };
    let page = state.engine.rooms.threads(caller(&auth), &room, query).await?;
    let mut body = format!("{{\"chunk\":{}", page.chunk);
    if let Some(next) = page.next {
        body.push_str(&format!(",\"next_batch\":\"p{next}\""));
    }
    body.push('}');
    Ok(RawJson(body.into()))
}

#[derive(Deserialize)]
struct TimestampRequest {
    ts: Option<i64>,
    dir: Option<String>,
}

async fn timestamp_to_event(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Query(query): Query<TimestampRequest>,
) -> Result<Json<Value>, MatrixError> {
    let at = query.ts.ok_or_else(|| MatrixError::missing_param("ts: is required"))?;
    if query.dir.is_none() {
        return Err(MatrixError::missing_param("dir: is required"));
    }
    let direction = direction(query.dir.as_deref(), Direction::Forwards)?;
    let (event, at) = state.engine.rooms.event_at(caller(&auth), &room, Timestamp(at), direction).await?;
    Ok(Json(json!({ "event_id": event, "origin_server_ts": at.as_millis() })))
}
