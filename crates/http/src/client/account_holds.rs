//! `GET|PUT /_matrix/client/v1/admin/suspend/{userId}` and `…/lock/{userId}`.
//! Specification: Client-Server API, "Account suspension", "Account locking" and "Server Administration".

use axum::{Router, extract::State, routing::get};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use wardline_audit::{Action, Entry};
use wardline_domain::ruma::{EventId, OwnedUserId, UserId};
use wardline_store::account_holds::{self, Holds};
use wardline_store::{StoreError, UserNid, accounts, events};

use super::rooms::require_admin;
use crate::{AppState, Authenticated, Json, MatrixError, Path};

pub(crate) fn routes() -> Router<AppState> {
    let base = "/_matrix/client/v1/admin";
    Router::new()
        .route(&format!("{base}/suspend/{{userId}}"), get(suspended).put(suspend))
        .route(&format!("{base}/lock/{{userId}}"), get(locked).put(lock))
}

/// Refuses what a held account may not do: a locked one may only sign out; a suspended one may read, leave rooms, take
/// back what it said and look after its keys and devices.
pub(crate) fn check(holds: Holds, method: &Method, path: &str) -> Result<(), MatrixError> {
    if holds.locked && !path.starts_with("/_matrix/client/v3/logout") {
        let error = "the account is locked";
        return Err(
            MatrixError::new(StatusCode::UNAUTHORIZED, "M_USER_LOCKED", error).with("soft_logout", true)
        );
    }
    if holds.suspended && method != Method::GET && says_or_changes(path) {
        let error = "the account is suspended";
        return Err(MatrixError::new(StatusCode::FORBIDDEN, "M_USER_SUSPENDED", error));
    }
    Ok(())
}

/// Refuses a suspended account that would take back what somebody else said.
pub(crate) fn check_redaction(
    state: &AppState,
    auth: &Authenticated,
    target: &EventId,
) -> Result<(), MatrixError> {
    let is_refused = state.store.read_now(|tx| {
        if !account_holds::get(tx, auth.user_nid)?.suspended {
            return Ok(false);
        }
        let Some(event) = events::find(tx, target)? else { return Ok(false) };
        Ok::<_, StoreError>(events::get(tx, event)?.is_some_and(|event| event.sender != auth.user_nid))
    })?;
    if is_refused {
        let error = "the account is suspended: it can take back only what it said itself";
        return Err(MatrixError::new(StatusCode::FORBIDDEN, "M_USER_SUSPENDED", error));
    }
    Ok(())
}

fn says_or_changes(path: &str) -> bool {
    let mut parts = path.strip_prefix("/_matrix/client/v3/").unwrap_or_default().split('/');
    match parts.next() {
        Some("createRoom" | "join" | "knock" | "profile" | "directory") => true,
        Some("rooms") => {
            let (action, kind) = (parts.nth(1), parts.next());
            match action {
                Some("send") => kind != Some("m.room.redaction"),
                other => matches!(
                    other,
                    Some("join" | "invite" | "kick" | "ban" | "unban" | "state" | "upgrade" | "typing")
                ),
            }
        }
        _ => false,
    }
}

async fn suspended(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Value>, MatrixError> {
    let (_, holds) = held(&state, &auth, &user)?;
    Ok(Json(json!({ "suspended": holds.suspended })))
}

async fn locked(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Value>, MatrixError> {
    let (_, holds) = held(&state, &auth, &user)?;
    Ok(Json(json!({ "locked": holds.locked })))
}

#[derive(Deserialize)]
struct Suspend {
    suspended: bool,
}

#[derive(Deserialize)]
struct Lock {
    locked: bool,
}

async fn suspend(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<Suspend>,
) -> Result<Json<Value>, MatrixError> {
    let (nid, holds) = held(&state, &auth, &user)?;
    hold(&state, &auth, &user, nid, Holds { suspended: body.suspended, ..holds }).await?;
    Ok(Json(json!({ "suspended": body.suspended })))
}

async fn lock(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<Lock>,
) -> Result<Json<Value>, MatrixError> {
    let (nid, holds) = held(&state, &auth, &user)?;
    hold(&state, &auth, &user, nid, Holds { locked: body.locked, ..holds }).await?;
    Ok(Json(json!({ "locked": body.locked })))
}

/// What is put on the account of a user, for administrators.
fn held(state: &AppState, auth: &Authenticated, user: &UserId) -> Result<(UserNid, Holds), MatrixError> {
    require_admin(state, auth)?;
    if user.server_name() != state.config.server_name {
        return Err(MatrixError::invalid_param("userId: not a user of this server"));
    }
    let account = state.store.read_now(|tx| accounts::find(tx, user))?;
    let account = account.filter(|account| !account.deactivated);
    let account = account.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let holds = state.store.read_now(|tx| account_holds::get(tx, account.user))?;
    Ok((account.user, holds))
}

/// Administrators hold neither themselves nor one another.
pub(crate) async fn hold(
    state: &AppState,
    auth: &Authenticated,
    user: &UserId,
    nid: UserNid,
    holds: Holds,
) -> Result<(), MatrixError> {
    if state.store.read_now(|tx| accounts::find(tx, user))?.is_some_and(|account| account.admin) {
        return Err(MatrixError::forbidden("userId: the account of an administrator"));
    }
    let entry = Entry::new(state.clock.now(), auth.user_id.as_str(), Action::AccountHeld)
        .target(user.as_str())
        .device(auth.device_id.as_str())
        .with("suspended", holds.suspended.to_string())
        .with("locked", holds.locked.to_string());
    state
        .store
        .write(move |tx| {
            account_holds::set(tx, nid, holds)?;
            wardline_audit::append(tx, &entry)
        })
        .await?;
    Ok(())
}
