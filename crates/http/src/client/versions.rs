//! `GET /_matrix/client/versions`. Specification: Client-Server API, "API Versions".

use axum::{Router, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Json};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/versions", get(versions))
}

async fn versions() -> Json<Value> {
    Json(json!({
        "versions": [
            "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11", "v1.12",
            "v1.13",
        ],
        "unstable_features": {
            // Profile fields under the stable paths of Matrix 1.16.
            "uk.tcpip.msc4133.stable": true,
        },
    }))
}
