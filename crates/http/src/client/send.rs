//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`.
//! Specification: Client-Server API, "Sending events to a room".

use axum::{Router, extract::State, routing::put};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::rooms::Message;

use super::rooms::caller;
use crate::{AppState, Authenticated, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}", put(send))
}

async fn send(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind, txn)): Path<(OwnedRoomId, String, String)>,
    Json(content): Json<Box<RawValue>>,
) -> Result<Json<Value>, MatrixError> {
    let message = Message { room: &room, kind: &kind, content, txn: Some(&txn), also: None };
    let event_id = state.engine.rooms.send(caller(&auth), message).await?;
    Ok(Json(json!({ "event_id": event_id })))
}
