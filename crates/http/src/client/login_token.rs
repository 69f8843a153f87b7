//! `POST /_matrix/client/v1/login/get_token`: a signed-in client lets another one sign in.
//! Specification: Client-Server API, "Login", `m.get_login_token`.

use axum::{Router, extract::State, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{AppState, Authenticated, Json, MatrixError, OptionalJson, uia};

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/_matrix/client/v1/login/get_token", post(get_token))
}

#[derive(Deserialize)]
struct GetTokenRequest {
    auth: Option<uia::UiaAuth>,
}

async fn get_token(
    State(state): State<AppState>,
    auth: Authenticated,
    OptionalJson(body): OptionalJson<GetTokenRequest>,
) -> Result<Json<Value>, MatrixError> {
    uia::require(&state, &auth, "get_login_token", body.auth).await?;
    let (token, expires_in_ms) = state.identity.carry_login_token(&auth).await?;
    Ok(Json(json!({ "login_token": token, "expires_in_ms": expires_in_ms })))
}
