//! `POST /oauth/token`, `POST /oauth/revoke` and `POST /oauth/introspect`.
//! Specification: Client-Server API, "Grant types" and "Token revocation"; RFC 6749, RFC 7009, RFC 7662, RFC 8628,
//! RFC 9449; SMART App Launch 2.2, "Backend Services".

use axum::{Router, extract::State, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::{
    Thumbprint,
    oauth::{Client, ErrorCode, Granted, Introspection, OAuthError},
    show_thumbprint,
};

use super::{error::OAuthFailure, form::OAuthForm};
use crate::{AppState, ClientAddr, Empty, Json, LimitKey, extract::dpop_proof};

pub(super) const TOKEN: &str = "/oauth/token";
pub(super) const REVOKE: &str = "/oauth/revoke";
pub(super) const INTROSPECT: &str = "/oauth/introspect";
const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SYSTEM: &str = "client_credentials";
/// What the token endpoint takes.
pub(super) const GRANTS: [&str; 4] = [CODE, REFRESH, DEVICE, SYSTEM];
/// The one kind of assertion by which a client proves who it is.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route(TOKEN, post(token)).route(REVOKE, post(revoke)).route(INTROSPECT, post(introspect))
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
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
    scope: Option<String>,
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
    if body.grant_type.as_deref() == Some(SYSTEM) {
        let granted = system(&state, &headers, &body).await?;
        state.limiter.give_back(&key);
        return Ok(granted);
    }
    let credentials = Credentials::of(&headers, body.client_id.take(), body.client_secret.take())?;
    let credentials = credentials.ok_or_else(|| OAuthFailure::invalid_request("client_id: is required"))?;
    let client = credentials.check(&state)?;
    let proved = proved_key(&state, &headers)?;
    let granted = grant(&state, &client, &body, proved).await;
    let guessed = matches!(granted, Err(Failed::Grant(OAuthError::Refused(ErrorCode::InvalidGrant, _))));
    if !guessed {
        state.limiter.give_back(&key);
    }
    let Granted { tokens, scope, bound } = match granted {
        Ok(granted) => granted,
        Err(failed) => {
            let dead = body.refresh_token.as_deref().filter(|_| guessed);
            let erase = dead.map_or(Ok(false), |token| state.identity.must_erase(token))?;
            return Err(OAuthFailure::from(failed).erasing(erase));
        }
    };
    Ok(Json(json!({
        "access_token": tokens.access_token,
        "token_type": if bound { "DPoP" } else { "Bearer" },
        "expires_in": tokens.expires_in_ms.map(|ms| ms / 1000),
        "refresh_token": tokens.refresh_token,
        "scope": scope,
    })))
}

/// A token for a system without a person behind it, which proves by an assertion who it is.
async fn system(
    state: &AppState,
    headers: &HeaderMap,
    body: &TokenRequest,
) -> Result<Json<Value>, OAuthFailure> {
    if headers.contains_key(header::AUTHORIZATION) || body.client_secret.is_some() {
        return Err(OAuthFailure::invalid_request("the client must authenticate by client_assertion only"));
    }
    if required(body.client_assertion_type.as_ref(), "client_assertion_type")? != JWT_BEARER {
        return Err(OAuthFailure::invalid_request(format!("client_assertion_type: must be {JWT_BEARER}")));
    }
    let assertion = required(body.client_assertion.as_ref(), "client_assertion")?;
    let scope = required(body.scope.as_ref(), "scope")?;
    let audience = format!("{}{TOKEN}", state.config.public_base_url);
    let said = body.client_id.as_deref();
    let granted = state.identity.redeem_assertion(assertion, said, scope, &audience).await?;
    Ok(Json(json!({
        "access_token": granted.token,
        "token_type": "bearer",
        "expires_in": granted.expires_in,
        "scope": granted.scope,
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

/// The key of which the client has proved possession, if it wants its tokens bound to one. RFC 9449 section 5.
fn proved_key(state: &AppState, headers: &HeaderMap) -> Result<Option<Thumbprint>, OAuthFailure> {
    let Some(proof) = dpop_proof(headers).map_err(OAuthFailure::dpop)? else { return Ok(None) };
    let url = format!("{}{TOKEN}", state.config.public_base_url);
    state.identity.dpop().check(proof, "POST", &url, None).map(Some).map_err(OAuthFailure::dpop)
}

async fn grant(
    state: &AppState,
    client: &Client,
    body: &TokenRequest,
    key: Option<Thumbprint>,
) -> Result<Granted, Failed> {
    let identity = &state.identity;
    match required(body.grant_type.as_ref(), "grant_type")? {
        CODE => {
            let code = required(body.code.as_ref(), "code")?;
            let redirect_uri = required(body.redirect_uri.as_ref(), "redirect_uri")?;
            let verifier = required(body.code_verifier.as_ref(), "code_verifier")?;
            Ok(identity.redeem_code(client, code, redirect_uri, verifier, key).await?)
        }
        REFRESH => {
            let token = required(body.refresh_token.as_ref(), "refresh_token")?;
            Ok(identity.redeem_refresh_token(client, token, key).await?)
        }
        DEVICE => {
            let code = required(body.device_code.as_ref(), "device_code")?;
            Ok(identity.redeem_device_code(client, code, key).await?)
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

#[derive(Deserialize)]
struct IntrospectRequest {
    token: Option<String>,
}

/// Whoever holds an access token may ask what it is good for: a service that was given one asks about its caller. A
/// refresh token is never given to a service, so that it is not looked up.
async fn introspect(
    State(state): State<AppState>,
    OAuthForm(body): OAuthForm<IntrospectRequest>,
) -> Result<Json<Value>, OAuthFailure> {
    // Without a limit: nobody guesses 256 bits, and a service asks for all its callers from one address.
    let found = state.identity.introspect(required(body.token.as_ref(), "token")?).await?;
    let Some(found) = found else { return Ok(Json(json!({ "active": false }))) };
    Ok(Json(described(&found)))
}

fn described(token: &Introspection) -> Value {
    let seconds = |at: wardline_domain::Timestamp| at.as_millis().div_euclid(1000);
    let mut answer = json!({
        "active": true,
        "sub": token.user_id,
        "username": token.user_id,
        "device_id": token.device_id,
        "token_type": if token.thumbprint.is_some() { "DPoP" } else { "Bearer" },
        "acr": token.authentication.assurance.as_str(),
        "amr": [token.authentication.method],
        "auth_time": seconds(token.authentication.at),
        "org.wardline.signed_in_at": seconds(token.opened_at),
    });
    if let Some((client, scope)) = &token.client {
        answer["client_id"] = json!(client);
        answer["scope"] = json!(scope);
    }
    if let Some(at) = token.expires_at {
        answer["exp"] = json!(seconds(at));
    }
    if let Some(thumbprint) = &token.thumbprint {
        answer["cnf"] = json!({ "jkt": show_thumbprint(thumbprint) });
    }
    answer
}
