//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`.
//! Specification: Client-Server API, "Typing Notifications".

use axum::{Router, extract::State, routing::put};
use serde::Deserialize;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};

use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/rooms/{roomId}/typing/{userId}", put(typing))
}

/// How long somebody types if the client does not say, in milliseconds.
const USUAL_MS: i64 = 30_000;

#[derive(Deserialize)]
struct TypingRequest {
    typing: bool,
    timeout: Option<i64>,
}

async fn typing(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, user)): Path<(OwnedRoomId, OwnedUserId)>,
    Json(body): Json<TypingRequest>,
) -> Result<Empty, MatrixError> {
    if user != auth.user_id {
        return Err(MatrixError::forbidden("userId: only one's own typing can be told"));
    }
    let engine = &state.engine;
    let nid = engine.rooms.nid(&room)?;
    if !engine.hub.is_joined(nid, auth.user_nid) {
        return Err(MatrixError::forbidden("you are not joined to the room"));
    }
    if body.typing {
        engine.typing.start(nid, &user, body.timeout.unwrap_or(USUAL_MS));
    } else {
        engine.typing.stop(nid, &user);
    }
    Ok(Empty)
}
