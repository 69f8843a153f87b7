//! `/_wardline/gateway/v1/recovery-key`: see `docs/protocol/recovery-key.md`.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    middleware::map_response,
    response::Response,
    routing::{get, post, put},
};
use http::{HeaderMap, header};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{KeyService, KeyServiceError};

/// Largest body taken, in bytes: a key.
const LARGEST_BODY: usize = 4 * 1024;

/// The routes of the key service.
pub fn router(service: KeyService) -> Router {
    Router::new()
        .route("/_wardline/gateway/v1/recovery-key", put(store))
        .route("/_wardline/gateway/v1/recovery-key/unseal", post(unseal))
        .route("/_wardline/gateway/v1/policy", get(policy))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(async |response: Response| ([(header::CACHE_CONTROL, "no-store")], response)))
        .with_state(service)
}

#[derive(Deserialize)]
struct Store {
    #[serde(deserialize_with = "secret")]
    recovery_key: Zeroizing<String>,
}

/// Whether a client leaves its recovery key here or shows it to its owner. No secret, and asked before signing in.
async fn policy(State(service): State<KeyService>) -> Json<Value> {
    Json(json!({ "policy": service.policy().as_str() }))
}

async fn store(
    State(service): State<KeyService>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, KeyServiceError> {
    let token = bearer(&headers)?;
    let Store { recovery_key } = parse(&body)?;
    service.store(token, &recovery_key).await?;
    Ok(Json(json!({})))
}

async fn unseal(
    State(service): State<KeyService>,
    headers: HeaderMap,
) -> Result<Json<Value>, KeyServiceError> {
    let key = service.unseal(bearer(&headers)?).await?;
    Ok(Json(json!({ "recovery_key": key.as_str() })))
}

fn bearer(headers: &HeaderMap) -> Result<&str, KeyServiceError> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .ok_or(KeyServiceError::MissingToken)
}

/// A string that is wiped from memory when dropped.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// serde's message names the missing or mistyped field; it goes back to the sender only, never to a log.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, KeyServiceError> {
    serde_json::from_slice(body).map_err(|error| KeyServiceError::BadRequest(error.to_string()))
}
