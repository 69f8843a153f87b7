//! Rooms.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wardline_audit::Action;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId};
use wardline_engine::rooms::Overview;
use wardline_store::{StoreError, administration, rooms};

use super::{Administrator, DONE, Done, Part, entry};
use crate::{AppState, Json, MatrixError, OptionalJson, Path, Query, RawJson};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// With this in their id, an alias or at the beginning of their name.
    search: Option<String>,
}

/// A page of rooms, those with most members first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomPage {
    /// Each as `GET /_wardline/admin/v1/rooms/{roomId}` shows it.
    #[schema(value_type = Vec<Object>)]
    rooms: Vec<Overview>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Lists rooms.
#[utoipa::path(get, path = "/_wardline/admin/v1/rooms", tag = "rooms", params(Part, Which),
    responses((status = 200, body = RoomPage)))]
pub(super) async fn list(
    State(state): State<AppState>,
    _: Administrator,
    Query(part): Query<Part>,
    Query(which): Query<Which>,
) -> Result<Json<RoomPage>, MatrixError> {
    let search = which.search.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (rooms, total) = state.engine.rooms.overviews(search, part.from, part.limit()).await?;
    let next = part.next(rooms.len(), total);
    Ok(Json(RoomPage { rooms, total, next }))
}

/// One room: what a room summary says, and `invited_members`, `published` and `blocked`.
#[utoipa::path(get, path = "/_wardline/admin/v1/rooms/{roomId}", tag = "rooms", params(("roomId" = String, Path)),
    responses((status = 200, body = Object), (status = 404)))]
pub(super) async fn one(
    State(state): State<AppState>,
    _: Administrator,
    Path(room): Path<OwnedRoomId>,
) -> Result<Json<Overview>, MatrixError> {
    Ok(Json(state.engine.rooms.overview(&room)?))
}

/// Somebody who is or was in a room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Member {
    user_id: String,
    membership: String,
}

/// Everybody who is or was in a room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Members {
    members: Vec<Member>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Lists everybody who is or was in a room, by user id.
#[utoipa::path(get, path = "/_wardline/admin/v1/rooms/{roomId}/members", tag = "rooms",
    params(("roomId" = String, Path), Part), responses((status = 200, body = Members), (status = 404)))]
pub(super) async fn members(
    State(state): State<AppState>,
    _: Administrator,
    Path(room): Path<OwnedRoomId>,
    Query(part): Query<Part>,
) -> Result<Json<Members>, MatrixError> {
    let mut all = state.engine.rooms.everybody_in(&room)?;
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let total = all.len() as u64;
    let (from, limit) =
        (usize::try_from(part.from).unwrap_or(usize::MAX), usize::try_from(part.limit()).unwrap_or(500));
    let shown = all.into_iter().skip(from).take(limit);
    let members: Vec<Member> = shown
        .map(|(user, membership)| Member { user_id: user.into(), membership: membership.as_str().to_owned() })
        .collect();
    let next = part.next(members.len(), total);
    Ok(Json(Members { members, total, next }))
}

/// The current state of a room: an array of state events.
#[utoipa::path(get, path = "/_wardline/admin/v1/rooms/{roomId}/state", tag = "rooms",
    params(("roomId" = String, Path)), responses((status = 200, body = Vec<Object>), (status = 404)))]
pub(super) async fn state(
    State(state): State<AppState>,
    _: Administrator,
    Path(room): Path<OwnedRoomId>,
) -> Result<RawJson, MatrixError> {
    Ok(RawJson(state.engine.rooms.whole_state(&room).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Block {
    blocked: bool,
}

/// Blocks a room, so that nobody may join it, or ends that.
#[utoipa::path(put, path = "/_wardline/admin/v1/rooms/{roomId}/block", tag = "rooms",
    params(("roomId" = String, Path)), request_body = Block, responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn block(
    State(state): State<AppState>,
    by: Administrator,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<Block>,
) -> Result<Json<Done>, MatrixError> {
    set_blocked(&state, &by, &room, body.blocked, "block").await?;
    Ok(DONE)
}

async fn set_blocked(
    state: &AppState,
    by: &Administrator,
    room: &RoomId,
    blocked: bool,
    change: &'static str,
) -> Result<(), MatrixError> {
    let nid = state.store.read_now(|tx| rooms::find(tx, room))?;
    let nid = nid.ok_or_else(|| MatrixError::not_found("there is no such room"))?;
    let entry = entry(state, by, Action::RoomAdministered)
        .target(room.as_str())
        .with("change", change)
        .with("blocked", blocked.to_string());
    let (user, at) = (by.user_nid, state.clock.now());
    state
        .store
        .write(move |tx| {
            administration::set_blocked(tx, nid, blocked, (user, at))?;
            wardline_audit::append(tx, &entry)?;
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(())
}

/// How many people were taken out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    removed: usize,
}

/// Closes a room for good: nobody may join it any more, everybody is taken out, and it is found nowhere. Its history
/// stays in the archive.
#[utoipa::path(delete, path = "/_wardline/admin/v1/rooms/{roomId}", tag = "rooms", params(("roomId" = String, Path)),
    responses((status = 200, body = Deleted), (status = 404)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    by: Administrator,
    Path(room): Path<OwnedRoomId>,
) -> Result<Json<Deleted>, MatrixError> {
    // First, so that nobody comes back in between; a repetition goes on where this ended.
    set_blocked(&state, &by, &room, true, "delete").await?;
    state.engine.rooms.make_unfindable(&room).await?;
    let removed = state.engine.rooms.remove_everybody(&room).await?;
    Ok(Json(Deleted { removed }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct MakeAdmin {
    /// The member; the administrator if not said.
    user_id: Option<String>,
}

/// Gives a member of a room the highest power that another member of this server has.
#[utoipa::path(post, path = "/_wardline/admin/v1/rooms/{roomId}/make-admin", tag = "rooms",
    params(("roomId" = String, Path)), request_body = MakeAdmin,
    responses((status = 200, body = Done), (status = 403, description = "nobody can give it")))]
pub(super) async fn make_admin(
    State(state): State<AppState>,
    by: Administrator,
    Path(room): Path<OwnedRoomId>,
    OptionalJson(body): OptionalJson<MakeAdmin>,
) -> Result<Json<Done>, MatrixError> {
    let user = match body.user_id {
        Some(user) => {
            OwnedUserId::try_from(user).map_err(|_| MatrixError::invalid_param("user_id: not a user id"))?
        }
        None => by.user_id.clone(),
    };
    let entry = entry(&state, &by, Action::RoomAdministered)
        .target(room.as_str())
        .with("change", "make-admin")
        .with("user", user.as_str());
    state.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
    state.engine.rooms.make_powerful(&room, &user).await?;
    Ok(DONE)
}
