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
            "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18", "v1.19",
        ],
        "unstable_features": {
            // Simplified sliding sync (MSC4186).
            "org.matrix.simplified_msc3575": true,
            "org.matrix.msc4186": true,
            // The state after the timeline of `/sync`.
            "org.matrix.msc4222": true,
            // Filters by the kind of relation.
            "org.matrix.msc3874": true,
            // Threads that a user follows, and in sliding sync.
            "org.matrix.msc4306": true,
            "org.matrix.msc4308": true,
            // Encryption for application services, and devices that they make.
            "org.matrix.msc3202": true,
            "org.matrix.msc4190": true,
            "fi.mau.msc2659": true,
            // Where clients make calls.
            "org.matrix.msc4143": true,
            // Signing in with OAuth 2.0.
            "org.matrix.msc2965.authentication": true,
            // Profile fields under the stable paths of Matrix 1.16.
            "uk.tcpip.msc4133.stable": true,
            // Dehydrated devices.
            "org.matrix.msc3814": true,
            // Events that are sent later.
            "org.matrix.msc4140": true,
            // Signing in by QR code.
            "org.matrix.msc4108": true,
            "io.element.msc4388": true,
            // Web Push.
            "org.matrix.msc4174": true,
            // Deleting account data.
            "org.matrix.msc3391": true,
            // Rooms in common, under its paths before and since it was stable.
            "uk.half-shot.msc2666.query_mutual_rooms": true,
            "uk.half-shot.msc2666.query_mutual_rooms.stable": true,
            // The summary of a room, under its path before it was stable.
            "im.nheko.summary": true,
            "org.matrix.msc3266": true,
        },
    }))
}
