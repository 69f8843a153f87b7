//! `GET /_matrix/client/v3/notifications`. Specification: Client-Server API, "Listing Notifications".

use axum::{Router, extract::State, routing::get};
use bytes::Bytes;
use serde::Deserialize;

use crate::{AppState, Authenticated, MatrixError, Query, RawJson};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/notifications", get(notifications))
}

const USUAL: usize = 20;
const MOST: usize = 100;

#[derive(Deserialize)]
struct NotificationsQuery {
    from: Option<String>,
    limit: Option<usize>,
    only: Option<String>,
}

async fn notifications(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<NotificationsQuery>,
) -> Result<RawJson, MatrixError> {
    let before = match query.from.as_deref() {
        None | Some("") => None,
        Some(from) => Some(from.parse::<u64>().map_err(|_| MatrixError::invalid_param("from: not a token"))?),
    };
    let highlights_only = query.only.as_deref() == Some("highlight");
    let limit = query.limit.unwrap_or(USUAL).min(MOST);
    let page = wardline_engine::unread::Page {
        user: auth.user_nid,
        user_id: auth.user_id.clone(),
        device: auth.device_id.to_string(),
        before,
        highlights_only,
        limit,
        now: state.clock.now(),
    };
    let list = wardline_engine::unread::list(&state.engine.context, page).await?;
    Ok(RawJson(Bytes::from(list)))
}
