//! `/_matrix/client/v3/thirdparty/…`: other networks that can be reached through application services.
//! Specification: Client-Server API, "Third-party Networks".

use axum::{Router, extract::State, routing::get};
use serde_json::Value;

use crate::{AppState, Authenticated, Json, MatrixError, Path, Query};

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_matrix/client/v3/thirdparty";
    Router::new()
        .route(&format!("{base}/protocols"), get(protocols))
        .route(&format!("{base}/protocol/{{protocol}}"), get(protocol))
        .route(&format!("{base}/location"), get(location))
        .route(&format!("{base}/location/{{protocol}}"), get(location_in))
        .route(&format!("{base}/user"), get(user))
        .route(&format!("{base}/user/{{protocol}}"), get(user_in))
}

type Fields = Vec<(String, String)>;

fn unknown() -> MatrixError {
    MatrixError::not_found("protocol: no bridge speaks it")
}

async fn protocols(State(state): State<AppState>, _: Authenticated) -> Json<Value> {
    Json(Value::Object(state.engine.context.app_services.protocols().await))
}

async fn protocol(
    State(state): State<AppState>,
    _: Authenticated,
    Path(protocol): Path<String>,
) -> Result<Json<Value>, MatrixError> {
    state.engine.context.app_services.protocol(&protocol).await.map(Json).ok_or_else(unknown)
}

async fn location(
    State(state): State<AppState>,
    _: Authenticated,
    Query(fields): Query<Fields>,
) -> Result<Json<Value>, MatrixError> {
    look(&state, "location", None, required("alias", fields)?).await
}

async fn location_in(
    State(state): State<AppState>,
    _: Authenticated,
    Path(protocol): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Json<Value>, MatrixError> {
    look(&state, "location", Some(&protocol), fields).await
}

async fn user(
    State(state): State<AppState>,
    _: Authenticated,
    Query(fields): Query<Fields>,
) -> Result<Json<Value>, MatrixError> {
    look(&state, "user", None, required("userid", fields)?).await
}

async fn user_in(
    State(state): State<AppState>,
    _: Authenticated,
    Path(protocol): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Json<Value>, MatrixError> {
    look(&state, "user", Some(&protocol), fields).await
}

/// Only the field that the lookup by a Matrix name has.
fn required(name: &str, fields: Fields) -> Result<Fields, MatrixError> {
    let field = fields.into_iter().find(|(field, _)| field == name);
    field.map(|field| vec![field]).ok_or_else(|| MatrixError::missing_param(format!("{name}: is required")))
}

async fn look(
    state: &AppState,
    kind: &'static str,
    protocol: Option<&str>,
    fields: Fields,
) -> Result<Json<Value>, MatrixError> {
    let services = &state.engine.context.app_services;
    if protocol.is_some_and(|protocol| !services.speaks(protocol)) {
        return Err(unknown());
    }
    // A token that a client put into the query is nobody else's business.
    let fields: Fields = fields.into_iter().filter(|(name, _)| name != "access_token").collect();
    Ok(Json(Value::Array(services.third_party(kind, protocol, &fields).await)))
}
