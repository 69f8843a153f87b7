//! `GET /metrics` for Prometheus, and `POST /_wardline/client/v1/undecryptable`, by which clients tell how much they
//! could not read: see `docs/protocol/undecryptable.md`. Counts only.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use wardline_engine::keys::{Cause, Reading};

use crate::{AppState, Authenticated, Empty, Json, MatrixError};

/// The most messages of one kind in one report: what a client can read in a day, and no more.
const MAX_COUNT: u64 = 1_000_000;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/_wardline/client/v1/undecryptable", post(undecryptable))
}

/// Whoever has the operator's token; to everybody else this page does not exist.
async fn metrics(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .unwrap_or_default();
    match &state.config.metrics_token {
        Some(token) if bool::from(token.as_bytes().ct_eq(given.as_bytes())) => {
            let text = state.engine.keys.metrics().prometheus();
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        _ => MatrixError::unrecognized(StatusCode::NOT_FOUND).into_response(),
    }
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    decrypted: u64,
    #[serde(default)]
    recovered: u64,
    #[serde(default)]
    undecryptable: BTreeMap<String, u64>,
}

async fn undecryptable(
    State(state): State<AppState>,
    _: Authenticated,
    Json(report): Json<Report>,
) -> Result<Empty, MatrixError> {
    let mut reading =
        Reading { decrypted: report.decrypted, recovered: report.recovered, ..Reading::default() };
    for (name, count) in report.undecryptable {
        // A cause that a newer client knows is one of the others here.
        let place =
            Cause::ALL.iter().position(|cause| cause.as_str() == name).unwrap_or(Cause::ALL.len() - 1);
        reading.undecryptable[place] = reading.undecryptable[place].saturating_add(count);
    }
    let counts = reading.undecryptable.iter().chain([&reading.decrypted, &reading.recovered]);
    if counts.max().is_some_and(|most| *most > MAX_COUNT) {
        return Err(MatrixError::invalid_param(format!("counts: the most is {MAX_COUNT}")));
    }
    state.engine.keys.metrics().report(&reading);
    Ok(Empty)
}
