//! `GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`.
//! Specification: Client-Server API, "Event Context".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;

use super::rooms::{EventPath, caller, filter};
use crate::{AppState, Authenticated, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/context/{eventId}", get(context))
}

#[derive(Deserialize)]
struct ContextRequest {
    limit: Option<usize>,
    filter: Option<String>,
}

async fn context(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event)): Path<EventPath>,
    Query(query): Query<ContextRequest>,
) -> Result<RawJson, MatrixError> {
    let filter = filter(query.filter.as_deref())?;
    let found = state.engine.rooms.context(caller(&auth), &room, &event, query.limit, filter).await?;
    let body = format!(
        "{{\"event\":{},\"events_before\":{},\"events_after\":{},\"state\":{},\"start\":\"{}\",\"end\":\"{}\"}}",
        found.event, found.before, found.after, found.state, found.start, found.end
    );
    Ok(RawJson(body.into()))
}
