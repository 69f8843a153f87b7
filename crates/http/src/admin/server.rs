//! Counts, and what the server does with other servers.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use wardline_store::administration;

use super::Administrator;
use crate::{AppState, Json, MatrixError};

/// Counts of what the server holds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Statistics {
    server_name: String,
    version: String,
    counts: BTreeMap<String, u64>,
}

/// Counts of what the server holds.
#[utoipa::path(get, path = "/_wardline/admin/v1/statistics", tag = "server",
    responses((status = 200, body = Statistics)))]
pub(super) async fn statistics(
    State(state): State<AppState>,
    _: Administrator,
) -> Result<Json<Statistics>, MatrixError> {
    let counts = state.store.read(|tx| administration::counts(tx)).await?;
    Ok(Json(Statistics {
        server_name: state.config.server_name.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        counts: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
    }))
}

/// What the server does with other servers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Federation {
    /// Always false: this server does not federate.
    enabled: bool,
    destinations: Vec<String>,
}

/// Says that the server does not federate.
#[utoipa::path(get, path = "/_wardline/admin/v1/federation", tag = "server",
    responses((status = 200, body = Federation)))]
pub(super) async fn federation(_: Administrator) -> Json<Federation> {
    Json(Federation { enabled: false, destinations: Vec::new() })
}
