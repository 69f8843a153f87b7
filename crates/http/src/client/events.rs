//! `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`.
//! Specification: Client-Server API, "Getting events for a room".

use axum::{Router, extract::State, routing::get};

use super::rooms::{EventPath, caller};
use crate::{AppState, Authenticated, MatrixError, Path, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/event/{eventId}", get(event))
}

async fn event(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event)): Path<EventPath>,
) -> Result<RawJson, MatrixError> {
    Ok(RawJson(state.engine.rooms.event(caller(&auth), &room, &event)?.into()))
}
