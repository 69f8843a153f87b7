//! `GET /_matrix/client/unstable/org.matrix.msc1763/retention/configuration`: when this server erases old messages.
//! Proposal: MSC1763.

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Authenticated, Json};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/unstable/org.matrix.msc1763/retention/configuration", get(configuration))
}

async fn configuration(State(state): State<AppState>, _: Authenticated) -> Json<Value> {
    let Some(retention) = &state.engine.context.config.retention else {
        return Json(json!({ "policies": {}, "limits": {} }));
    };
    let mut limits = json!({ "min": retention.shortest_ms });
    if let Some(longest) = retention.longest_ms {
        limits["max"] = json!(longest);
    }
    let policies = match retention.default_ms {
        Some(default) => json!({ "*": { "max_lifetime": default } }),
        None => json!({}),
    };
    Json(json!({
        "policies": policies,
        "limits": { "max_lifetime": limits },
        // So that devices know which conversations to leave alone when they forget what was erased.
        "org.wardline.exempt_types": retention.exempt_types,
    }))
}
