//! `GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports`: by what clients make calls. Proposal: MSC4143.

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Authenticated, Json};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/unstable/org.matrix.msc4143/rtc/transports", get(transports))
}

/// The services that the configuration names; a client that finds none makes its calls directly.
async fn transports(State(state): State<AppState>, _: Authenticated) -> Json<Value> {
    let livekit = |url: &String| json!({ "type": "livekit", "livekit_service_url": url });
    let all: Vec<Value> = state.config.livekit_urls.iter().map(livekit).collect();
    Json(json!({ "rtc_transports": all }))
}
