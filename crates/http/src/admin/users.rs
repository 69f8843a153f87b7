//! Accounts.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use wardline_domain::ruma::{OwnedUserId, UserId};
use wardline_domain::visibility::Membership;
use wardline_identity::DISPLAY_NAME;
use wardline_store::{
    UserNid,
    account_holds::{self, Holds},
    accounts,
    administration::{self, AccountFilter, AccountRow},
    members, rooms, sessions,
};

use super::{Administrator, DONE, Done, Part};
use crate::client::hold;
use crate::{AppState, Json, MatrixError, Path, Query};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// `staff`, `patient`, `outsider` or `service`.
    kind: String,
    admin: bool,
    guest: bool,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    deactivated: bool,
    suspended: bool,
    locked: bool,
}

impl From<AccountRow> for User {
    fn from(row: AccountRow) -> Self {
        Self {
            user_id: row.user_id.into(),
            display_name: row.display_name.and_then(|json| serde_json::from_str(&json).ok()),
            kind: row.kind,
            admin: row.admin,
            guest: row.guest,
            created_at: row.created_at.as_millis(),
            deactivated: row.deactivated,
            suspended: row.suspended,
            locked: row.locked,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// With this in their id or name.
    search: Option<String>,
    /// Only administrators, or only others.
    admin: Option<bool>,
    /// Only deactivated accounts, or only active ones.
    deactivated: Option<bool>,
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Users {
    users: Vec<User>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Lists accounts, by user id.
#[utoipa::path(get, path = "/_wardline/admin/v1/users", tag = "users", params(Part, Which),
    responses((status = 200, body = Users)))]
pub(super) async fn list(
    State(state): State<AppState>,
    _: Administrator,
    Query(part): Query<Part>,
    Query(which): Query<Which>,
) -> Result<Json<Users>, MatrixError> {
    let search = which.search.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = AccountFilter { search, admin: which.admin, deactivated: which.deactivated };
    let (rows, total) =
        state.store.read(move |tx| administration::accounts(tx, &filter, part.from, part.limit())).await?;
    let next = part.next(rows.len(), total);
    Ok(Json(Users { users: rows.into_iter().map(User::from).collect(), total, next }))
}

fn find(state: &AppState, user: &UserId) -> Result<AccountRow, MatrixError> {
    let row = state.store.read_now(|tx| match accounts::find(tx, user)? {
        Some(account) => administration::account_of(tx, account.user),
        None => Ok(None),
    })?;
    row.ok_or_else(|| MatrixError::not_found("there is no such user"))
}

/// One account.
#[utoipa::path(get, path = "/_wardline/admin/v1/users/{userId}", tag = "users", params(("userId" = String, Path)),
    responses((status = 200, body = User), (status = 404)))]
pub(super) async fn one(
    State(state): State<AppState>,
    _: Administrator,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<User>, MatrixError> {
    Ok(Json(find(&state, &user)?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewUser {
    /// Without one nobody can sign in by password.
    password: Option<String>,
    display_name: Option<String>,
    #[serde(default)]
    admin: bool,
}

/// Makes an account.
#[utoipa::path(put, path = "/_wardline/admin/v1/users/{userId}", tag = "users", params(("userId" = String, Path)),
    request_body = NewUser, responses((status = 200, body = User), (status = 400, description = "the name is taken")))]
pub(super) async fn create(
    State(state): State<AppState>,
    by: Administrator,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<NewUser>,
) -> Result<Json<User>, MatrixError> {
    if user.server_name() != state.config.server_name {
        return Err(MatrixError::invalid_param("userId: not a user of this server"));
    }
    if let Some(password) = &body.password {
        state.identity.check_new_password(password, user.localpart()).await?;
    }
    let made = state.identity.create_account(user.localpart(), body.password.as_deref(), false).await?;
    if let Some(name) = body.display_name {
        let name = Value::from(name);
        state.identity.set_profile_field_of(&by, &made.user_id, DISPLAY_NAME, Some(&name)).await?;
    }
    // Also audits in whose name the account was made.
    state.identity.set_administrator(&by, &made.user_id, body.admin).await?;
    Ok(Json(find(&state, &made.user_id)?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Change {
    admin: Option<bool>,
    suspended: Option<bool>,
    locked: Option<bool>,
    display_name: Option<String>,
}

/// Changes an account: what is not named stays.
#[utoipa::path(patch, path = "/_wardline/admin/v1/users/{userId}", tag = "users", params(("userId" = String, Path)),
    request_body = Change, responses((status = 200, body = User), (status = 404)))]
pub(super) async fn change(
    State(state): State<AppState>,
    by: Administrator,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<Change>,
) -> Result<Json<User>, MatrixError> {
    let row = active(&state, &user)?;
    if body.suspended.is_some() || body.locked.is_some() {
        let holds = state.store.read_now(|tx| account_holds::get(tx, row.user))?;
        let holds = Holds {
            suspended: body.suspended.unwrap_or(holds.suspended),
            locked: body.locked.unwrap_or(holds.locked),
        };
        hold(&state, &by, &user, row.user, holds).await?;
    }
    if let Some(name) = body.display_name {
        let name = Value::from(name);
        state.identity.set_profile_field_of(&by, &user, DISPLAY_NAME, Some(&name)).await?;
    }
    if let Some(admin) = body.admin {
        state.identity.set_administrator(&by, &user, admin).await?;
    }
    Ok(Json(find(&state, &user)?.into()))
}

fn active(state: &AppState, user: &UserId) -> Result<AccountRow, MatrixError> {
    let row = find(state, user)?;
    if row.deactivated { Err(MatrixError::not_found("the account is deactivated")) } else { Ok(row) }
}

/// Deactivates an account for good.
#[utoipa::path(post, path = "/_wardline/admin/v1/users/{userId}/deactivate", tag = "users",
    params(("userId" = String, Path)), responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn deactivate(
    State(state): State<AppState>,
    by: Administrator,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Done>, MatrixError> {
    state.identity.deactivate_other(&by, &user).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct NewPassword {
    password: String,
    /// Whether all devices of the account are signed out; yes if not said.
    sign_out: Option<bool>,
}

/// Gives an account a new password.
#[utoipa::path(post, path = "/_wardline/admin/v1/users/{userId}/password", tag = "users",
    params(("userId" = String, Path)), request_body = NewPassword,
    responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn password(
    State(state): State<AppState>,
    by: Administrator,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<NewPassword>,
) -> Result<Json<Done>, MatrixError> {
    state.identity.reset_password(&by, &user, &body.password, body.sign_out.unwrap_or(true)).await?;
    Ok(DONE)
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    device_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// Milliseconds since the Unix epoch.
    last_seen_at: i64,
}

/// The devices of an account, each with at most one session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    devices: Vec<Device>,
}

/// Lists the devices of an account.
#[utoipa::path(get, path = "/_wardline/admin/v1/users/{userId}/devices", tag = "users",
    params(("userId" = String, Path)), responses((status = 200, body = Devices), (status = 404)))]
pub(super) async fn devices(
    State(state): State<AppState>,
    _: Administrator,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Devices>, MatrixError> {
    let nid: UserNid = find(&state, &user)?.user;
    let devices = state.store.read_now(|tx| sessions::devices(tx, nid))?;
    let device = |device: sessions::Device| Device {
        device_id: device.device_id,
        display_name: device.display_name,
        last_seen_at: device.last_seen_at.as_millis(),
    };
    Ok(Json(Devices { devices: devices.into_iter().map(device).collect() }))
}

/// How many devices were removed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Removed {
    removed: usize,
}

/// Signs an account out everywhere: all its devices go with their keys.
#[utoipa::path(post, path = "/_wardline/admin/v1/users/{userId}/sign-out", tag = "users",
    params(("userId" = String, Path)), responses((status = 200, body = Removed), (status = 404)))]
pub(super) async fn sign_out(
    State(state): State<AppState>,
    by: Administrator,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<Removed>, MatrixError> {
    let removed = state.identity.remove_devices_of(&by, &user, None).await?;
    Ok(Json(Removed { removed }))
}

/// Removes a device with its session and keys.
#[utoipa::path(delete, path = "/_wardline/admin/v1/users/{userId}/devices/{deviceId}", tag = "users",
    params(("userId" = String, Path), ("deviceId" = String, Path)),
    responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn remove_device(
    State(state): State<AppState>,
    by: Administrator,
    Path((user, device)): Path<(OwnedUserId, String)>,
) -> Result<Json<Done>, MatrixError> {
    match state.identity.remove_devices_of(&by, &user, Some(vec![device])).await? {
        0 => Err(MatrixError::not_found("there is no such device")),
        _ => Ok(DONE),
    }
}

/// Rooms that a user is joined to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomIds {
    rooms: Vec<String>,
}

/// Lists the rooms that a user is joined to.
#[utoipa::path(get, path = "/_wardline/admin/v1/users/{userId}/rooms", tag = "users",
    params(("userId" = String, Path)), responses((status = 200, body = RoomIds), (status = 404)))]
pub(super) async fn rooms_of(
    State(state): State<AppState>,
    _: Administrator,
    Path(user): Path<OwnedUserId>,
) -> Result<Json<RoomIds>, MatrixError> {
    let nid = find(&state, &user)?.user;
    let rooms = state.store.read_now(|tx| -> Result<Vec<String>, wardline_store::StoreError> {
        let joined = members::rooms_of(tx, nid, Membership::Join)?;
        joined.into_iter().map(|room| Ok(rooms::room_id(tx, room)?.into())).collect()
    })?;
    Ok(Json(RoomIds { rooms }))
}
