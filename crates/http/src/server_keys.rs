//! `GET /_matrix/key/v2/server`: the public key with which this server signs events and the transitions of requests.
//! Specification: Server-Server API, "Publishing Keys".

use axum::{Router, extract::State, routing::get};
use serde_json::json;

use crate::{AppState, MatrixError, RawJson};

/// How long an answer may be kept, in milliseconds: a day.
const VALID: i64 = 24 * 3_600_000;

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/key/v2/server", get(keys))
}

async fn keys(State(state): State<AppState>) -> Result<RawJson, MatrixError> {
    let signer = &state.engine.context.signer;
    let keys = json!({
        "server_name": signer.server_name(),
        "verify_keys": { signer.key_id(): { "key": signer.public_key() } },
        "old_verify_keys": {},
        "valid_until_ts": state.clock.now().plus_millis(VALID).as_millis(),
    });
    let signed = signer.sign_json(&keys.to_string());
    signed.map(|json| RawJson(json.into())).map_err(|error| MatrixError::internal(&error))
}
