//! `GET /_matrix/client/v1/rooms/{roomId}/hierarchy`. Specification: Client-Server API, "Spaces".

use axum::{Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::rooms::HierarchyQuery;

use super::rooms::caller;
use crate::{AppState, Authenticated, Json, MatrixError, Path, Query};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v1/rooms/{roomId}/hierarchy", get(hierarchy))
}

#[derive(Deserialize)]
struct HierarchyRequest {
    from: Option<String>,
    limit: Option<usize>,
    max_depth: Option<u32>,
    #[serde(default)]
    suggested_only: bool,
}

async fn hierarchy(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<OwnedRoomId>,
    Query(query): Query<HierarchyRequest>,
) -> Result<Json<Value>, MatrixError> {
    let query = HierarchyQuery {
        from: query.from.filter(|from| !from.is_empty()).map(|from| from.parse()).transpose()?,
        limit: query.limit,
        max_depth: query.max_depth,
        suggested_only: query.suggested_only,
    };
    let page = state.engine.rooms.hierarchy(caller(&auth), &room, query).await?;
    let mut body = json!({ "rooms": page.rooms });
    if let Some(next) = page.next {
        body["next_batch"] = json!(next.to_string());
    }
    Ok(Json(body))
}
