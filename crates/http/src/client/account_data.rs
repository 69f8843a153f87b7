//! `GET|PUT /_matrix/client/v3/user/{userId}/account_data/{type}` and `…/rooms/{roomId}/account_data/{type}`; `DELETE`
//! as MSC3391 has it.
//! Specification: Client-Server API, "Client Config".

use axum::{
    Router,
    extract::State,
    routing::{delete, get},
};
use bytes::Bytes;
use serde_json::value::RawValue;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, UserId};
use wardline_identity::Session;

use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path, RawJson};

/// Where deleting is until it is in the specification.
const MSC3391: &str = "/_matrix/client/unstable/org.matrix.msc3391";

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/user/{userId}/account_data/{type}", get(get_global).put(put_global))
        .route(
            "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}",
            get(get_in_room).put(put_in_room),
        )
        .route(&format!("{MSC3391}/user/{{userId}}/account_data/{{type}}"), delete(delete_global))
        .route(
            &format!("{MSC3391}/user/{{userId}}/rooms/{{roomId}}/account_data/{{type}}"),
            delete(delete_in_room),
        )
}

async fn delete_global(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, kind)): Path<(OwnedUserId, String)>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    state.engine.account_data.delete(auth.user_nid, None, &kind).await?;
    Ok(Empty)
}

async fn delete_in_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, room, kind)): Path<(OwnedUserId, OwnedRoomId, String)>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    state.engine.account_data.delete(auth.user_nid, Some(&room), &kind).await?;
    Ok(Empty)
}

/// What a user keeps is their own business.
pub(super) fn must_be_own(auth: &Session, user: &UserId) -> Result<(), MatrixError> {
    if auth.user_id == user {
        Ok(())
    } else {
        Err(MatrixError::forbidden("userId: only one's own data can be read or changed"))
    }
}

async fn get_global(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, kind)): Path<(OwnedUserId, String)>,
) -> Result<RawJson, MatrixError> {
    must_be_own(&auth, &user)?;
    Ok(RawJson(Bytes::from(state.engine.account_data.get(auth.user_nid, &user, None, &kind)?)))
}

async fn put_global(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, kind)): Path<(OwnedUserId, String)>,
    Json(content): Json<Box<RawValue>>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    state.engine.account_data.put(auth.user_nid, None, &kind, &content).await?;
    Ok(Empty)
}

async fn get_in_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, room, kind)): Path<(OwnedUserId, OwnedRoomId, String)>,
) -> Result<RawJson, MatrixError> {
    must_be_own(&auth, &user)?;
    Ok(RawJson(Bytes::from(state.engine.account_data.get(auth.user_nid, &user, Some(&room), &kind)?)))
}

async fn put_in_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, room, kind)): Path<(OwnedUserId, OwnedRoomId, String)>,
    Json(content): Json<Box<RawValue>>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    state.engine.account_data.put(auth.user_nid, Some(&room), &kind, &content).await?;
    Ok(Empty)
}
