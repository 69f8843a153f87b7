//! Uploaded files.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wardline_audit::Action;
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{StoreError, administration, users};

use super::{Administrator, DONE, Done, Part, entry};
use crate::{AppState, Json, MatrixError, Path, Query};

/// What one user keeps.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Share {
    user_id: String,
    files: u64,
    bytes: u64,
}

/// Who keeps how much.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Usage {
    users: Vec<Share>,
}

/// Who keeps how many files and bytes, those with most bytes first.
#[utoipa::path(get, path = "/_wardline/admin/v1/media", tag = "media", params(Part),
    responses((status = 200, body = Usage)))]
pub(super) async fn usage(
    State(state): State<AppState>,
    _: Administrator,
    Query(part): Query<Part>,
) -> Result<Json<Usage>, MatrixError> {
    let rows = state.store.read(move |tx| administration::media_usage(tx, part.from, part.limit())).await?;
    let share = |(user, files, bytes): (OwnedUserId, u64, u64)| Share { user_id: user.into(), files, bytes };
    Ok(Json(Usage { users: rows.into_iter().map(share).collect() }))
}

/// A file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct File {
    media_id: String,
    content_type: String,
    bytes: u64,
    /// Milliseconds since the Unix epoch.
    created_at: i64,
    quarantined: bool,
}

/// Files of a user, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Files {
    media: Vec<File>,
}

/// Lists the files of a user, newest first.
#[utoipa::path(get, path = "/_wardline/admin/v1/users/{userId}/media", tag = "media",
    params(("userId" = String, Path), Part), responses((status = 200, body = Files), (status = 404)))]
pub(super) async fn of_user(
    State(state): State<AppState>,
    _: Administrator,
    Path(user): Path<OwnedUserId>,
    Query(part): Query<Part>,
) -> Result<Json<Files>, MatrixError> {
    let nid = state.store.read_now(|tx| users::find(tx, &user))?;
    let nid = nid.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let rows = state.store.read(move |tx| administration::media_of(tx, nid, part.from, part.limit())).await?;
    let file = |row: administration::MediaRow| File {
        media_id: row.media_id,
        content_type: row.content_type,
        bytes: row.size,
        created_at: row.created_at.as_millis(),
        quarantined: row.quarantined,
    };
    Ok(Json(Files { media: rows.into_iter().map(file).collect() }))
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Quarantine {
    quarantined: bool,
}

fn known(state: &AppState, id: &str) -> Result<(), MatrixError> {
    match state.store.read_now(|tx| administration::has_media(tx, id))? {
        true => Ok(()),
        false => Err(unknown()),
    }
}

fn unknown() -> MatrixError {
    MatrixError::not_found("there is no such file")
}

/// Puts a file into quarantine, so that nobody is given it, or takes it out.
#[utoipa::path(put, path = "/_wardline/admin/v1/media/{mediaId}/quarantine", tag = "media",
    params(("mediaId" = String, Path)), request_body = Quarantine,
    responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn quarantine(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<String>,
    Json(body): Json<Quarantine>,
) -> Result<Json<Done>, MatrixError> {
    known(&state, &id)?;
    let entry = entry(&state, &by, Action::MediaAdministered)
        .target(&*id)
        .with("quarantined", body.quarantined.to_string());
    let act = (by.user_nid, state.clock.now());
    state
        .store
        .write(move |tx| {
            administration::set_quarantined(tx, &id, body.quarantined, act)?;
            wardline_audit::append(tx, &entry)?;
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(DONE)
}

/// Deletes a file. Its content and the thumbnails of it go with the last file that has the same.
#[utoipa::path(delete, path = "/_wardline/admin/v1/media/{mediaId}", tag = "media",
    params(("mediaId" = String, Path)), responses((status = 200, body = Done), (status = 404)))]
pub(super) async fn remove(
    State(state): State<AppState>,
    by: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Done>, MatrixError> {
    let entry = entry(&state, &by, Action::MediaAdministered).target(&*id).with("deleted", "true");
    let existed = state.engine.media.delete(id, move |tx| wardline_audit::append(tx, &entry).map(drop));
    if existed.await? { Ok(DONE) } else { Err(unknown()) }
}
