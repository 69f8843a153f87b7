//! `GET /_matrix/client/v3/joined_rooms`. Specification: Client-Server API, "Room membership".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};
use wardline_domain::visibility::Membership;

use crate::{AppState, Authenticated, Json, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/joined_rooms", get(joined_rooms))
}

async fn joined_rooms(
    State(state): State<AppState>,
    auth: Authenticated,
) -> Result<Json<Value>, MatrixError> {
    let rooms = state.engine.rooms.rooms_of(auth.user_nid, Membership::Join)?;
    Ok(Json(json!({ "joined_rooms": rooms })))
}
