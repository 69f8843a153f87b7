//! `GET /_matrix/client/v3/devices`, `GET|PUT|DELETE …/devices/{deviceId}`, `POST …/delete_devices`.
//! Specification: Client-Server API, "Device management".

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_store::sessions::Device;

use crate::{AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, Path, uia};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/devices", get(list))
        .route("/_matrix/client/v3/devices/{deviceId}", get(one).put(rename).delete(delete))
        .route("/_matrix/client/v3/delete_devices", post(delete_many))
}

fn shown(device: &Device) -> Value {
    let mut shown = json!({ "device_id": device.device_id, "last_seen_ts": device.last_seen_at });
    if let Some(address) = &device.last_seen_ip {
        shown["last_seen_ip"] = json!(address);
    }
    if let Some(name) = &device.display_name {
        shown["display_name"] = json!(name);
    }
    shown
}

async fn list(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let devices: Vec<_> = state.identity.devices(&auth)?.iter().map(shown).collect();
    Ok(Json(json!({ "devices": devices })))
}

async fn one(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(device): Path<String>,
) -> Result<Json<Value>, MatrixError> {
    Ok(Json(shown(&state.identity.device(&auth, &device)?)))
}

#[derive(Deserialize)]
struct RenameRequest {
    display_name: Option<String>,
}

async fn rename(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(device): Path<String>,
    Json(body): Json<RenameRequest>,
) -> Result<Response, MatrixError> {
    if auth.app_service.is_some() {
        let new = state.identity.put_service_device(&auth, &device, body.display_name).await?;
        let status = if new { StatusCode::CREATED } else { StatusCode::OK };
        return Ok((status, Empty).into_response());
    }
    match body.display_name {
        Some(name) => state.identity.rename_device(&auth, &device, Some(name)).await?,
        None => drop(state.identity.device(&auth, &device)?),
    }
    Ok(Empty.into_response())
}

#[derive(Deserialize)]
struct DeleteRequest {
    auth: Option<uia::UiaAuth>,
}

/// One password allows one deletion, of one device or many.
const DELETE: &str = "delete_devices";

async fn delete(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(device): Path<String>,
    OptionalJson(body): OptionalJson<DeleteRequest>,
) -> Result<Empty, MatrixError> {
    uia::require(&state, &auth, DELETE, body.auth).await?;
    state.identity.delete_devices(&auth, vec![device]).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct DeleteManyRequest {
    auth: Option<uia::UiaAuth>,
    devices: Vec<String>,
}

async fn delete_many(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<DeleteManyRequest>,
) -> Result<Empty, MatrixError> {
    uia::require(&state, &auth, DELETE, body.auth).await?;
    state.identity.delete_devices(&auth, body.devices).await?;
    Ok(Empty)
}
