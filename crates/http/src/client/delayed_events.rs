//! `/_matrix/client/unstable/org.matrix.msc4140/delayed_events…`: looking after events that are sent later. They are
//! made by the endpoints that send events, with `org.matrix.msc4140.delay`. Proposal: MSC4140.

use axum::{
    Router,
    extract::State,
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::EngineError;
use wardline_engine::delayed::{LONGEST_DELAY_MS, NewDelayed};
use wardline_store::delayed_events::DelayedEvent;

use super::rooms::caller;
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";
    Router::new()
        .route(base, get(list))
        .route(&format!("{base}/{{delayId}}"), get(one).post(update))
        .route(&format!("{base}/{{delayId}}/{{action}}"), post(act))
        .route(
            "/_matrix/client/unstable/org.matrix.msc4140/rooms/{roomId}/delayed_event/{eventType}/{txnId}",
            put(send),
        )
}

/// The query of endpoints that send events.
#[derive(Deserialize)]
pub(super) struct Delay {
    #[serde(rename = "org.matrix.msc4140.delay")]
    pub(super) ms: Option<i64>,
    /// The time of the event, for application services ("Timestamp massaging").
    pub(super) ts: Option<i64>,
}

/// What the endpoint for delayed events takes, which the proposal has instead of the query.
#[derive(Deserialize)]
struct SendRequest {
    /// Milliseconds.
    delay: i64,
    /// Only of state events.
    state_key: Option<String>,
    content: Box<RawValue>,
}

async fn send(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind, txn)): Path<(OwnedRoomId, String, String)>,
    Json(body): Json<SendRequest>,
) -> Result<Json<Value>, MatrixError> {
    if !body.content.get().starts_with('{') {
        return Err(MatrixError::bad_json("content: must be an object"));
    }
    let event = NewDelayed {
        room: &room,
        kind: &kind,
        state_key: body.state_key.as_deref(),
        content: &body.content,
        delay_ms: body.delay,
        txn: Some(&txn),
    };
    add(&state, &auth, event).await
}

/// Lets an event wait.
pub(super) async fn add(
    state: &AppState,
    auth: &Authenticated,
    event: NewDelayed<'_>,
) -> Result<Json<Value>, MatrixError> {
    if event.delay_ms > LONGEST_DELAY_MS {
        return Err(MatrixError::new(http::StatusCode::BAD_REQUEST, "M_UNKNOWN", "delay: too long")
            .with("org.matrix.msc4140.errcode", "M_MAX_DELAY_EXCEEDED")
            .with("org.matrix.msc4140.max_delay", LONGEST_DELAY_MS));
    }
    let id = state.engine.delayed.add(caller(auth), event).await?;
    Ok(Json(json!({ "delay_id": id })))
}

fn shown(event: DelayedEvent) -> Result<Value, MatrixError> {
    let content: Box<RawValue> =
        RawValue::from_string(event.content).map_err(|error| MatrixError::internal(&error))?;
    let mut shown = json!({
        "delay_id": event.id,
        "room_id": event.room,
        "type": event.kind,
        "delay": event.delay_ms,
        "running_since": event.due_at.as_millis() - event.delay_ms,
        "content": content,
    });
    if let Some(key) = event.state_key {
        shown["state_key"] = json!(key);
    }
    Ok(shown)
}

async fn list(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let waiting = state.engine.delayed.of_user(auth.user_nid)?;
    let waiting = waiting.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "delayed_events": waiting })))
}

async fn one(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(id): Path<String>,
) -> Result<Json<Value>, MatrixError> {
    let waiting = state.engine.delayed.of_user(auth.user_nid)?.into_iter().find(|event| event.id == id);
    let waiting = waiting.ok_or(EngineError::NotFound("delayed event"))?;
    Ok(Json(json!({ "delayed_event": shown(waiting)? })))
}

#[derive(Deserialize)]
struct UpdateRequest {
    action: String,
}

async fn update(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Json(body): Json<UpdateRequest>,
) -> Result<Empty, MatrixError> {
    act(State(state), Path((id, body.action))).await
}

/// Asks for no token, as the proposal has it: the id is a secret, and a service may hold it that has no account.
async fn act(
    State(state): State<AppState>,
    Path((id, action)): Path<(String, String)>,
) -> Result<Empty, MatrixError> {
    match action.as_str() {
        "restart" => state.engine.delayed.restart(&id).await?,
        "cancel" => state.engine.delayed.cancel(&id).await?,
        "send" => state.engine.delayed.send(&id).await?,
        _ => return Err(MatrixError::invalid_param("action: must be restart, cancel or send")),
    }
    Ok(Empty)
}
