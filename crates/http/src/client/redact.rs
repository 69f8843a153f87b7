//! `PUT /_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}`.
//! Specification: Client-Server API, "Redactions".

use axum::{Router, extract::State, routing::put};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};

use super::account_holds::check_redaction;
use super::rooms::caller;
use crate::{AppState, Authenticated, Json, MatrixError, OptionalJson, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}", put(redact))
}

#[derive(Default, Deserialize)]
struct RedactRequest {
    reason: Option<String>,
}

async fn redact(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, event, txn)): Path<(OwnedRoomId, OwnedEventId, String)>,
    OptionalJson(body): OptionalJson<RedactRequest>,
) -> Result<Json<Value>, MatrixError> {
    check_redaction(&state, &auth, &event)?;
    let reason = body.reason.as_deref();
    let event_id = state.engine.rooms.redact(caller(&auth), &room, &event, reason, Some(&txn)).await?;
    Ok(Json(json!({ "event_id": event_id })))
}
