//! `POST /oauth/register`: dynamic client registration.
//! Specification: Client-Server API, "Client registration"; RFC 7591.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use serde_json::{Value, json};
use wardline_identity::oauth::{ClientMetadata, ErrorCode, OAuthError, own_origin_of};

use super::error::OAuthFailure;
use crate::{AppState, ClientAddr, LimitKey, parse_object};

pub(super) const PATH: &str = "/oauth/register";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(PATH, post(register))
}

async fn register(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    body: Bytes,
) -> Result<Response, OAuthFailure> {
    // The shared address of a hospital registers once for each sign-in, so the bucket is that of sign-ins.
    let key = LimitKey::new("oauth-register", address, "");
    state.limiter.take(&key, state.config.login_address_limit).map_err(|e| OAuthFailure::limited(&e))?;
    let metadata: ClientMetadata = parse_object(&body)
        .map_err(|error| OAuthError::Refused(ErrorCode::InvalidClientMetadata, error.error))?;
    let own = own_origin_of(&state.config.public_base_url);
    let (client, secret) = state.identity.register_client(metadata, own.as_ref()).await?;
    let mut answer = json!(client.metadata);
    answer["client_id"] = Value::String(client.id);
    if let Some(secret) = secret {
        answer["client_secret"] = Value::String(secret);
        answer["client_secret_expires_at"] = json!(0);
    }
    Ok((StatusCode::CREATED, axum::Json(answer)).into_response())
}
