//! `GET /_matrix/client/v3/capabilities`. Specification: Client-Server API, "Capabilities negotiation".

use axum::{Router, routing::get};
use serde_json::{Value, json};

use crate::{AppState, Authenticated, Json};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/capabilities", get(capabilities))
}

async fn capabilities(_: Authenticated) -> Json<Value> {
    Json(json!({ "capabilities": {
        "m.room_versions": {
            "default": "12",
            "available": { "10": "stable", "11": "stable", "12": "stable" },
        },
        "m.change_password": { "enabled": true },
        "m.set_displayname": { "enabled": true },
        "m.set_avatar_url": { "enabled": true },
        "m.profile_fields": { "enabled": true },
        "m.3pid_changes": { "enabled": false },
        "m.get_login_token": { "enabled": true },
    }}))
}
