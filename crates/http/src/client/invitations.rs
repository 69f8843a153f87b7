//! `GET|POST /_wardline/admin/v1/invitations` and `DELETE …/{id}`: one-time links by which an administrator lets
//! somebody make an account. The link leads to the page `/oauth/invitation`.

use axum::{
    Router,
    extract::State,
    routing::{delete, get},
};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_identity::NewInvitation;
use wardline_store::{accounts::AccountKind, invitations::Invitation};

use super::rooms::require_admin;
use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path};

const INVITATIONS: &str = "/_wardline/admin/v1/invitations";

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(INVITATIONS, get(list).post(create))
        .route(&format!("{INVITATIONS}/{{id}}"), delete(withdraw))
}

fn shown(invitation: &Invitation) -> Value {
    json!({
        "id": invitation.id,
        "kind": invitation.kind,
        "admin": invitation.admin,
        "note": invitation.note,
        "created_by": invitation.created_by,
        "created_ts": invitation.created_at,
        "expires_ts": invitation.expires_at,
        "used_ts": invitation.used.as_ref().map(|(at, _)| at),
        "used_by": invitation.used.as_ref().map(|(_, by)| by),
    })
}

async fn list(State(state): State<AppState>, auth: Authenticated) -> Result<Json<Value>, MatrixError> {
    require_admin(&state, &auth)?;
    let invitations: Vec<Value> = state.identity.invitations()?.iter().map(shown).collect();
    Ok(Json(json!({ "invitations": invitations })))
}

#[derive(Deserialize)]
struct CreateRequest {
    #[serde(default = "staff")]
    kind: String,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    note: String,
    #[serde(default = "week")]
    expires_in_ms: i64,
}

fn staff() -> String {
    AccountKind::Staff.as_str().to_owned()
}

fn week() -> i64 {
    7 * 24 * 60 * 60 * 1000
}

async fn create(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<CreateRequest>,
) -> Result<Json<Value>, MatrixError> {
    require_admin(&state, &auth)?;
    let kind = AccountKind::parse(&body.kind)
        .ok_or_else(|| MatrixError::invalid_param("kind: must be staff, patient or outsider"))?;
    let new = NewInvitation { kind, admin: body.admin, note: body.note, lifetime_ms: body.expires_in_ms };
    let (token, invitation) = state.identity.invite(&auth, new).await?;
    let mut answer = shown(&invitation);
    answer["url"] = json!(crate::oauth::invitation_url(&state, &token));
    Ok(Json(answer))
}

async fn withdraw(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(id): Path<String>,
) -> Result<Empty, MatrixError> {
    require_admin(&state, &auth)?;
    state.identity.withdraw_invitation(&auth, &id).await?;
    Ok(Empty)
}
