//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags` and `PUT|DELETE …/tags/{tag}`.
//! Specification: Client-Server API, "Room Tagging".

use axum::{
    Router,
    extract::State,
    routing::{get, put},
};
use serde_json::{Map, Value, json};
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};

use super::account_data::must_be_own;
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags", get(all))
        .route("/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}", put(set).delete(remove))
}

async fn all(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, room)): Path<(OwnedUserId, OwnedRoomId)>,
) -> Result<Json<Value>, MatrixError> {
    must_be_own(&auth, &user)?;
    Ok(Json(json!({ "tags": state.engine.account_data.tags(auth.user_nid, &room)? })))
}

async fn set(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, room, tag)): Path<(OwnedUserId, OwnedRoomId, String)>,
    Json(info): Json<Map<String, Value>>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    if info.get("order").is_some_and(|order| !order.is_number()) {
        return Err(MatrixError::bad_json("order: expected a number"));
    }
    state.engine.account_data.set_tag(auth.user_nid, &room, &tag, Some(info)).await?;
    Ok(Empty)
}

async fn remove(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, room, tag)): Path<(OwnedUserId, OwnedRoomId, String)>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    state.engine.account_data.set_tag(auth.user_nid, &room, &tag, None).await?;
    Ok(Empty)
}
