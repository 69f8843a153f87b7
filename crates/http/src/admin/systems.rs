//! Systems that use the FHIR API without a person behind them (SMART Backend Services).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use wardline_audit::Action;
use wardline_identity::oauth::SystemClient;

use super::{Administrator, DONE, Done, entry};
use crate::{AppState, Json, MatrixError, Path};

/// A system.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct System {
    client_id: String,
    name: String,
    /// The most that it may ask for: `system/…` scopes of SMART, parted by spaces.
    scope: String,
    /// Its public keys, a JWK Set.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    /// Where it publishes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
}

impl From<SystemClient> for System {
    fn from(it: SystemClient) -> Self {
        Self { client_id: it.id, name: it.name, scope: it.scope, jwks: it.keys, jwks_uri: it.keys_uri }
    }
}

/// All systems.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Systems {
    system_clients: Vec<System>,
}

/// Lists the systems, by id.
#[utoipa::path(get, path = "/_wardline/admin/v1/system-clients", tag = "system clients",
    responses((status = 200, body = Systems)))]
pub(super) async fn list(
    State(state): State<AppState>,
    _: Administrator,
) -> Result<Json<Systems>, MatrixError> {
    let all = state.identity.system_clients()?;
    Ok(Json(Systems { system_clients: all.into_iter().map(System::from).collect() }))
}

/// One system.
#[utoipa::path(get, path = "/_wardline/admin/v1/system-clients/{id}", tag = "system clients",
    params(("id" = String, Path)), responses((status = 200, body = System), (status = 404)))]
pub(super) async fn one(
    State(state): State<AppState>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<System>, MatrixError> {
    Ok(Json(state.identity.system_client(&id)?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSystem {
    /// What it is called.
    name: String,
    /// The most that it may ask for: `system/…` scopes of SMART, parted by spaces.
    scope: String,
    /// Its public keys, a JWK Set; this or `jwks_uri`.
    jwks: Option<Value>,
    /// Where it publishes them.
    jwks_uri: Option<String>,
}

/// Registers a system, or changes the one with this id: its tokens end then.
#[utoipa::path(put, path = "/_wardline/admin/v1/system-clients/{id}", tag = "system clients",
    params(("id" = String, Path)), request_body = NewSystem,
    responses((status = 200, body = System), (status = 201, body = System), (status = 400)))]
pub(super) async fn put(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<String>,
    Json(body): Json<NewSystem>,
) -> Result<Response, MatrixError> {
    let NewSystem { name, scope, jwks, jwks_uri } = body;
    let client = SystemClient { id: id.clone(), name, scope, keys: jwks, keys_uri: jwks_uri };
    let entry = entry(&state, &by, Action::SystemClientChanged);
    let new = state.identity.put_system_client(entry, client).await?;
    let made = state.identity.system_client(&id)?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(System::from(made))).into_response())
}

/// Removes a system; its tokens end at once.
#[utoipa::path(delete, path = "/_wardline/admin/v1/system-clients/{id}", tag = "system clients",
    params(("id" = String, Path)), responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Done>, MatrixError> {
    let entry = entry(&state, &by, Action::SystemClientChanged);
    state.identity.remove_system_client(entry, &id).await?;
    Ok(DONE)
}
