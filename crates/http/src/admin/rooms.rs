//! Rooms.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wardline_audit::Action;
use wardline_domain::Timestamp;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId};
use wardline_engine::purge::Upto;
use wardline_engine::rooms::Overview;
use wardline_store::{StoreError, WriteTx, administration, purge, rooms};

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

/// One room: what a room summary says, and `invited_members`, `published`, `blocked` and `purged`.
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
    if !blocked && state.store.read_now(|tx| purge::is_purged(tx, nid))? {
        return Err(MatrixError::forbidden("the room was purged: nothing is there that could be joined"));
    }
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

#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct Deletion {
    /// Whether its history is removed for good; no if not said.
    #[serde(default)]
    purge: bool,
    /// With `purge`: whether this server's files that its events name in clear go too; no if not said. What encrypted
    /// events name, the server does not know.
    #[serde(default)]
    media: bool,
}

/// What became of a room.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    /// How many people were taken out.
    removed: usize,
    /// How many events were removed for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    purged: Option<u64>,
}

/// Beginning of the types of rooms that are part of the clinical record.
const RECORD: &str = "org.wardline.";

/// Closes a room for good: nobody may join it any more, everybody is taken out, and it is found nowhere. Its history
/// stays in the archive, unless it is to be purged: then nothing is left but that its members left it. A patient's
/// conversation is never purged.
#[utoipa::path(delete, path = "/_wardline/admin/v1/rooms/{roomId}", tag = "rooms", params(("roomId" = String, Path)),
    request_body = Deletion,
    responses((status = 200, body = Deleted), (status = 403, description = "part of the clinical record"), (status = 404)))]
pub(super) async fn delete(
    State(state): State<AppState>,
    by: Administrator,
    Path(room): Path<OwnedRoomId>,
    OptionalJson(body): OptionalJson<Deletion>,
) -> Result<Json<Deleted>, MatrixError> {
    if body.purge {
        not_of_the_record(&state, &room)?;
    }
    // First, so that nobody comes back in between; a repetition goes on where this ended.
    set_blocked(&state, &by, &room, true, "delete").await?;
    state.engine.rooms.make_unfindable(&room).await?;
    let removed = state.engine.rooms.remove_everybody(&room).await?;
    if !body.purge {
        return Ok(Json(Deleted { removed, purged: None }));
    }
    let entry = entry(&state, &by, Action::RoomAdministered)
        .target(room.as_str())
        .with("change", "purge")
        .with("media", body.media.to_string());
    let also = move |tx: &mut WriteTx<'_>| wardline_audit::append(tx, &entry).map(drop);
    let purged = state.engine.purges.purge(&room, body.media, by.user_nid, also).await?;
    Ok(Json(Deleted { removed, purged: Some(purged) }))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct HistoryPurge {
    /// The last event that is erased. This or `before`.
    event_id: Option<String>,
    /// What was sent before this instant is erased, in milliseconds since the Unix epoch. This or `event_id`.
    before: Option<i64>,
    /// Whether this server's files that the messages name in clear go too; no if not said.
    #[serde(default)]
    media: bool,
}

impl HistoryPurge {
    fn upto(&self) -> Result<Upto, MatrixError> {
        match (&self.event_id, self.before) {
            (Some(event), None) => OwnedEventId::try_from(event.as_str())
                .map(Upto::Event)
                .map_err(|_| MatrixError::invalid_param("event_id: not an event id")),
            (None, Some(before)) => Ok(Upto::Time(Timestamp(before))),
            _ => Err(MatrixError::invalid_param("event_id, before: exactly one of them is needed")),
        }
    }
}

/// How many messages were erased.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Erased {
    erased: u64,
}

/// Erases what was said in a room up to an event or an instant: of each message stays what a redaction leaves. State and
/// members stay. A patient's conversation is never erased.
#[utoipa::path(post, path = "/_wardline/admin/v1/rooms/{roomId}/purge-history", tag = "rooms",
    params(("roomId" = String, Path)), request_body = HistoryPurge,
    responses((status = 200, body = Erased), (status = 403, description = "part of the clinical record"), (status = 404)))]
pub(super) async fn purge_history(
    State(state): State<AppState>,
    by: Administrator,
    Path(room): Path<OwnedRoomId>,
    Json(body): Json<HistoryPurge>,
) -> Result<Json<Erased>, MatrixError> {
    let upto = body.upto()?;
    not_of_the_record(&state, &room)?;
    let mut entry = entry(&state, &by, Action::RoomAdministered)
        .target(room.as_str())
        .with("change", "purge-history")
        .with("media", body.media.to_string());
    entry = match &upto {
        Upto::Event(event) => entry.with("upto", event.as_str()),
        Upto::Time(before) => entry.with("before", before.as_millis().to_string()),
    };
    let also = move |tx: &mut WriteTx<'_>| wardline_audit::append(tx, &entry).map(drop);
    let erased = state.engine.purges.erase_history(&room, upto, body.media, also).await?;
    Ok(Json(Erased { erased }))
}

/// Refuses to remove anything of a room that is part of the clinical record.
fn not_of_the_record(state: &AppState, room: &RoomId) -> Result<(), MatrixError> {
    let kind = state.engine.rooms.overview(room)?.summary.room_type;
    match kind.is_some_and(|kind| kind.starts_with(RECORD)) {
        true => Err(MatrixError::forbidden("the room is part of the clinical record and cannot be purged")),
        false => Ok(()),
    }
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
