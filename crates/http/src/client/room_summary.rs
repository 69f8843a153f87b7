//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}` and its path before it was stable.
//! Specification: Client-Server API, "Room summary".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::rooms::room_by_name;
use crate::{Anybody, AppState, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v1/room_summary/{roomIdOrAlias}", get(summary))
        .route("/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}", get(summary))
        .route("/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary", get(summary))
}

/// Who has no account may know of rooms that everybody may join, knock at or read.
async fn summary(
    State(state): State<AppState>,
    Anybody(auth): Anybody,
    Path(name): Path<String>,
) -> Result<Json<Value>, MatrixError> {
    let room = room_by_name(&state, &name).await?;
    let user = auth.as_ref().map(|auth| auth.user_nid);
    let (summary, membership) = state.engine.rooms.summary(user, &room)?;
    let mut body = serde_json::to_value(summary).map_err(|error| MatrixError::internal(&error))?;
    if auth.is_some() {
        body["membership"] = json!(membership.as_str());
    }
    Ok(Json(body))
}
