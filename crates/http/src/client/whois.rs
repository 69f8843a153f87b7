//! `GET /_matrix/client/v3/admin/whois/{userId}`. Specification: Client-Server API, "Server Administration".

use axum::{Router, extract::State, routing::get};
use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{StoreError, accounts, sessions};

use super::rooms::require_admin;
use crate::{AppState, Authenticated, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/admin/whois/{userId}", get(whois))
}

/// One's own devices, or for administrators anybody's, with when and from where each was last seen.
async fn whois(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Value>, MatrixError> {
    if auth.user_id != user {
        require_admin(&state, &auth)?;
    }
    let devices = state.store.read_now(|tx| {
        let account = accounts::find(tx, &user)?;
        account
            .map(|account| sessions::devices(tx, account.user))
            .transpose()
            .map_err(|error: StoreError| error)
    })?;
    let devices = devices.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let devices: Map<String, Value> = devices
        .into_iter()
        .map(|device| {
            let connection =
                json!({ "last_seen": device.last_seen_at.as_millis(), "ip": device.last_seen_ip });
            (device.device_id, json!({ "sessions": [{ "connections": [connection] }] }))
        })
        .collect();
    Ok(Json(json!({ "user_id": user, "devices": devices })))
}
