//! `/_matrix/client/v3/room_keys/…`.
//! Specification: Client-Server API, "Server-side key backups".

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wardline_engine::backup::{BackupError, Keys};
use wardline_store::key_backup::{BackedUpKey, Version};

use crate::{AppState, Authenticated, Empty, Json, MatrixError, Path, Query};

/// The largest body of an upload of keys, in bytes: clients send hundreds of keys at a time.
const MAX_BODY: usize = 8 << 20;

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/room_keys/version", post(create).get(current))
        .route(
            "/_matrix/client/v3/room_keys/version/{version}",
            get(version).put(update).delete(delete_version),
        )
        .route("/_matrix/client/v3/room_keys/keys", put(put_all).get(get_all).delete(delete_all))
        .route("/_matrix/client/v3/room_keys/keys/{roomId}", put(put_room).get(get_room).delete(delete_room))
        .route(
            "/_matrix/client/v3/room_keys/keys/{roomId}/{sessionId}",
            put(put_session).get(get_session).delete(delete_session),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

impl From<BackupError> for MatrixError {
    fn from(error: BackupError) -> Self {
        let text = error.to_string();
        match error {
            BackupError::NoVersion | BackupError::NoKey => Self::not_found(text),
            BackupError::WrongVersion { current } => {
                Self::new(StatusCode::FORBIDDEN, "M_WRONG_ROOM_KEYS_VERSION", text)
                    .with("current_version", current.to_string())
            }
            BackupError::Invalid(_) => Self::invalid_param(text),
            BackupError::Store(error) => error.into(),
        }
    }
}

/// Versions are opaque strings to clients; one that is not a number was never given out.
fn number(version: &str) -> Result<u64, MatrixError> {
    version.parse().map_err(|_| BackupError::NoVersion.into())
}

fn object(field: &str, value: Box<RawValue>) -> Result<String, MatrixError> {
    if value.get().starts_with('{') {
        Ok(Box::<str>::from(value).into())
    } else {
        Err(MatrixError::bad_json(format!("{field}: expected an object")))
    }
}

fn raw(json: String) -> Result<Box<RawValue>, MatrixError> {
    RawValue::from_string(json).map_err(|error| MatrixError::internal(&error))
}

#[derive(Deserialize)]
struct VersionRequest {
    algorithm: String,
    auth_data: Box<RawValue>,
    version: Option<String>,
}

#[derive(Serialize)]
struct VersionAnswer {
    version: String,
    algorithm: String,
    auth_data: Box<RawValue>,
    count: u64,
    etag: String,
}

fn shown(version: Version) -> Result<Json<VersionAnswer>, MatrixError> {
    Ok(Json(VersionAnswer {
        version: version.version.to_string(),
        algorithm: version.algorithm,
        auth_data: raw(version.auth_data)?,
        count: version.count,
        etag: version.etag.to_string(),
    }))
}

async fn create(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<VersionRequest>,
) -> Result<Json<Value>, MatrixError> {
    let auth_data = object("auth_data", body.auth_data)?;
    let version = state.engine.backup.create(auth.user_nid, body.algorithm, auth_data).await?;
    Ok(Json(json!({ "version": version.to_string() })))
}

async fn current(
    State(state): State<AppState>,
    auth: Authenticated,
) -> Result<Json<VersionAnswer>, MatrixError> {
    shown(state.engine.backup.version(auth.user_nid, None)?)
}

async fn version(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(version): Path<String>,
) -> Result<Json<VersionAnswer>, MatrixError> {
    shown(state.engine.backup.version(auth.user_nid, Some(number(&version)?))?)
}

async fn update(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(version): Path<String>,
    Json(body): Json<VersionRequest>,
) -> Result<Empty, MatrixError> {
    if body.version.is_some_and(|given| given != version) {
        return Err(MatrixError::invalid_param("version: not that of the path"));
    }
    let auth_data = object("auth_data", body.auth_data)?;
    state.engine.backup.update(auth.user_nid, number(&version)?, body.algorithm, auth_data).await?;
    Ok(Empty)
}

async fn delete_version(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(version): Path<String>,
) -> Result<Empty, MatrixError> {
    state.engine.backup.delete(auth.user_nid, number(&version)?).await?;
    Ok(Empty)
}

#[derive(Deserialize, Serialize)]
struct KeyData {
    first_message_index: u64,
    forwarded_count: u64,
    is_verified: bool,
    session_data: Box<RawValue>,
}

#[derive(Deserialize, Serialize, Default)]
struct RoomKeys {
    sessions: BTreeMap<String, KeyData>,
}

#[derive(Deserialize, Serialize, Default)]
struct AllKeys {
    rooms: BTreeMap<String, RoomKeys>,
}

#[derive(Deserialize)]
struct WhichVersion {
    version: String,
}

fn backed_up(room_id: String, session_id: String, data: KeyData) -> Result<BackedUpKey, MatrixError> {
    for (field, number) in
        [("first_message_index", data.first_message_index), ("forwarded_count", data.forwarded_count)]
    {
        if i64::try_from(number).is_err() {
            return Err(MatrixError::invalid_param(format!("{field}: too large")));
        }
    }
    Ok(BackedUpKey {
        room_id,
        session_id,
        first_message_index: data.first_message_index,
        forwarded_count: data.forwarded_count,
        is_verified: data.is_verified,
        session_data: object("session_data", data.session_data)?,
    })
}

fn of_room(room_id: &str, keys: RoomKeys) -> Result<Vec<BackedUpKey>, MatrixError> {
    keys.sessions.into_iter().map(|(session, data)| backed_up(room_id.to_owned(), session, data)).collect()
}

fn counted(version: &Version) -> Json<Value> {
    Json(json!({ "count": version.count, "etag": version.etag.to_string() }))
}

async fn store_keys(
    state: &AppState,
    auth: &Authenticated,
    version: &str,
    keys: Vec<BackedUpKey>,
) -> Result<Json<Value>, MatrixError> {
    Ok(counted(&state.engine.backup.put(auth.user_nid, number(version)?, keys).await?))
}

async fn put_all(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<WhichVersion>,
    Json(body): Json<AllKeys>,
) -> Result<Json<Value>, MatrixError> {
    let mut keys = Vec::new();
    for (room, of) in body.rooms {
        keys.extend(of_room(&room, of)?);
    }
    store_keys(&state, &auth, &query.version, keys).await
}

async fn put_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<String>,
    Query(query): Query<WhichVersion>,
    Json(body): Json<RoomKeys>,
) -> Result<Json<Value>, MatrixError> {
    store_keys(&state, &auth, &query.version, of_room(&room, body)?).await
}

async fn put_session(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, session)): Path<(String, String)>,
    Query(query): Query<WhichVersion>,
    Json(body): Json<KeyData>,
) -> Result<Json<Value>, MatrixError> {
    store_keys(&state, &auth, &query.version, vec![backed_up(room, session, body)?]).await
}

async fn load(
    state: &AppState,
    auth: &Authenticated,
    version: &str,
    which: Keys,
) -> Result<AllKeys, MatrixError> {
    let mut all = AllKeys::default();
    for key in state.engine.backup.get(auth.user_nid, number(version)?, which).await? {
        let data = KeyData {
            first_message_index: key.first_message_index,
            forwarded_count: key.forwarded_count,
            is_verified: key.is_verified,
            session_data: raw(key.session_data)?,
        };
        all.rooms.entry(key.room_id).or_default().sessions.insert(key.session_id, data);
    }
    Ok(all)
}

async fn get_all(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<WhichVersion>,
) -> Result<Json<AllKeys>, MatrixError> {
    Ok(Json(load(&state, &auth, &query.version, Keys::All).await?))
}

async fn get_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<String>,
    Query(query): Query<WhichVersion>,
) -> Result<Json<RoomKeys>, MatrixError> {
    let which = Keys::Room(room.as_str().into());
    let mut all = load(&state, &auth, &query.version, which).await?;
    Ok(Json(all.rooms.remove(&room).unwrap_or_default()))
}

async fn get_session(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, session)): Path<(String, String)>,
    Query(query): Query<WhichVersion>,
) -> Result<Json<KeyData>, MatrixError> {
    let which = Keys::Session(room.as_str().into(), session.as_str().into());
    let mut all = load(&state, &auth, &query.version, which).await?;
    let found = all.rooms.remove(&room).and_then(|mut keys| keys.sessions.remove(&session));
    Ok(Json(found.ok_or(BackupError::NoKey)?))
}

async fn remove(
    state: &AppState,
    auth: &Authenticated,
    version: &str,
    which: Keys,
) -> Result<Json<Value>, MatrixError> {
    Ok(counted(&state.engine.backup.delete_keys(auth.user_nid, number(version)?, which).await?))
}

async fn delete_all(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<WhichVersion>,
) -> Result<Json<Value>, MatrixError> {
    remove(&state, &auth, &query.version, Keys::All).await
}

async fn delete_room(
    State(state): State<AppState>,
    auth: Authenticated,
    Path(room): Path<String>,
    Query(query): Query<WhichVersion>,
) -> Result<Json<Value>, MatrixError> {
    remove(&state, &auth, &query.version, Keys::Room(room.into())).await
}

async fn delete_session(
    State(state): State<AppState>,
    auth: Authenticated,
    Path((room, session)): Path<(String, String)>,
    Query(query): Query<WhichVersion>,
) -> Result<Json<Value>, MatrixError> {
    remove(&state, &auth, &query.version, Keys::Session(room.into(), session.into())).await
}
