//! `GET /_matrix/client/v3/account/whoami`, `POST …/account/password`, `POST …/account/deactivate`.
//! Specification: Client-Server API, "Account management".

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::KIND;

use crate::{AppState, Authenticated, Empty, Json, MatrixError, OptionalJson, uia};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/account/whoami", get(whoami))
        .route("/_matrix/client/v3/account/password", post(password))
        .route("/_matrix/client/v3/account/deactivate", post(deactivate))
}

async fn whoami(auth: Authenticated) -> Json<Value> {
    let mut answer = json!({
        "user_id": auth.user_id,
        "is_guest": auth.guest,
        KIND: auth.kind.as_str(),
    });
    if !auth.device_id.as_str().is_empty() {
        answer["device_id"] = json!(auth.device_id);
    }
    let how = &auth.authentication;
    if let Some(role) = &how.role {
        answer["org.wardline.role"] =
            json!({ "id": role.id, "code": role.code, "name": role.name, "ods": how.organisation });
    }
    Json(answer)
}

#[derive(Deserialize)]
struct PasswordRequest {
    auth: Option<uia::UiaAuth>,
    new_password: String,
    #[serde(default = "yes")]
    logout_devices: bool,
}

fn yes() -> bool {
    true
}

async fn password(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<PasswordRequest>,
) -> Result<Empty, MatrixError> {
    uia::require(&state, &auth, "password", body.auth).await?;
    state.identity.change_password(&auth, &body.new_password, body.logout_devices).await?;
    Ok(Empty)
}

#[derive(Deserialize)]
struct DeactivateRequest {
    auth: Option<uia::UiaAuth>,
}

async fn deactivate(
    State(state): State<AppState>,
    auth: Authenticated,
    OptionalJson(body): OptionalJson<DeactivateRequest>,
) -> Result<Json<Value>, MatrixError> {
    uia::require(&state, &auth, "deactivate", body.auth).await?;
    state.identity.deactivate(&auth).await?;
    Ok(Json(json!({ "id_server_unbind_result": "no-support" })))
}
