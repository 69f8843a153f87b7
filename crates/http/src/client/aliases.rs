//! `/_matrix/client/v3/directory/room/{roomAlias}` and `GET …/rooms/{roomId}/aliases`.
//! Specification: Client-Server API, "Room aliases".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedRoomId;

use super::rooms::{caller, resolve_alias};
use crate::{Anybody, AppState, Authenticated, Empty, Json, MatrixError, Path, app_service};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/directory/room/{roomAlias}", get(resolve).put(create).delete(delete))
        .route("/_matrix/client/v3/rooms/{roomId}/aliases", get(of_room))
}

async fn resolve(
    State(state): State<AppState>,
    _: Anybody,
    Path(alias): Path<String>,
) -> Result<Json<Value>, MatrixError> {
    let (room, servers) = resolve_alias(&state, &alias).await?;
    Ok(Json(json!({ "room_id": room, "servers": servers })))
}

#[derive(Deserialize)]
struct CreateRequest {
    room_id: OwnedRoomId,
}

async fn create(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(alias): Path<String>,
    Json(body): Json<CreateRequest>,
) -> Result<Empty, MatrixError> {
    app_service::check_alias(&state, &auth, &alias)?;
    state.engine.rooms.create_alias(caller(&auth), &alias, &body.room_id).await?;
    Ok(Empty)
}

async fn delete(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(alias): Path<String>,
) -> Result<Empty, MatrixError> {
    app_service::check_alias(&state, &auth, &alias)?;
    state.engine.rooms.delete_alias(caller(&auth), &alias).await?;
    Ok(Empty)
}

async fn of_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
) -> Result<Json<Value>, MatrixError> {
    let aliases = state.engine.rooms.aliases(caller(&auth), &room).await?;
    Ok(Json(json!({ "aliases": aliases })))
}
