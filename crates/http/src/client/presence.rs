//! `GET|PUT /_matrix/client/v3/presence/{userId}/status`. Specification: Client-Server API, "Presence".
//!
//! Presence is off unless configured: who is on duty is what the directory of roles says, and when somebody last moved
//! their mouse is nobody's business. While it is off, what a client sets is accepted and forgotten, and everybody looks
//! offline.

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use wardline_domain::ruma::OwnedUserId;
use wardline_engine::presence::{LONGEST_MESSAGE, State as Presence, Status};
use wardline_store::{members, users};

use super::account_data::must_be_own;
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/presence/{userId}/status", get(status).put(set_status))
}

/// A state by its name; absent: online, as somebody is who asks for news.
pub(super) fn presence_state(name: Option<&str>) -> Result<Presence, MatrixError> {
    Ok(match name {
        None | Some("online") => Presence::Online,
        Some("unavailable") => Presence::Unavailable,
        Some("offline") => Presence::Offline,
        Some(_) => {
            return Err(MatrixError::invalid_param("set_presence: must be online, offline or unavailable"));
        }
    })
}

async fn status(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Status>, MatrixError> {
    let found = state.store.read_now(|tx| match users::find(tx, &user)? {
        Some(user) if user == auth.user_nid => Ok(Some(user)),
        Some(user) => Ok(members::share_room(tx, auth.user_nid, user)?.then_some(user)),
        None => Ok::<_, wardline_store::StoreError>(None),
    })?;
    let user = found.ok_or_else(|| MatrixError::forbidden("you share no room with this user"))?;
    Ok(Json(state.engine.presence.of(user)))
}

#[derive(Deserialize)]
struct StatusRequest {
    presence: String,
    status_msg: Option<String>,
}

async fn set_status(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<StatusRequest>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    let Ok(presence) = presence_state(Some(&body.presence)) else {
        return Err(MatrixError::invalid_param("presence: must be online, offline or unavailable"));
    };
    if body.status_msg.as_ref().is_some_and(|message| message.len() > LONGEST_MESSAGE) {
        return Err(MatrixError::invalid_param(format!("status_msg: longer than {LONGEST_MESSAGE} bytes")));
    }
    state.engine.presence.set(auth.user_nid, &user, presence, body.status_msg);
    Ok(Empty)
}
