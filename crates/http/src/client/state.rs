//! `/_matrix/client/v3/rooms/{roomId}/state` and below.
//! Specification: Client-Server API, "Getting events for a room" and "Sending events to a room".

use axum::response::{IntoResponse, Response};
use axum::{Router, extract::State, routing::get};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use wardline_engine::delayed::NewDelayed;

use super::delayed_events::{self, Delay};
use super::rooms::{caller, known_user, write_events};
use crate::app_service::massaged;
use crate::{AppState, Authenticated, Json, MatrixError, Path, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/rooms/{roomId}/state", get(all))
        .route("/_matrix/client/v3/rooms/{roomId}/state/{eventType}", get(get_keyless).put(put_keyless))
        .route("/_matrix/client/v3/rooms/{roomId}/state/{eventType}/", get(get_keyless).put(put_keyless))
        .route("/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}", get(get_one).put(put_one))
}

#[derive(Deserialize)]
struct Format {
    format: Option<String>,
}

async fn all(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
) -> Result<RawJson, MatrixError> {
    let events = state.engine.rooms.state_at_now(caller(&auth), &room).await?;
    Ok(RawJson(write_events(&state, &auth, events.iter().map(|event| &**event))?.into()))
}

async fn get_one(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind, key)): Path<(OwnedRoomId, String, String)>,
    Query(query): Query<Format>,
) -> Result<Response, MatrixError> {
    read(&state, &auth, &room, &kind, &key, &query)
}

async fn get_keyless(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind)): Path<(OwnedRoomId, String)>,
    Query(query): Query<Format>,
) -> Result<Response, MatrixError> {
    read(&state, &auth, &room, &kind, "", &query)
}

fn read(
    state: &AppState,
    auth: &Authenticated,
    room: &RoomId,
    kind: &str,
    key: &str,
    query: &Format,
) -> Result<Response, MatrixError> {
    let event = state.engine.rooms.state_event(caller(auth), room, kind, key)?;
    match query.format.as_deref() {
        None | Some("content") => {
            Ok(RawJson(Bytes::copy_from_slice(event.pdu.content().as_bytes())).into_response())
        }
        Some("event") => {
            let array = write_events(state, auth, [&*event])?;
            let one = array.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or("{}");
            Ok(RawJson(Bytes::copy_from_slice(one.as_bytes())).into_response())
        }
        Some(_) => Err(MatrixError::invalid_param("format: must be content or event")),
    }
}

async fn put_one(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind, key)): Path<(OwnedRoomId, String, String)>,
    Query(delay): Query<Delay>,
    Json(content): Json<Box<RawValue>>,
) -> Result<Json<Value>, MatrixError> {
    write(&state, &auth, (&room, &kind, &key), delay, content).await
}

async fn put_keyless(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, kind)): Path<(OwnedRoomId, String)>,
    Query(delay): Query<Delay>,
    Json(content): Json<Box<RawValue>>,
) -> Result<Json<Value>, MatrixError> {
    write(&state, &auth, (&room, &kind, ""), delay, content).await
}

#[derive(Deserialize)]
struct Invitation {
    membership: String,
}

async fn write(
    state: &AppState,
    auth: &Authenticated,
    (room, kind, key): (&RoomId, &str, &str),
    delay: Delay,
    content: Box<RawValue>,
) -> Result<Json<Value>, MatrixError> {
    if let Some(delay_ms) = delay.ms {
        let event = NewDelayed { room, kind, state_key: Some(key), content: &content, delay_ms, txn: None };
        return delayed_events::add(state, auth, event).await;
    }
    if kind == "m.room.member"
        && let Ok(Invitation { membership }) = serde_json::from_str(content.get())
        && membership == "invite"
        && let Ok(user) = OwnedUserId::try_from(key)
    {
        known_user(state, &user).await?;
    }
    let (rooms, at) = (&state.engine.rooms, massaged(auth, delay.ts));
    let event_id = rooms.send_state_at(caller(auth), room, (kind, key), content, at).await?;
    Ok(Json(json!({ "event_id": event_id })))
}
