//! `POST /_matrix/client/v3/user/{userId}/openid/request_token` and what the third party asks with it, `GET
//! /_matrix/federation/v1/openid/userinfo`. Specification: Client-Server API, "OpenID"; Server-Server API, "OpenID".

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_domain::ruma::OwnedUserId;
use wardline_identity::OPENID_LIFETIME_S;

use super::account_data::must_be_own;
use crate::{AppState, Authenticated, Json, MatrixError, OptionalJson, Path, Query};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/user/{userId}/openid/request_token", post(request_token))
        .route("/_matrix/federation/v1/openid/userinfo", get(user_info))
}

#[derive(Deserialize)]
struct Nothing {}

async fn request_token(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    OptionalJson(Nothing {}): OptionalJson<Nothing>,
) -> Result<Json<Value>, MatrixError> {
    must_be_own(&auth, &user)?;
    Ok(Json(json!({
        "access_token": state.identity.openid_token(&auth).await?,
        "token_type": "Bearer",
        "matrix_server_name": state.config.server_name,
        "expires_in": OPENID_LIFETIME_S,
    })))
}

#[derive(Deserialize)]
struct UserInfo {
    access_token: Option<String>,
}

async fn user_info(
    State(state): State<AppState>,
    Query(query): Query<UserInfo>,
) -> Result<Json<Value>, MatrixError> {
    let token = query.access_token.ok_or_else(MatrixError::missing_token)?;
    Ok(Json(json!({ "sub": state.identity.openid_user(&token)? })))
}
