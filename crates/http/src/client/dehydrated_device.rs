//! `PUT|GET|DELETE …/dehydrated_device`, `GET|POST …/dehydrated_device/{deviceId}/events`.
//! Specification: MSC3814, "Dehydrated devices with SSSS".

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, put};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_engine::keys::{Dehydrated, KeyError, Messages, Upload};
use wardline_store::Pos;

use super::keys::{InOrder, text};
use crate::{AppState, Authenticated, Json, MatrixError, Path, Query};

const PATH: &str = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";
/// The largest sleeping device, in bytes: keys and their encrypted private parts.
const MAX_BODY: usize = 1 << 20;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(PATH, put(dehydrate).get(found).delete(delete))
        .route(&format!("{PATH}/{{deviceId}}/events"), get(events).post(events_before))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

#[derive(Deserialize)]
struct DehydrateRequest {
    device_id: String,
    initial_device_display_name: Option<String>,
    device_data: Box<RawValue>,
    device_keys: Option<Box<RawValue>>,
    #[serde(default)]
    one_time_keys: InOrder,
    #[serde(default)]
    fallback_keys: InOrder,
}

async fn dehydrate(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<DehydrateRequest>,
) -> Result<Json<Value>, MatrixError> {
    let device = Dehydrated {
        device_id: body.device_id.clone(),
        display_name: body.initial_device_display_name,
        device_data: text(body.device_data),
        keys: Upload {
            device_keys: body.device_keys.map(text),
            one_time_keys: body.one_time_keys.texts(),
            fallback_keys: body.fallback_keys.texts(),
        },
    };
    let user = (&*auth.user_id, auth.user_nid);
    state.engine.keys.dehydrate(user, auth.device_id.as_str(), device).await?;
    Ok(Json(json!({ "device_id": body.device_id })))
}

fn raw(json: String) -> Result<Box<RawValue>, MatrixError> {
    RawValue::from_string(json).map_err(|error| MatrixError::internal(&error))
}

#[derive(Serialize)]
struct Found {
    device_id: String,
    device_data: Box<RawValue>,
}

async fn found(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Found>, MatrixError> {
    let device = state.engine.keys.dehydrated(auth.user_nid)?.ok_or(KeyError::UnknownDevice)?;
    Ok(Json(Found { device_id: device.device_id, device_data: raw(device.device_data)? }))
}

async fn delete(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    let user = (&*auth.user_id, auth.user_nid);
    let device_id = state.engine.keys.delete_dehydrated(user, auth.device_id.as_str()).await?;
    Ok(Json(json!({ "device_id": device_id })))
}

#[derive(Deserialize)]
struct EventsQuery {
    from: Option<String>,
}

#[derive(Deserialize)]
struct EventsRequest {
    next_batch: Option<String>,
}

#[derive(Serialize)]
struct EventsAnswer {
    events: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

/// The present form of the proposal: the last page has no `next_batch`.
async fn events(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(device): Path<String>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<EventsAnswer>, MatrixError> {
    let page = page(&state, &auth, device, "from", query.from.as_deref()).await?;
    let next_batch = page.more.then(|| token(page.next));
    Ok(Json(EventsAnswer { events: shown(page)?, next_batch }))
}

/// The form before, which clients with matrix-rust-sdk use: they ask until a page is empty, and begin anew without
/// `next_batch`.
async fn events_before(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(device): Path<String>,
    Json(body): Json<EventsRequest>,
) -> Result<Json<EventsAnswer>, MatrixError> {
    let page = page(&state, &auth, device, "next_batch", body.next_batch.as_deref()).await?;
    let next_batch = Some(token(page.next));
    Ok(Json(EventsAnswer { events: shown(page)?, next_batch }))
}

/// The prefix keeps it from being taken for a token of /sync.
fn token(pos: Pos) -> String {
    format!("d{pos}")
}

fn shown(page: Messages) -> Result<Vec<Box<RawValue>>, MatrixError> {
    page.events.into_iter().map(raw).collect()
}

async fn page(
    state: &AppState,
    auth: &Authenticated,
    device: String,
    field: &str,
    from: Option<&str>,
) -> Result<Messages, MatrixError> {
    let after = match from {
        None => 0,
        Some(token) => token
            .strip_prefix('d')
            .and_then(|pos| pos.parse().ok())
            .ok_or_else(|| MatrixError::invalid_param(format!("{field}: not a token of this endpoint")))?,
    };
    Ok(state.engine.keys.messages_to_dehydrated(auth.user_nid, device, after).await?)
}
