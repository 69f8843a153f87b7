//! `POST /_matrix/client/v3/register`, `GET …/register/available`, and registration by the operator's shared
//! secret, compatible with Synapse. Specification: Client-Server API, "Account registration".

use std::net::IpAddr;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::UserId;
use wardline_identity::{Device, Proven, SharedSecretRequest};
use wardline_store::registration_tokens;

use super::login::{APP_SERVICE, SignedIn};
use crate::{AppState, ClientAddr, Json, LimitKey, MatrixError, OptionalJson, Query, app_service, uia};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/register", post(register))
        .route("/_matrix/client/v3/register/available", get(available))
        .route("/_matrix/client/v1/register/m.login.registration_token/validity", get(validity))
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
    #[serde(rename = "type")]
    kind: Option<String>,
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
    headers: HeaderMap,
    OptionalJson(body): OptionalJson<RegisterRequest>,
) -> Result<Json<Value>, MatrixError> {
    match query.kind.as_deref() {
        None | Some("user") => {}
        Some("guest") => return register_guest(&state, address, body).await,
        Some(_) => return Err(MatrixError::invalid_param("kind: must be user or guest")),
    }
    if body.kind.as_deref() == Some(APP_SERVICE) {
        return register_by_service(&state, address, &headers, body).await;
    }
    let needed = match (state.config.registration_open, state.config.registration_tokens) {
        (true, _) => uia::DUMMY,
        (false, true) => uia::TOKEN,
        (false, false) => return Err(closed()),
    };
    let username = body.username.unwrap_or_else(|| format!("u{}", state.random.uuid()));
    not_exclusive(&state, &username)?;
    state.identity.free_name(&username)?;
    let stage = body.auth.as_ref().and_then(|auth| auth.stage.as_deref());
    if stage != Some(needed) {
        return Err(uia::challenge(needed, &state.identity.uia().begin(NOBODY, REGISTER)));
    }
    let password = body.password.ok_or_else(|| MatrixError::missing_param("password: is required"))?;
    state.limiter.take(&LimitKey::new("register", address, ""), state.config.register_limit)?;
    state.identity.check_new_password(&password, &username).await?;
    let token = body.auth.as_ref().and_then(|auth| auth.token.clone()).filter(|_| needed == uia::TOKEN);
    if needed == uia::TOKEN {
        take_token(&state, body.auth.as_ref(), token.clone()).await?;
    }
    let made = state.identity.create_account(&username, Some(&password), false).await;
    if let Some(token) = token {
        let is_made = made.is_ok();
        state.store.write(move |tx| registration_tokens::settle(tx, &token, is_made)).await?;
    }
    let proven = made?.from_address(Some(address));
    if let Some(session) = body.auth.and_then(|auth| auth.session) {
        state.identity.uia().finish(&session);
    }
    let device = Device {
        device_id: body.device_id,
        display_name: body.initial_device_display_name,
        refresh: body.refresh_token,
    };
    answer(&state, proven, body.inhibit_login, device).await
}

/// The answer for a new account: signed in on `device`, unless the client wants no session.
async fn answer(
    state: &AppState,
    proven: Proven,
    inhibit_login: bool,
    device: Device,
) -> Result<Json<Value>, MatrixError> {
    if inhibit_login {
        let home_server = proven.user_id.server_name().as_str();
        return Ok(Json(json!({ "user_id": proven.user_id, "home_server": home_server })));
    }
    Ok(Json(json!(SignedIn::from(state.identity.sign_in(proven, device).await?))))
}

/// Takes one use of a registration token; without one left the stage is to be done again.
async fn take_token(
    state: &AppState,
    auth: Option<&uia::UiaAuth>,
    token: Option<String>,
) -> Result<(), MatrixError> {
    let now = state.clock.now();
    let taken = match token {
        Some(token) => state.store.write(move |tx| registration_tokens::take(tx, &token, now)).await?,
        None => false,
    };
    if taken {
        return Ok(());
    }
    let session = match auth.and_then(|auth| auth.session.clone()) {
        Some(session) => session,
        None => state.identity.uia().begin(NOBODY, REGISTER),
    };
    let mut error = uia::challenge(uia::TOKEN, &session);
    error.errcode = "M_UNAUTHORIZED";
    error.error = "the registration token is not valid".to_owned();
    Err(error)
}

#[derive(Deserialize)]
struct ValidityQuery {
    token: String,
}

/// Specification: Client-Server API, "Token-authenticated registration".
async fn validity(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    Query(query): Query<ValidityQuery>,
) -> Result<Json<Value>, MatrixError> {
    state.limiter.take(&LimitKey::new("token", address, ""), state.config.register_limit)?;
    if !state.config.registration_tokens {
        return Err(closed());
    }
    let now = state.clock.now();
    let valid = state.store.read_now(|tx| registration_tokens::is_valid(tx, &query.token, now))?;
    Ok(Json(json!({ "valid": valid })))
}

/// Refuses a name that is an application service's alone.
fn not_exclusive(state: &AppState, username: &str) -> Result<(), MatrixError> {
    let user = UserId::parse_with_server_name(username.to_lowercase(), &state.config.server_name);
    match user.map(|user| state.engine.context.app_services.owner_of_user(&user).is_some()) {
        Ok(true) => Err(app_service::exclusive("username")),
        _ => Ok(()),
    }
}

/// A service makes an account in its namespace. Specification: Application Service API, "Server admin style permissions".
async fn register_by_service(
    state: &AppState,
    address: IpAddr,
    headers: &HeaderMap,
    body: RegisterRequest,
) -> Result<Json<Value>, MatrixError> {
    let service = app_service::caller(headers, state)?;
    let username = body.username.ok_or_else(|| MatrixError::missing_param("username: is required"))?;
    state.identity.free_service_name(&username)?;
    if app_service::own_user(state, service, &username.to_lowercase()).is_err() {
        return Err(app_service::exclusive("username"));
    }
    let proven = state.identity.create_service_account(&username, service.id()).await?;
    let proven = proven.from_address(Some(address));
    let device = Device {
        device_id: body.device_id,
        display_name: body.initial_device_display_name,
        refresh: body.refresh_token,
    };
    answer(state, proven, body.inhibit_login, device).await
}

/// A guest has no name or device of their own choice, and no stages to go through.
async fn register_guest(
    state: &AppState,
    address: IpAddr,
    body: RegisterRequest,
) -> Result<Json<Value>, MatrixError> {
    if !state.config.guests {
        let text = "there are no guests on this server";
        return Err(MatrixError::new(StatusCode::FORBIDDEN, "M_GUEST_ACCESS_FORBIDDEN", text));
    }
    state.limiter.take(&LimitKey::new("register", address, ""), state.config.register_limit)?;
    let proven = state.identity.create_guest().await?.from_address(Some(address));
    let device = Device { display_name: body.initial_device_display_name, ..Device::default() };
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
    if !state.config.registration_open && !state.config.registration_tokens {
        return Err(closed());
    }
    state.limiter.take(&LimitKey::new("available", address, ""), state.config.login_address_limit)?;
    not_exclusive(&state, &query.username)?;
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
    not_exclusive(&state, &body.username)?;
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
    let proven = proven.from_address(Some(address));
    Ok(Json(state.identity.sign_in(proven, Device::default()).await?.into()))
}
