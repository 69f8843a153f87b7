//! `GET /.well-known/matrix/client`. Specification: Client-Server API, "Well-known URIs".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Json};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/.well-known/matrix/client", get(client))
}

async fn client(State(state): State<AppState>) -> Json<Value> {
    Json(json!({ "m.homeserver": { "base_url": state.config.public_base_url } }))
}
