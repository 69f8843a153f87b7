//! `GET /_matrix/client/v3/capabilities`. Specification: Client-Server API, "Capabilities negotiation".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};
use wardline_domain::room_version::RoomVersion;

use super::rooms::require_admin;
use crate::{AppState, Authenticated, Json};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/capabilities", get(capabilities))
}

async fn capabilities(State(state): State<AppState>, auth: Authenticated) -> Json<Value> {
    let versions: serde_json::Map<String, Value> = RoomVersion::understood()
        .filter(|version| version.is_creatable())
        .map(|version| (version.as_str().to_owned(), "stable".into()))
        .collect();
    let may_hold = require_admin(&state, &auth).is_ok();
    let mut answer = json!({ "capabilities": {
        "m.account_moderation": { "suspend": may_hold, "lock": may_hold },
        "m.room_versions": {
            "default": state.engine.context.config.default_room_version.as_str(),
            "available": versions,
        },
        "m.change_password": { "enabled": true },
        "m.set_displayname": { "enabled": true },
        "m.set_avatar_url": { "enabled": true },
        "m.profile_fields": { "enabled": true },
        "m.3pid_changes": { "enabled": false },
        "m.get_login_token": { "enabled": true },
    }});
    // Web Push (MSC4174).
    if let Some(key) = &state.config.vapid_public_key {
        for name in ["m.webpush", "org.matrix.msc4174.webpush"] {
            answer["capabilities"][name] = json!({ "enabled": true, "vapid": key });
        }
    }
    Json(answer)
}
