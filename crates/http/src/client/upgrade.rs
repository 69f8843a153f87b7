//! `POST /_matrix/client/v3/rooms/{roomId}/upgrade`. Specification: Client-Server API, "Room Upgrades".

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};

use super::rooms::caller;
use crate::{AppState, Authenticated, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/upgrade", post(upgrade))
}

#[derive(Deserialize)]
struct UpgradeRequest {
    new_version: String,
    #[serde(default)]
    additional_creators: Vec<OwnedUserId>,
}

async fn upgrade(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<UpgradeRequest>,
) -> Result<Json<Value>, MatrixError> {
    let rooms = &state.engine.rooms;
    let new = rooms.upgrade(caller(&auth), &room, &body.new_version, body.additional_creators).await?;
    Ok(Json(json!({ "replacement_room": new })))
}
