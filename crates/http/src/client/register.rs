//! `POST /_matrix/client/v3/register`, `GET …/register/available`, and registration by the operator's shared
//! secret, compatible with Synapse. Specification: Client-Server API, "Account registration".

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::{Device, SharedSecretRequest};

use super::login::SignedIn;
use crate::{AppState, ClientAddr, Json, LimitKey, MatrixError, Query, uia};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/register", post(register))
        .route("/_matrix/client/v3/register/available", get(available))
        .route("/_synapse/admin/v1/register", get(nonce).post(register_with_secret))
}

fn closed() -> MatrixError {
    MatrixError::forbidden("registration is closed on this server")
}

#[derive(Deserialize)]
struct RegisterQuery {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct RegisterRequest {
    auth: Option<uia::UiaAuth>,
    username: Option<String>,
    password: Option<String>,
    device_id: Option<String>,
    initial_device_display_name: Option<String>,
    #[serde(default)]
    inhibit_login: bool,
    #[serde(default)]
    refresh_token: bool,
}

/// The subject of a registration's interactive authentication: nobody yet.
const NOBODY: &str = "";
const REGISTER: &str = "register";

async fn register(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Query(query): Query<RegisterQuery>,
    Json(body): Json<RegisterRequest>,
) -> Result<Json<Value>, MatrixError> {
    match query.kind.as_deref() {
        None | Some("user") => {}
        Some("guest") => {
            let text = "there are no guests on this server";
            return Err(MatrixError::new(StatusCode::FORBIDDEN, "M_GUEST_ACCESS_FORBIDDEN", text));
        }
        Some(_) => return Err(MatrixError::invalid_param("kind: must be user or guest")),
    }
    if !state.config.registration_open {
        return Err(closed());
    }
    let username = body.username.unwrap_or_else(|| format!("u{}", state.random.uuid()));
    state.identity.free_name(&username)?;
    let stage = body.auth.as_ref().and_then(|auth| auth.stage.as_deref());
    if stage != Some(uia::DUMMY) {
        return Err(uia::challenge(uia::DUMMY, &state.identity.uia().begin(NOBODY, REGISTER)));
    }
    let password = body.password.ok_or_else(|| MatrixError::missing_param("password: is required"))?;
    state.limiter.take(&LimitKey::new("register", address, ""), state.config.register_limit)?;
    let proven = state.identity.create_account(&username, Some(&password), false).await?;
    if let Some(session) = body.auth.and_then(|auth| auth.session) {
        state.identity.uia().finish(&session);
    }
    if body.inhibit_login {
        let home_server = proven.user_id.server_name().as_str();
        return Ok(Json(json!({ "user_id": proven.user_id, "home_server": home_server })));
    }
    let device = Device {
        device_id: body.device_id,
        display_name: body.initial_device_display_name,
        refresh: body.refresh_token,
    };
    Ok(Json(json!(SignedIn::from(state.identity.sign_in(proven, device).await?))))
}

#[derive(Deserialize)]
struct AvailableQuery {
    username: String,
}

async fn available(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Query(query): Query<AvailableQuery>,
) -> Result<Json<Value>, MatrixError> {
    // A closed server does not tell strangers who works here.
    if !state.config.registration_open {
        return Err(closed());
    }
    state.limiter.take(&LimitKey::new("available", address, ""), state.config.login_address_limit)?;
    state.identity.free_name(&query.username)?;
    Ok(Json(json!({ "available": true })))
}

fn secret(state: &AppState) -> Result<&str, MatrixError> {
    state.config.registration_shared_secret.as_deref().ok_or_else(|| {
        MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", "shared secret registration is not enabled")
    })
}

async fn nonce(State(state): State<AppState>) -> Result<Json<Value>, MatrixError> {
    secret(&state)?;
    Ok(Json(json!({ "nonce": state.identity.new_nonce() })))
}

#[derive(Deserialize)]
struct SecretRequest {
    nonce: String,
    username: String,
    displayname: Option<String>,
    password: String,
    #[serde(default)]
    admin: bool,
    user_type: Option<String>,
    mac: String,
}

async fn register_with_secret(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Json(body): Json<SecretRequest>,
) -> Result<Json<SignedIn>, MatrixError> {
    let secret = secret(&state)?;
    let key = LimitKey::new("secret", address, "");
    state.limiter.take(&key, state.config.register_limit)?;
    let request = SharedSecretRequest {
        nonce: &body.nonce,
        username: &body.username,
        password: &body.password,
        admin: body.admin,
        user_type: body.user_type.as_deref(),
        mac: &body.mac,
    };
    let proven = state.identity.register_with_secret(secret, request).await?;
    // Who knows the secret may make as many accounts as they like.
    state.limiter.give_back(&key);
    if let Some(name) = body.displayname {
        state
            .identity
            .set_profile_field(&proven.user_id, wardline_identity::DISPLAY_NAME, Some(&name.into()))
            .await?;
    }
    Ok(Json(state.identity.sign_in(proven, Device::default()).await?.into()))
}
