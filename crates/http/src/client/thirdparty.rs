//! `/_matrix/client/v3/thirdparty/…`: other networks that can be reached through bridges: none.
//! Specification: Client-Server API, "Third-party Networks".

use axum::{Router, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Authenticated, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_matrix/client/v3/thirdparty";
    Router::new()
        .route(&format!("{base}/protocols"), get(protocols))
        .route(&format!("{base}/protocol/{{protocol}}"), get(unknown_protocol))
        .route(&format!("{base}/location"), get(nothing))
        .route(&format!("{base}/location/{{protocol}}"), get(unknown_protocol))
        .route(&format!("{base}/user"), get(nothing))
        .route(&format!("{base}/user/{{protocol}}"), get(unknown_protocol))
}

async fn protocols(_: Authenticated) -> Json<Value> {
    Json(json!({}))
}

async fn nothing(_: Authenticated) -> Json<Value> {
    Json(json!([]))
}

async fn unknown_protocol(_: Authenticated, Path(_): Path<String>) -> MatrixError {
    MatrixError::not_found("protocol: no bridge speaks it")
}
