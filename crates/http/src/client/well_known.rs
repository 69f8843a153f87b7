//! `GET /.well-known/matrix/client` and `GET /.well-known/matrix/support`. Specification: Client-Server API, "Well-known URIs".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Json, MatrixError, SupportConfig};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/.well-known/matrix/client", get(client))
        .route("/.well-known/matrix/support", get(support))
}

async fn client(State(state): State<AppState>) -> Json<Value> {
    Json(json!({ "m.homeserver": { "base_url": state.config.public_base_url } }))
}

async fn support(State(state): State<AppState>) -> Result<Json<SupportConfig>, MatrixError> {
    let support = state.config.support.clone();
    support.map(Json).ok_or_else(|| MatrixError::not_found("no contacts are configured"))
}
