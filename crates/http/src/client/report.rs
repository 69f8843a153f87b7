//! `POST /_matrix/client/v3/rooms/{roomId}/report`, `…/report/{eventId}` and `…/users/{userId}/report`.
//! Specification: Client-Server API, "Reporting Content".

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::users;

use super::rooms::{EventPath, caller};
use crate::{AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/rooms/{roomId}/report", post(room))
        .route("/_matrix/client/v3/rooms/{roomId}/report/{eventId}", post(event))
        .route("/_matrix/client/v3/users/{userId}/report", post(user))
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

#[derive(Deserialize)]
struct EventReport {
    reason: Option<String>,
    score: Option<i64>,
}

async fn room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<Reason>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.report_room(caller(&auth), &room, Some(body.reason)).await?;
    Ok(Empty)
}

async fn event(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event)): Path<EventPath>,
    OptionalJson(body): OptionalJson<EventReport>,
) -> Result<Empty, MatrixError> {
    let rooms = &state.engine.rooms;
    rooms.report_event(caller(&auth), &room, &event, body.reason, body.score).await?;
    Ok(Empty)
}

async fn user(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<Reason>,
) -> Result<Empty, MatrixError> {
    let nid = state.store.read_now(|tx| users::find(tx, &user))?;
    let nid = nid.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    state.engine.rooms.report_user(caller(&auth), nid, &user, Some(body.reason)).await?;
    Ok(Empty)
}
