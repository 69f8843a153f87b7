//! `/_matrix/client/v3/account/3pid…` and the endpoints that send tokens by e-mail and text message.
//! Specification: Client-Server API, "Adding account administrative contact information".
//!
//! Accounts have no e-mail addresses or telephone numbers here: people are provisioned by their organisation, and a
//! forgotten password is its identity provider's affair. `GET` says so, removing what is not there succeeds, and what
//! would add something is refused.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AppState, Authenticated, Json, MatrixError};

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_matrix/client/v3";
    let mut router = Router::new()
        .route(&format!("{base}/account/3pid"), get(list).post(refuse_change))
        .route(&format!("{base}/account/3pid/add"), post(refuse_change))
        .route(&format!("{base}/account/3pid/bind"), post(refuse_change))
        .route(&format!("{base}/account/3pid/delete"), post(remove))
        .route(&format!("{base}/account/3pid/unbind"), post(remove));
    for purpose in ["account/3pid", "account/password", "register"] {
        for medium in ["email", "msisdn"] {
            router = router.route(&format!("{base}/{purpose}/{medium}/requestToken"), post(refuse_token));
        }
    }
    router
}

async fn list(_: Authenticated) -> Json<Value> {
    Json(json!({ "threepids": [] }))
}

async fn refuse_change(_: Authenticated) -> MatrixError {
    MatrixError::forbidden("accounts have no e-mail addresses or telephone numbers on this server")
}

#[derive(Deserialize)]
struct RemoveRequest {
    #[serde(rename = "address")]
    _address: String,
    #[serde(rename = "medium")]
    _medium: String,
}

async fn remove(_: Authenticated, Json(_): Json<RemoveRequest>) -> Json<Value> {
    Json(json!({ "id_server_unbind_result": "no-support" }))
}

async fn refuse_token(State(_): State<AppState>) -> MatrixError {
    MatrixError::new(
        StatusCode::FORBIDDEN,
        "M_THREEPID_DENIED",
        "accounts have no e-mail addresses or telephone numbers on this server",
    )
}
