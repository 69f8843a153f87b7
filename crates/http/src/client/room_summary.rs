//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}` and its path before it was stable.
//! Specification: Client-Server API, "Room summary".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::rooms::{caller, room_by_name};
use crate::{AppState, Authenticated, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v1/room_summary/{roomIdOrAlias}", get(summary))
        .route("/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}", get(summary))
        .route("/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary", get(summary))
}

/// Like the directory of aliases this asks for a token: which rooms there are is nobody else's business.
async fn summary(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(name): Path<String>,
) -> Result<Json<Value>, MatrixError> {
    let room = room_by_name(&state, &name).await?;
    let (summary, membership) = state.engine.rooms.summary(caller(&auth), &room)?;
    let mut body = serde_json::to_value(summary).map_err(|error| MatrixError::internal(&error))?;
    body["membership"] = json!(membership.as_str());
    Ok(Json(body))
}
