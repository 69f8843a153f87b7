//! `GET|POST /_matrix/client/v3/login` and `POST /_matrix/client/v3/refresh`.
//! Specification: Client-Server API, "Login" and "Refreshing access tokens".

use std::net::IpAddr;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wardline_identity::{Device, Proven, Tokens};

use crate::{
    AppState, ClientAddr, Json, LimitKey, MatrixError, app_service,
    uia::{self, Identifier},
};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/login", get(flows).post(login))
        .route("/_matrix/client/v3/refresh", post(refresh))
}

/// The members that a new session adds to an answer.
#[derive(Serialize)]
pub(crate) struct SignedIn {
    user_id: String,
    device_id: String,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
    home_server: String,
}

impl From<Tokens> for SignedIn {
    fn from(tokens: Tokens) -> Self {
        Self {
            home_server: tokens.user_id.server_name().to_string(),
            user_id: tokens.user_id.into(),
            device_id: tokens.device_id,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_in_ms: tokens.expires_in_ms,
        }
    }
}

/// Sign-in through the browser, which ends with a token.
const SSO: &str = "m.login.sso";
/// Sign-in with a token that the browser or another device brought.
const TOKEN: &str = "m.login.token";

/// Sign-in of a user of an application service, with the token of the service.
pub(crate) const APP_SERVICE: &str = "m.login.application_service";

async fn flows(State(state): State<AppState>) -> Json<Value> {
    let mut sso = json!({
        "type": SSO,
        "oauth_aware_preferred": true,
        "org.matrix.msc3824.delegated_oidc_compatibility": true,
    });
    let providers = state.identity.providers().iter().map(|provider| provider.config());
    let providers: Vec<Value> =
        providers.map(|config| json!({ "id": config.id, "name": config.label })).collect();
    if !providers.is_empty() {
        sso["identity_providers"] = Value::Array(providers);
    }
    let mut flows = vec![sso, json!({ "type": TOKEN, "get_login_token": true })];
    if state.identity.policy().password_login {
        flows.push(json!({ "type": uia::PASSWORD }));
    }
    if state.engine.context.app_services.all().next().is_some() {
        flows.push(json!({ "type": APP_SERVICE }));
    }
    Json(json!({ "flows": flows }))
}

#[derive(Deserialize)]
struct LoginRequest {
    #[serde(rename = "type")]
    kind: String,
    identifier: Option<Identifier>,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    device_id: Option<String>,
    initial_device_display_name: Option<String>,
    #[serde(default)]
    refresh_token: bool,
}

async fn login(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
    Json(body): Json<LoginRequest>,
) -> Result<Json<SignedIn>, MatrixError> {
    let proven = match &*body.kind {
        uia::PASSWORD => by_password(&state, address, body.identifier, body.user, body.password).await?,
        TOKEN => by_token(&state, address, body.token).await?,
        APP_SERVICE => {
            let service = app_service::caller(&headers, &state)?;
            let user = app_service::own_user(&state, service, &uia::named_user(body.identifier, body.user)?)?;
            state.identity.vouched_by_service(&user)?.from_address(Some(address))
        }
        _ => {
            let text = format!("type: must be {} or {TOKEN}", uia::PASSWORD);
            return Err(MatrixError::new(StatusCode::BAD_REQUEST, "M_UNKNOWN", text));
        }
    };
    let device = Device {
        device_id: body.device_id,
        display_name: body.initial_device_display_name,
        refresh: body.refresh_token,
    };
    Ok(Json(state.identity.sign_in(proven, device).await?.into()))
}

async fn by_token(state: &AppState, address: IpAddr, token: Option<String>) -> Result<Proven, MatrixError> {
    let token = token.ok_or_else(|| MatrixError::missing_param("token: is required"))?;
    let key = LimitKey::new("login-address", address, "");
    state.limiter.take(&key, state.config.login_address_limit)?;
    let proven = state.identity.redeem_login_token(&token, Some(address)).await?;
    state.limiter.give_back(&key);
    Ok(proven)
}

async fn by_password(
    state: &AppState,
    address: IpAddr,
    identifier: Option<Identifier>,
    user: Option<String>,
    password: Option<String>,
) -> Result<Proven, MatrixError> {
    if !state.identity.policy().password_login {
        return Err(MatrixError::forbidden("this server takes passwords on its sign-in page only"));
    }
    let user = uia::named_user(identifier, user)?;
    let password = password.ok_or_else(|| MatrixError::missing_param("password: is required"))?;

    // Charged before the password is looked at and paid back if it was right.
    let account = state.identity.local_user(&user).map_or(user.clone(), String::from);
    let (by_account, by_address) =
        (LimitKey::new("login", address, &account), LimitKey::new("login-address", address, ""));
    state.limiter.take(&by_account, state.config.login_limit)?;
    state.limiter.take(&by_address, state.config.login_address_limit)?;
    let proven = state.identity.check_password(&user, &password, Some(address)).await?;
    state.limiter.give_back(&by_account);
    state.limiter.give_back(&by_address);
    if state.identity.second_factor(&proven)?.is_some() {
        let text = "the account has a second factor: sign in through the browser";
        return Err(MatrixError::forbidden(text));
    }
    Ok(proven)
}

#[derive(Deserialize)]
struct RefreshRequest {
    refresh_token: String,
}

async fn refresh(
    State(state): State<AppState>,
    Json(body): Json<RefreshRequest>,
) -> Result<Json<Value>, MatrixError> {
    let tokens = state.identity.refresh(&body.refresh_token).await?;
    Ok(Json(json!({
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_in_ms": tokens.expires_in_ms,
    })))
}
