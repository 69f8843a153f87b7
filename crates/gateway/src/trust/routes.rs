//! `GET /_wardline/gateway/v1/trust-identity`: see `docs/protocol/trust-identity.md`.

use std::sync::Arc;

use axum::{Json, Router, extract::State, response::IntoResponse, response::Response, routing::get};
use http::StatusCode;
use serde_json::json;

use super::Authority;

/// The route that tells clients whose signature to trust. Certificates are public.
pub fn router(authority: Arc<Authority>) -> Router {
    Router::new().route("/_wardline/gateway/v1/trust-identity", get(show)).with_state(authority)
}

async fn show(State(authority): State<Arc<Authority>>) -> Response {
    let name = authority.name().to_owned();
    match tokio::task::spawn_blocking(move || authority.certificate_pem()).await {
        Ok(Ok(pem)) => Json(json!({ "name": name, "certificates": pem })).into_response(),
        failed => {
            if let Ok(Err(error)) = &failed {
                tracing::error!(error = error as &dyn std::error::Error, "trust identity");
            }
            let body =
                json!({ "errcode": "M_UNKNOWN", "error": "The organisation's identity cannot be read" });
            (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
        }
    }
}
