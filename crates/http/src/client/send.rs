//! `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`.
//! Specification: Client-Server API, "Sending events to a room".

use axum::{Router, extract::State, routing::put};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId};
use wardline_engine::delayed::NewDelayed;
use wardline_engine::rooms::Message;

use super::account_holds::check_redaction;
use super::delayed_events::{self, Delay};
use super::rooms::caller;
use crate::app_service::massaged;
use crate::{AppState, Authenticated, Json, MatrixError, Path, Query};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}", put(send))
}

/// What a redaction that is sent as an ordinary event takes back.
#[derive(Deserialize)]
struct Redaction {
    redacts: OwnedEventId,
}

async fn send(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind, txn)): Path<(OwnedRoomId, String, String)>,
    Query(delay): Query<Delay>,
    Json(content): Json<Box<RawValue>>,
) -> Result<Json<Value>, MatrixError> {
    if kind == "m.room.redaction"
        && let Ok(Redaction { redacts }) = serde_json::from_str(content.get())
    {
        check_redaction(&state, &auth, &redacts)?;
    }
    if let Some(delay_ms) = delay.ms {
        let (state_key, txn) = (None, Some(&*txn));
        let event = NewDelayed { room: &room, kind: &kind, state_key, content: &content, delay_ms, txn };
        return delayed_events::add(&state, &auth, event).await;
    }
    let message = Message { room: &room, kind: &kind, content, txn: Some(&txn), also: None };
    let event_id = state.engine.rooms.send_at(caller(&auth), message, massaged(&auth, delay.ts)).await?;
    Ok(Json(json!({ "event_id": event_id })))
}
