//! `POST /_matrix/client/v1/appservice/{appserviceId}/ping` and `PUT|DELETE
//! /_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}`.
//! Specification: Application Service API, "Pinging" and "Application service room directories".

use axum::{
    Router,
    extract::State,
    routing::{post, put},
};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::app_services::AskError;
use wardline_store::{app_services, rooms};

use crate::{AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, Path, app_service};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v1/appservice/{appserviceId}/ping", post(ping)).route(
        "/_matrix/client/v3/directory/list/appservice/{networkId}/{roomId}",
        put(set_visibility).delete(unlist),
    )
}

#[derive(Deserialize)]
struct PingRequest {
    transaction_id: Option<String>,
}

async fn ping(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<PingRequest>,
) -> Result<Json<Value>, MatrixError> {
    let service = app_service::caller(&headers, &state)?;
    if service.id() != id {
        return Err(MatrixError::forbidden("appserviceId: not the application service of the token"));
    }
    let services = &state.engine.context.app_services;
    match services.ping(service, body.transaction_id.as_deref()).await {
        Ok(ping) => {
            service.is_there();
            Ok(Json(json!({ "duration_ms": ping.duration_ms })))
        }
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &AskError) -> MatrixError {
    let (status, code) = match error {
        AskError::NoUrl | AskError::BadUrl => (StatusCode::BAD_REQUEST, "M_URL_NOT_SET"),
        AskError::Status(..) => (StatusCode::BAD_GATEWAY, "M_BAD_STATUS"),
        AskError::Unreachable(error) if error.is_timeout() => {
            (StatusCode::GATEWAY_TIMEOUT, "M_CONNECTION_TIMEOUT")
        }
        AskError::Unreachable(_) => (StatusCode::BAD_GATEWAY, "M_CONNECTION_FAILED"),
    };
    let answer = MatrixError::new(status, code, error.to_string());
    match error {
        AskError::Status(status, body) => answer.with("status", *status).with("body", body.as_str()),
        _ => answer,
    }
}

#[derive(Deserialize)]
struct VisibilityRequest {
    visibility: String,
}

async fn set_visibility(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((network, room)): Path<(String, OwnedRoomId)>,
    Json(body): Json<VisibilityRequest>,
) -> Result<Empty, MatrixError> {
    let listed = match &*body.visibility {
        "public" => true,
        "private" => false,
        _ => return Err(MatrixError::invalid_param("visibility: must be public or private")),
    };
    list(&state, &auth, network, room, listed).await
}

async fn unlist(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((network, room)): Path<(String, OwnedRoomId)>,
) -> Result<Empty, MatrixError> {
    list(&state, &auth, network, room, false).await
}

async fn list(
    state: &AppState,
    auth: &Authenticated,
    network: String,
    room: OwnedRoomId,
    listed: bool,
) -> Result<Empty, MatrixError> {
    let service = auth.app_service.clone();
    let service = service.ok_or_else(|| MatrixError::forbidden("only application services may do this"))?;
    let nid = state.store.read_now(|tx| rooms::find(tx, &room))?;
    let nid = nid.ok_or_else(|| MatrixError::not_found("there is no such room"))?;
    state.store.write(move |tx| app_services::list_room(tx, &service, &network, nid, listed)).await?;
    Ok(Empty)
}
