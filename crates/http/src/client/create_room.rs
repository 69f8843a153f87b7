//! `POST /_matrix/client/v3/createRoom`. Specification: Client-Server API, "Creation".

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedUserId;
use wardline_engine::EngineError;
use wardline_engine::rooms::{Also, CreateRoom, InitialState, Preset};
use wardline_store::published;

use super::directory::may_publish;
use super::rooms::{caller, known_user};
use crate::{AppState, Authenticated, Json, MatrixError, app_service};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/createRoom", post(create_room))
}

#[derive(Deserialize)]
struct CreateRoomRequest {
    #[serde(default)]
    creation_content: Map<String, Value>,
    #[serde(default)]
    initial_state: Vec<StateEvent>,
    #[serde(default)]
    invite: Vec<OwnedUserId>,
    #[serde(default)]
    invite_3pid: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    is_direct: bool,
    name: Option<String>,
    #[serde(default)]
    power_level_content_override: Map<String, Value>,
    preset: Option<String>,
    room_alias_name: Option<String>,
    room_version: Option<String>,
    topic: Option<String>,
    visibility: Option<String>,
}

#[derive(Deserialize)]
struct StateEvent {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    state_key: String,
    content: Box<RawValue>,
}

async fn create_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<CreateRoomRequest>,
) -> Result<Json<Value>, MatrixError> {
    if !body.invite_3pid.is_empty() {
        return Err(MatrixError::invalid_param("invite_3pid: people are invited by their user id here"));
    }
    let public = match body.visibility.as_deref() {
        Some("public") => true,
        None | Some("private") => false,
        Some(_) => return Err(MatrixError::invalid_param("visibility: must be public or private")),
    };
    if public {
        may_publish(&state, &auth)?;
    }
    let preset = match body.preset.as_deref() {
        None if public => Preset::PublicChat,
        None => Preset::PrivateChat,
        Some(name) => {
            Preset::parse(name).ok_or_else(|| MatrixError::invalid_param("preset: not a known preset"))?
        }
    };
    if let Some(name) = &body.room_alias_name {
        app_service::check_alias(&state, &auth, &format!("#{name}:{}", state.config.server_name))?;
    }
    for user in &body.invite {
        known_user(&state, user).await?;
    }
    let request = CreateRoom {
        preset,
        room_version: body.room_version,
        creation_content: body.creation_content,
        initial_state: body
            .initial_state
            .into_iter()
            .map(|event| InitialState {
                kind: event.kind,
                state_key: event.state_key,
                content: event.content,
            })
            .collect(),
        invite: body.invite,
        is_direct: body.is_direct,
        name: body.name,
        topic: body.topic,
        alias: body.room_alias_name,
        power_levels: body.power_level_content_override,
        encrypted: false,
        also: public.then(|| -> Also { Box::new(|tx, room| Ok(published::set(tx, room, true)?)) }),
    };
    let room = state.engine.rooms.create(caller(&auth), request).await.map_err(|error| match error {
        // Here, unlike in the directory, a taken alias is a bad request.
        EngineError::AliasTaken => {
            MatrixError::new(http::StatusCode::BAD_REQUEST, "M_ROOM_IN_USE", error.to_string())
        }
        other => other.into(),
    })?;
    Ok(Json(json!({ "room_id": room })))
}
