//! `POST /oauth/token` and `POST /oauth/revoke`.
//! Specification: Client-Server API, "Grant types" and "Token revocation"; RFC 6749, RFC 7009, RFC 8628.

use axum::{Router, extract::State, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::oauth::{Client, ErrorCode, Granted, OAuthError};

use super::{error::OAuthFailure, form::OAuthForm};
use crate::{AppState, ClientAddr, Empty, Json, LimitKey};

pub(super) const TOKEN: &str = "/oauth/token";
pub(super) const REVOKE: &str = "/oauth/revoke";
const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What the token endpoint takes.
pub(super) const GRANTS: [&str; 3] = [CODE, REFRESH, DEVICE];

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(TOKEN, post(token)).route(REVOKE, post(revoke))
}

/// Who the client says it is. RFC 6749 section 2.3.1.
pub(super) struct Credentials {
    id: String,
    secret: Option<String>,
    by_header: bool,
}

impl Credentials {
    /// From the header, or else from the body.
    pub(super) fn of(
        headers: &HeaderMap,
        id: Option<String>,
        secret: Option<String>,
    ) -> Result<Option<Self>, OAuthFailure> {
        let Some(header) = headers.get(header::AUTHORIZATION) else {
            return Ok(id.map(|id| Self { id, secret, by_header: false }));
        };
        if secret.is_some() {
            return Err(OAuthFailure::invalid_request("the client must authenticate in one way only"));
        }
        let refused = || OAuthError::Refused(ErrorCode::InvalidClient, "Authorization: must be Basic".into());
        let (by_header, given) = basic(header.to_str().unwrap_or_default()).ok_or_else(refused)?;
        if id.is_some_and(|id| id != by_header) {
            return Err(OAuthFailure::invalid_request("client_id: is not that of the Authorization header"));
        }
        Ok(Some(Self { id: by_header, secret: Some(given), by_header: true }))
    }

    /// The client, if it is who it says.
    pub(super) fn check(&self, state: &AppState) -> Result<Client, OAuthFailure> {
        let client = state.identity.authenticate_client(&self.id, self.secret.as_deref())?;
        let basic = client.metadata.token_endpoint_auth_method == "client_secret_basic";
        if basic != self.by_header {
            let text = "the client must authenticate in the way that it registered".to_owned();
            return Err(OAuthError::Refused(ErrorCode::InvalidClient, text).into());
        }
        Ok(client)
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then_some(())?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().map(String::from).ok()
    };
    Some((plain(id)?, plain(secret)?))
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    device_code: Option<String>,
}

fn required<'a>(value: Option<&'a String>, name: &str) -> Result<&'a str, OAuthFailure> {
    value.map(String::as_str).ok_or_else(|| OAuthFailure::invalid_request(format!("{name}: is required")))
}

async fn token(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
    OAuthForm(mut body): OAuthForm<TokenRequest>,
) -> Result<Json<Value>, OAuthFailure> {
    // Charged before anything is looked up; paid back unless somebody guesses.
    let key = LimitKey::new("oauth-token", address, "");
    state.limiter.take(&key, state.config.login_address_limit).map_err(|e| OAuthFailure::limited(&e))?;
    let credentials = Credentials::of(&headers, body.client_id.take(), body.client_secret.take())?;
    let credentials = credentials.ok_or_else(|| OAuthFailure::invalid_request("client_id: is required"))?;
    let client = credentials.check(&state)?;
    let granted = grant(&state, &client, &body).await;
    let guessed = matches!(granted, Err(Failed::Grant(OAuthError::Refused(ErrorCode::InvalidGrant, _))));
    if !guessed {
        state.limiter.give_back(&key);
    }
    let Granted { tokens, scope } = granted?;
    Ok(Json(json!({
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in_ms.map(|ms| ms / 1000),
        "refresh_token": tokens.refresh_token,
        "scope": scope,
    })))
}

/// Why nothing was granted.
enum Failed {
    Request(OAuthFailure),
    Grant(OAuthError),
}

impl From<OAuthFailure> for Failed {
    fn from(failure: OAuthFailure) -> Self {
        Self::Request(failure)
    }
}

impl From<OAuthError> for Failed {
    fn from(error: OAuthError) -> Self {
        Self::Grant(error)
    }
}

impl From<Failed> for OAuthFailure {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Request(failure) => failure,
            Failed::Grant(error) => error.into(),
        }
    }
}

async fn grant(state: &AppState, client: &Client, body: &TokenRequest) -> Result<Granted, Failed> {
    let identity = &state.identity;
    match required(body.grant_type.as_ref(), "grant_type")? {
        CODE => {
            let code = required(body.code.as_ref(), "code")?;
            let redirect_uri = required(body.redirect_uri.as_ref(), "redirect_uri")?;
            let verifier = required(body.code_verifier.as_ref(), "code_verifier")?;
            Ok(identity.redeem_code(client, code, redirect_uri, verifier).await?)
        }
        REFRESH => {
            let token = required(body.refresh_token.as_ref(), "refresh_token")?;
            Ok(identity.redeem_refresh_token(client, token).await?)
        }
        DEVICE => {
            let code = required(body.device_code.as_ref(), "device_code")?;
            Ok(identity.redeem_device_code(client, code).await?)
        }
        _ => {
            let text = "grant_type: is not supported here".to_owned();
            Err(OAuthError::Refused(ErrorCode::UnsupportedGrantType, text).into())
        }
    }
}

#[derive(Deserialize)]
struct RevokeRequest {
    token: Option<String>,
    token_type_hint: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Whoever holds a token may revoke it, whatever client they name; a secret that is given must still be right.
async fn revoke(
    State(state): State<AppState>,
    ClientAddr(address): ClientAddr,
    headers: HeaderMap,
    OAuthForm(body): OAuthForm<RevokeRequest>,
) -> Result<Empty, OAuthFailure> {
    let key = LimitKey::new("oauth-revoke", address, "");
    state.limiter.take(&key, state.config.login_address_limit).map_err(|e| OAuthFailure::limited(&e))?;
    let token = required(body.token.as_ref(), "token")?;
    if !matches!(body.token_type_hint.as_deref(), None | Some("access_token" | "refresh_token")) {
        return Err(OAuthFailure::invalid_request("token_type_hint: must be access_token or refresh_token"));
    }
    let credentials = Credentials::of(&headers, body.client_id, body.client_secret)?;
    if let Some(credentials) = credentials.filter(|credentials| credentials.secret.is_some()) {
        credentials.check(&state)?;
    }
    state.identity.revoke_token(token).await?;
    Ok(Empty)
}
