//! What the server says of itself: `ServiceProviderConfig`, `ResourceTypes`, `Schemas` (RFC 7644 section 4).

use axum::{Router, extract::State, response::IntoResponse, response::Response, routing::get};
use http::StatusCode;
use serde_json::{Value, json};
use wardline_identity::scim::{resource_types, schemas};

use super::{
    answer::{Provisioner, Refusal, Scim},
    base,
    resources::{MAX_FOUND, list},
};
use crate::{AppState, Path, Query};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/ServiceProviderConfig", get(config))
        .route("/ResourceTypes", get(all_types))
        .route("/ResourceTypes/{id}", get(one_type))
        .route("/Schemas", get(all_schemas))
        .route("/Schemas/{id}", get(one_schema))
}

async fn config(State(state): State<AppState>, _: Provisioner) -> Scim {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_FOUND },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token made with `wardline scim-token`",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{}/ServiceProviderConfig", base(&state)),
        },
    });
    Scim(StatusCode::OK, body)
}

/// A filter here is refused, as RFC 7644 section 4 asks.
fn everything(all: Vec<Value>, query: &[(String, String)]) -> Result<Response, Refusal> {
    if query.iter().any(|(name, _)| name == "filter") {
        return Err(Refusal::new(StatusCode::FORBIDDEN, None, "filter: is not allowed here"));
    }
    let count = all.len();
    Ok(list(all, count, 1).into_response())
}

fn one(all: Vec<Value>, id: &str) -> Result<Scim, Refusal> {
    let found = all.into_iter().find(|it| it["id"].as_str() == Some(id));
    found.map(|it| Scim(StatusCode::OK, it)).ok_or_else(Refusal::not_found)
}

async fn all_types(
    State(state): State<AppState>,
    _: Provisioner,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    everything(resource_types(&base(&state)), &query)
}

async fn one_type(
    State(state): State<AppState>,
    _: Provisioner,
    Path(id): Path<String>,
) -> Result<Scim, Refusal> {
    one(resource_types(&base(&state)), &id)
}

async fn all_schemas(
    State(state): State<AppState>,
    _: Provisioner,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    everything(schemas(&base(&state)), &query)
}

async fn one_schema(
    State(state): State<AppState>,
    _: Provisioner,
    Path(id): Path<String>,
) -> Result<Scim, Refusal> {
    one(schemas(&base(&state)), &id)
}
