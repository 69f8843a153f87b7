//! `GET /_matrix/client/v3/voip/turnServer`. Specification: Client-Server API, "Voice over IP".

use axum::{Router, extract::State, routing::get};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::{AppState, Authenticated, Json, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v3/voip/turnServer", get(turn_server))
}

/// Without a TURN server in the configuration the answer is empty, which tells clients to do without.
///
/// With one, the user name is the instant at which it expires (seconds) and the user, and the password is an HMAC of it
/// under the secret that the TURN server knows: its "REST API" for credentials that need no account there.
async fn turn_server(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let Some(turn) = &state.config.turn else { return Ok(Json(json!({}))) };
    let expires_at = state.clock.now().as_millis() / 1000 + i64::from(turn.lifetime_s);
    let username = format!("{expires_at}:{}", auth.user_id);
    let mut mac = Hmac::<Sha1>::new_from_slice(turn.secret.as_bytes())
        .map_err(|error| MatrixError::internal(&error))?;
    mac.update(username.as_bytes());
    Ok(Json(json!({
        "username": username,
        "password": STANDARD.encode(mac.finalize().into_bytes()),
        "uris": turn.uris,
        "ttl": turn.lifetime_s,
    })))
}
