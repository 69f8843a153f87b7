//! `POST /_matrix/client/v3/user/{userId}/filter` and `GET …/filter/{filterId}`.
//! Specification: Client-Server API, "Filtering".

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedUserId;

use super::account_data::must_be_own;
use crate::{AppState, Authenticated, Json, MatrixError, Path, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/user/{userId}/filter", post(store))
        .route("/_matrix/client/v3/user/{userId}/filter/{filterId}", get(stored))
}

async fn store(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    Json(filter): Json<Box<RawValue>>,
) -> Result<Json<Value>, MatrixError> {
    must_be_own(&auth, &user)?;
    let id = state.engine.filters.put(auth.user_nid, filter.get()).await?;
    Ok(Json(json!({ "filter_id": id })))
}

async fn stored(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((user, id)): Path<(OwnedUserId, String)>,
) -> Result<RawJson, MatrixError> {
    must_be_own(&auth, &user)?;
    Ok(RawJson(Bytes::from(state.engine.filters.get(auth.user_nid, &id)?)))
}
