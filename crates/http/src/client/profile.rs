//! `GET /_matrix/client/v3/profile/{userId}` and `GET|PUT|DELETE …/{keyName}`.
//! Specification: Client-Server API, "Profiles".
//!
//! Profiles are shown to everybody, as the specification has it, unless the configuration asks for a token.

use axum::{Router, extract::State, routing::get};
use serde_json::{Map, Value};
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_identity::Session;

use crate::{Anybody, AppState, Authenticated, Empty, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/profile/{userId}", get(all))
        .route("/_matrix/client/v3/profile/{userId}/{keyName}", get(one).put(set).delete(remove))
}

fn parsed(json: &str) -> Result<Value, MatrixError> {
    serde_json::from_str(json).map_err(|error| MatrixError::internal(&error))
}

async fn all(
    State(state): State<AppState>,
    _: Anybody,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Map<String, Value>>, MatrixError> {
    let fields = state.identity.profile(&user)?;
    fields.into_iter().map(|(name, json)| Ok((name, parsed(&json)?))).collect::<Result<_, _>>().map(Json)
}

async fn one(
    State(state): State<AppState>,
    _: Anybody,
    Path((user, field)): Path<(OwnedUserId, String)>,
) -> Result<Json<Map<String, Value>>, MatrixError> {
    let value = parsed(&state.identity.profile_field(&user, &field)?)?;
    Ok(Json(Map::from_iter([(field, value)])))
}

fn must_be_own(auth: &Session, user: &UserId) -> Result<(), MatrixError> {
    if auth.user_id == user {
        Ok(())
    } else {
        Err(MatrixError::forbidden("userId: only one's own profile can be changed"))
    }
}

async fn set(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, field)): Path<(OwnedUserId, String)>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    let value =
        body.get(&field).ok_or_else(|| MatrixError::missing_param(format!("{field}: is required")))?;
    state.identity.set_profile_field(&user, &field, Some(value)).await?;
    Ok(Empty)
}

async fn remove(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, field)): Path<(OwnedUserId, String)>,
) -> Result<Empty, MatrixError> {
    must_be_own(&auth, &user)?;
    state.identity.set_profile_field(&user, &field, None).await?;
    Ok(Empty)
}
