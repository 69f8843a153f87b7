//! `GET|PUT /_matrix/client/v3/presence/{userId}/status`. Specification: Client-Server API, "Presence".
//!
//! Presence is off on this server: who is on duty is what the directory of roles says, and when somebody last moved
//! their mouse is nobody's business. What a client sets is accepted and forgotten, and everybody looks offline.

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{members, users};

use super::account_data::must_be_own;
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/presence/{userId}/status", get(status).put(set_status))
}

/// The states that the specification knows.
pub(super) fn is_state(presence: &str) -> bool {
    matches!(presence, "online" | "offline" | "unavailable")
}

async fn status(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Value>, MatrixError> {
    let may = auth.user_id == user
        || state.store.read_now(|tx| match users::find(tx, &user)? {
            Some(user) => members::share_room(tx, auth.user_nid, user),
            None => Ok(false),
        })?;
    if !may {
        return Err(MatrixError::forbidden("you share no room with this user"));
    }
    Ok(Json(json!({ "presence": "offline" })))
}

#[derive(Deserialize)]
struct StatusRequest {
    presence: String,
    #[serde(rename = "status_msg")]
    _message: Option<String>,
}

async fn set_status(
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<StatusRequest>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    if !is_state(&body.presence) {
        return Err(MatrixError::invalid_param("presence: must be online, offline or unavailable"));
    }
    Ok(Empty)
}
