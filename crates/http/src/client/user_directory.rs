//! `POST /_matrix/client/v3/user_directory/search`. Specification: Client-Server API, "User Directory".

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_engine::user_directory;

use crate::{AppState, Authenticated, Json, MatrixError, UserDirectory};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/user_directory/search", post(search))
}

#[derive(Deserialize)]
struct SearchRequest {
    search_term: String,
    limit: Option<usize>,
}

async fn search(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<SearchRequest>,
) -> Result<Json<Value>, MatrixError> {
    let everybody = match state.config.user_directory {
        UserDirectory::Shared => false,
        UserDirectory::Everybody => true,
        UserDirectory::Nobody => return Ok(Json(json!({ "results": [], "limited": false }))),
    };
    let context = &state.engine.context;
    let (found, limited) =
        user_directory::search(context, auth.user_nid, &body.search_term, body.limit, everybody).await?;
    Ok(Json(json!({ "results": found, "limited": limited })))
}
