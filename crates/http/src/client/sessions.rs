//! The person's own sessions as Wardline's clients show them: `/_wardline/client/v1/sessions…`, and the confirmation of
//! a device that it has erased what it held: `POST /_wardline/client/v1/erased`, and for one that is locked
//! `POST /_wardline/client/v1/erasure`.
//! Specification: `docs/protocol/sessions.md`.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AppState, Authenticated, ClientAddr, Empty, Json, LimitKey, MatrixError, Path};

const SESSIONS: &str = "/_wardline/client/v1/sessions";

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(SESSIONS, get(list))
        .route(&format!("{SESSIONS}/end_others"), post(end_others))
        .route(&format!("{SESSIONS}/{{deviceId}}/end"), post(end))
        .route("/_wardline/client/v1/erased", post(erased))
        .route("/_wardline/client/v1/erasure", post(erasure))
}

/// All devices, and those that were signed out from elsewhere and whether they have erased what they held.
async fn list(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let devices: Vec<Value> = state
        .identity
        .signed_in_devices(&auth)?
        .into_iter()
        .map(|device| {
            let client = state.identity.client_of(&auth, &device.device_id)?;
            let client = client.map(|client| json!({ "name": client.client_name, "uri": client.client_uri }));
            Ok(json!({
                "this": auth.device_id == *device.device_id,
                "device_id": device.device_id,
                "display_name": device.display_name,
                "last_seen_ts": device.last_seen_at,
                "last_seen_ip": device.last_seen_ip,
                "client": client,
            }))
        })
        .collect::<Result<_, MatrixError>>()?;
    let erasures: Vec<Value> = state
        .identity
        .erasures(&auth)?
        .into_iter()
        .map(|erasure| {
            json!({
                "device_id": erasure.device_id,
                "display_name": erasure.display_name,
                "asked_ts": erasure.asked_at,
                "confirmed_ts": erasure.confirmed_at,
            })
        })
        .collect();
    Ok(Json(json!({ "sessions": devices, "erasures": erasures })))
}

/// Signs another device out; it is to erase what it holds. No further question: the worst that a thief of this session
/// can do with it is to sign the owner out.
async fn end(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(device): Path<String>,
) -> Result<Empty, MatrixError> {
    state.identity.device(&auth, &device)?;
    state.identity.delete_devices(&auth, vec![device]).await?;
    Ok(Empty)
}

/// Signs all other devices out. A thief of this session must not be able to leave its owner with nothing, so its person has
/// signed in a moment ago.
async fn end_others(State(state): State<AppState>, auth: Authenticated) -> Result<Empty, MatrixError> {
    if !state.identity.signed_in_recently(&auth) {
        return Err(MatrixError::step_up());
    }
    let devices = state.identity.signed_in_devices(&auth)?.into_iter().map(|device| device.device_id);
    let others = devices.filter(|device| auth.device_id != **device).collect();
    state.identity.delete_devices(&auth, others).await?;
    Ok(Empty)
}

/// A client with a dead token says that it has erased what it held.
async fn erased(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
) -> Result<Empty, MatrixError> {
    state.limiter.take(&LimitKey::new("erased", address, ""), state.config.login_address_limit)?;
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim());
    state.identity.confirm_erasure(token.ok_or_else(MatrixError::missing_token)?).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct Locked {
    /// SHA-256 of an access or refresh token, in hexadecimal.
    token_sha256: String,
    /// It has erased what it held.
    #[serde(default)]
    done: bool,
}

/// A client that is locked, and so cannot use its token, asks by the token's hash whether it was signed out from elsewhere, and
/// says when it has erased what it held. The hash opens nothing, and nothing is said of any other.
async fn erasure(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Json(body): Json<Locked>,
) -> Result<Json<Value>, MatrixError> {
    state.limiter.take(&LimitKey::new("erasure", address, ""), state.config.login_address_limit)?;
    let mut hash = [0; 32];
    hex::decode_to_slice(&body.token_sha256, &mut hash)
        .map_err(|_| MatrixError::invalid_param("token_sha256: must be 64 hexadecimal digits"))?;
    let erase = state.identity.must_erase_by_hash(&hash)?;
    if erase && body.done {
        state.identity.confirm_erasure_by_hash(hash).await?;
    }
    Ok(Json(json!({ "erase": erase })))
}
