//! Joining, inviting and removing. Specification: Client-Server API, "Room membership".

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use wardline_store::members::Membership;
use wardline_store::{StoreError, administration, members, rooms};

use super::rooms::{caller, known_user, room_by_name};
use crate::{AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/join/{roomIdOrAlias}", post(join_by_name))
        .route("/_matrix/client/v3/knock/{roomIdOrAlias}", post(knock))
        .route("/_matrix/client/v3/rooms/{roomId}/join", post(join))
        .route("/_matrix/client/v3/rooms/{roomId}/invite", post(invite))
        .route("/_matrix/client/v3/rooms/{roomId}/leave", post(leave))
        .route("/_matrix/client/v3/rooms/{roomId}/forget", post(forget))
        .route("/_matrix/client/v3/rooms/{roomId}/kick", post(kick))
        .route("/_matrix/client/v3/rooms/{roomId}/ban", post(ban))
        .route("/_matrix/client/v3/rooms/{roomId}/unban", post(unban))
}

#[derive(Default, Deserialize)]
struct Reason {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    user_id: OwnedUserId,
    reason: Option<String>,
}

/// What a join's body puts into its event: everything, as other servers do it.
fn joining(body: Map<String, Value>) -> Result<Map<String, Value>, MatrixError> {
    match body.get("reason") {
        None | Some(Value::String(_)) => Ok(body),
        Some(_) => Err(MatrixError::bad_json("reason: expected a string")),
    }
}

async fn join_by_name(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(name): Path<String>,
    OptionalJson(body): OptionalJson<Map<String, Value>>,
) -> Result<Json<Value>, MatrixError> {
    let room = room_by_name(&state, &name).await?;
    state.engine.rooms.join_with(caller(&auth), &room, joining(body)?).await?;
    Ok(Json(json!({ "room_id": room })))
}

async fn join(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    OptionalJson(body): OptionalJson<Map<String, Value>>,
) -> Result<Json<Value>, MatrixError> {
    state.engine.rooms.join_with(caller(&auth), &room, joining(body)?).await?;
    Ok(Json(json!({ "room_id": room })))
}

async fn knock(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(name): Path<String>,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Json<Value>, MatrixError> {
    let room = room_by_name(&state, &name).await?;
    state.engine.rooms.knock(caller(&auth), &room, body.reason.as_deref()).await?;
    Ok(Json(json!({ "room_id": room })))
}

async fn invite(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<Target>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.require_joined(caller(&auth), &room)?;
    known_user(&state, &body.user_id).await?;
    state.engine.rooms.invite(caller(&auth), &room, &body.user_id, body.reason.as_deref()).await?;
    Ok(Empty)
}

/// Whether the room is that of the user's server notices, and they are invited to it ("Server Notices").
fn is_invited_to_notices(state: &AppState, auth: &Authenticated, room: &RoomId) -> Result<bool, MatrixError> {
    let user = auth.user_nid;
    Ok(state.store.read_now(|tx| -> Result<bool, StoreError> {
        if administration::notice_room(tx, user)?.is_none_or(|notices| notices != room) {
            return Ok(false);
        }
        let Some(room) = rooms::find(tx, room)? else { return Ok(false) };
        Ok(members::get(tx, room, user)?.is_some_and(|member| member.membership == Membership::Invite))
    })?)
}

async fn leave(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Empty, MatrixError> {
    if is_invited_to_notices(&state, &auth, &room)? {
        let text = "the room of the server's notices cannot be refused";
        return Err(MatrixError::new(http::StatusCode::FORBIDDEN, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", text));
    }
    state.engine.rooms.leave(caller(&auth), &room, body.reason.as_deref()).await?;
    Ok(Empty)
}

async fn forget(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.forget(caller(&auth), &room).await.map_err(|error| match error {
        wardline_engine::EngineError::Invalid { .. } => {
            MatrixError::new(http::StatusCode::BAD_REQUEST, "M_UNKNOWN", error.to_string())
        }
        other => other.into(),
    })?;
    Ok(Empty)
}

async fn kick(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<Target>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.kick(caller(&auth), &room, &body.user_id, body.reason.as_deref()).await?;
    Ok(Empty)
}

async fn ban(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<Target>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.ban(caller(&auth), &room, &body.user_id, body.reason.as_deref()).await?;
    Ok(Empty)
}

async fn unban(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<Target>,
) -> Result<Empty, MatrixError> {
    state.engine.rooms.unban(caller(&auth), &room, &body.user_id, body.reason.as_deref()).await?;
    Ok(Empty)
}
