//! `GET /_matrix/client/v1/auth_metadata`, and the same under its unstable name and RFC 8414's well-known path.
//! Specification: Client-Server API, "Server metadata discovery".

use axum::{Router, extract::State, routing::get};
use serde_json::{Value, json};
use wardline_identity::{DPOP_ALGORITHMS, oauth::ASSERTION_ALGORITHMS};

use super::{account, authorize, issuer, link, register, token, words};
use crate::{AppState, Json};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v1/auth_metadata", get(metadata))
        .route("/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata))
}

async fn metadata(State(state): State<AppState>) -> Json<Value> {
    Json(endpoints(&state))
}

/// The metadata of the server (RFC 8414).
pub(crate) fn endpoints(state: &AppState) -> Value {
    let at = |path: &str| format!("{}{path}", state.config.public_base_url);
    let auth_methods = ["none", "client_secret_basic", "client_secret_post"];
    let token_methods = [&auth_methods[..], &["private_key_jwt"]].concat();
    json!({
        "issuer": issuer(state),
        "authorization_endpoint": at(authorize::PATH),
        "token_endpoint": at(token::TOKEN),
        "revocation_endpoint": at(token::REVOKE),
        "introspection_endpoint": at(token::INTROSPECT),
        "introspection_endpoint_auth_methods_supported": ["none"],
        "dpop_signing_alg_values_supported": DPOP_ALGORITHMS,
        "registration_endpoint": at(register::PATH),
        "device_authorization_endpoint": at(link::DEVICE_AUTHORIZATION),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": token::GRANTS,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": token_methods,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "revocation_endpoint_auth_methods_supported": auth_methods,
        "scopes_supported": ["urn:matrix:client:api:*", "user/*.cruds", "system/*.cruds"],
        "authorization_response_iss_parameter_supported": true,
        "account_management_uri": at(account::PATH),
        "account_management_actions_supported": account::ACTIONS,
        "ui_locales_supported": words::LANGUAGES,
        "service_documentation": "https://spec.matrix.org/latest/client-server-api/#oauth-20-api",
    })
}
