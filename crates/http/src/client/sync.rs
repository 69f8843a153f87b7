//! `GET /_matrix/client/v3/sync` (Client-Server API, "Syncing"), and sliding sync (MSC4186).

use std::sync::Arc;
use std::time::Duration;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use bytes::Bytes;
use serde::Deserialize;
use wardline_engine::filters::Filter;
use wardline_engine::sync::sliding::{SlidingBody, SlidingRequest};
use wardline_engine::sync::{SyncRequest, SyncToken};
use wardline_store::UserNid;

use super::presence::presence_state;
use crate::{AppState, Authenticated, Json, MatrixError, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/sync", get(sync))
        .route("/_matrix/client/unstable/org.matrix.simplified_msc3575/sync", post(unstable_sliding_sync))
        // The path of the proposal as accepted, and the one that client libraries foresee.
        .route("/_matrix/client/v4/sync", post(sliding_sync))
        .route("/_matrix/client/v5/sync", post(sliding_sync))
}

#[derive(Deserialize)]
struct SyncQuery {
    since: Option<String>,
    filter: Option<String>,
    #[serde(default)]
    full_state: bool,
    /// Milliseconds.
    #[serde(default)]
    timeout: u64,
    #[serde(default)]
    use_state_after: bool,
    #[serde(default, rename = "org.matrix.msc4222.use_state_after")]
    unstable_use_state_after: bool,
    set_presence: Option<String>,
}

async fn sync(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<SyncQuery>,
) -> Result<RawJson, MatrixError> {
    let wait = Duration::from_millis(query.timeout);
    // What came with the request is dropped before the wait: thousands wait at a time.
    let request = request(&state, auth, query)?;
    let answer = state.engine.sync.sync(request, wait).await?;
    Ok(RawJson(Bytes::from(answer)))
}

#[expect(clippy::needless_pass_by_value, reason = "so that they are dropped here")]
fn request(state: &AppState, auth: Authenticated, query: SyncQuery) -> Result<SyncRequest, MatrixError> {
    // Clients that kept nothing send an empty token.
    let since = query.since.as_deref().filter(|since| !since.is_empty());
    Ok(SyncRequest {
        user: auth.user_nid,
        user_id: auth.user_id.clone(),
        device: auth.device_id.as_str().into(),
        since: since.map(str::parse::<SyncToken>).transpose()?,
        filter: filter(state, auth.user_nid, query.filter.as_deref())?,
        full_state: query.full_state,
        state_after: query.use_state_after || query.unstable_use_state_after,
        stable_state_after: query.use_state_after,
        set_presence: presence_state(query.set_presence.as_deref())?,
    })
}

#[derive(Deserialize)]
struct SlidingQuery {
    pos: Option<String>,
    /// Milliseconds.
    timeout: Option<u64>,
    set_presence: Option<String>,
}

async fn unstable_sliding_sync(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<SlidingQuery>,
    Json(body): Json<SlidingBody>,
) -> Result<RawJson, MatrixError> {
    slide(&state, &auth, query, body, false).await
}

async fn sliding_sync(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<SlidingQuery>,
    Json(body): Json<SlidingBody>,
) -> Result<RawJson, MatrixError> {
    slide(&state, &auth, query, body, true).await
}

/// `pos` and `timeout` are taken from wherever the client puts them: they were moved into the body.
async fn slide(
    state: &AppState,
    auth: &Authenticated,
    query: SlidingQuery,
    body: SlidingBody,
    stable: bool,
) -> Result<RawJson, MatrixError> {
    let wait = Duration::from_millis(query.timeout.or(body.timeout).unwrap_or(0));
    let presence = presence_state(query.set_presence.as_deref().or(body.set_presence.as_deref()))?;
    let _waiting = state.engine.presence.wait(auth.user_nid, &auth.user_id, presence);
    let request = SlidingRequest {
        user: auth.user_nid,
        user_id: auth.user_id.clone(),
        device: auth.device_id.as_str().into(),
        pos: query.pos.or_else(|| body.pos.clone()).filter(|pos| !pos.is_empty()),
        stable,
        body,
    };
    Ok(RawJson(Bytes::from(state.engine.sliding.sync(request, wait).await?)))
}

/// The filter of a request: a JSON object, or the id of a stored one.
fn filter(state: &AppState, user: UserNid, filter: Option<&str>) -> Result<Arc<Filter>, MatrixError> {
    let filters = &state.engine.filters;
    Ok(match filter {
        None | Some("") => filters.shared("{}")?,
        Some(json) if json.starts_with('{') => filters.shared(json)?,
        Some(id) => match filters.parsed(user, id) {
            Err(wardline_engine::EngineError::NotFound(_)) => {
                return Err(MatrixError::invalid_param("filter: neither a filter nor the id of one"));
            }
            stored => stored?,
        },
    })
}
