//! `GET /_matrix/client/v1/mutual_rooms` and its path before it was stable.
//! Specification: Client-Server API, "Mutual rooms".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
use wardline_store::users;

use crate::{AppState, Authenticated, Json, MatrixError, Query};

/// Rooms on one page.
const PAGE: usize = 1000;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v1/mutual_rooms", get(mutual_rooms))
        .route("/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms", get(mutual_rooms))
}

#[derive(Deserialize)]
struct MutualRequest {
    user_id: Option<OwnedUserId>,
    from: Option<String>,
}

async fn mutual_rooms(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<MutualRequest>,
) -> Result<Json<Value>, MatrixError> {
    let user = query.user_id.ok_or_else(|| MatrixError::missing_param("user_id: is required"))?;
    if auth.user_id == user {
        return Err(MatrixError::invalid_param("user_id: must be somebody else"));
    }
    let start: usize = match query.from.as_deref() {
        None | Some("") => 0,
        Some(from) => {
            from.parse().map_err(|_| MatrixError::invalid_param("from: not a token of this server"))?
        }
    };
    let rooms: Vec<OwnedRoomId> = match state.store.read_now(|tx| users::find(tx, &user))? {
        Some(other) => state.engine.rooms.mutual(auth.user_nid, other)?,
        None => Vec::new(),
    };
    let end = start.saturating_add(PAGE).min(rooms.len());
    let mut body = json!({
        "joined": rooms.iter().skip(start).take(PAGE).collect::<Vec<_>>(),
        "count": rooms.len(),
    });
    if end < rooms.len() {
        body["next_batch"] = json!(end.to_string());
    }
    Ok(Json(body))
}
