//! `POST /_matrix/client/v3/keys/{upload,query,claim}`, `GET …/keys/changes`,
//! `POST …/keys/device_signing/upload`, `POST …/keys/signatures/upload`.
//! Specification: Client-Server API, "End-to-End Encryption", "Key management API".

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use wardline_domain::ruma::OwnedUserId;
use wardline_engine::keys::{KeyError, Keys, SigningKeys, Upload, user_id_of};
use wardline_engine::sync::SyncToken;
use wardline_identity::Session;

use super::kinds::may_see;
use crate::{AppState, Authenticated, Json, MatrixError, Query, oauth, uia};

pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/_matrix/client/v3/keys/upload", post(upload))
        .route("/_matrix/client/v3/keys/query", post(query))
        .route("/_matrix/client/v3/keys/claim", post(claim))
        .route("/_matrix/client/v3/keys/changes", get(changes))
        .route("/_matrix/client/v3/keys/device_signing/upload", post(upload_signing_keys))
        .route("/_matrix/client/v3/keys/signatures/upload", post(upload_signatures))
}

impl From<KeyError> for MatrixError {
    fn from(error: KeyError) -> Self {
        let text = error.to_string();
        match error {
            KeyError::Invalid(_) | KeyError::OtherKey(..) => Self::invalid_param(text),
            KeyError::BadSignature(_) => Self::new(StatusCode::BAD_REQUEST, "M_INVALID_SIGNATURE", text),
            KeyError::Missing(_) => Self::missing_param(text),
            KeyError::UnknownKey | KeyError::UnknownDevice => Self::not_found(text),
            KeyError::NameTaken(_) => Self::forbidden(text),
            KeyError::DeviceGone => Self::unknown_token(false),
            KeyError::AuthRequired => Self::forbidden(text),
            KeyError::Store(error) => error.into(),
        }
    }
}

/// An upload whose shape is wrong is a bad body.
fn malformed(error: KeyError) -> MatrixError {
    match error {
        KeyError::Invalid(_) => MatrixError::bad_json(error.to_string()),
        other => other.into(),
    }
}

/// The members of a JSON object as they came: the order of one-time keys is the order of their use.
#[derive(Default)]
pub(super) struct InOrder(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = InOrder;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl InOrder {
    pub(super) fn texts(self) -> Vec<(String, String)> {
        self.0.into_iter().map(|(name, value)| (name, text(value))).collect()
    }
}

pub(super) fn text(value: Box<RawValue>) -> String {
    String::from(Box::<str>::from(value))
}

#[derive(Deserialize)]
struct UploadRequest {
    device_keys: Option<Box<RawValue>>,
    #[serde(default)]
    one_time_keys: InOrder,
    #[serde(default)]
    fallback_keys: InOrder,
}

async fn upload(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<UploadRequest>,
) -> Result<Json<Value>, MatrixError> {
    let upload = Upload {
        device_keys: body.device_keys.map(text),
        one_time_keys: body.one_time_keys.texts(),
        fallback_keys: body.fallback_keys.texts(),
    };
    if auth.device_id.as_str().is_empty() {
        return Err(MatrixError::missing_param("device_id: an application service must name one"));
    }
    let user = (&*auth.user_id, auth.user_nid);
    let counts = state.engine.keys.upload(user, auth.device_id.as_str(), upload).await.map_err(malformed)?;
    let counts: Map<String, Value> = counts.into_iter().map(|(name, count)| (name, count.into())).collect();
    Ok(Json(json!({ "one_time_key_counts": counts })))
}

/// The part of a request that this server can answer, and the servers that it cannot ask.
struct Local<T> {
    users: Vec<(OwnedUserId, T)>,
    failures: Map<String, Value>,
}

/// Parses the user ids of a request and parts this server's users from the servers of the others, who cannot be
/// asked: their servers are answered as failures.
fn local_users<T>(keys: &Keys, field: &str, asked: BTreeMap<String, T>) -> Result<Local<T>, MatrixError> {
    let mut users = Vec::with_capacity(asked.len());
    let mut failures = Map::new();
    for (user, value) in asked {
        let user = user_id_of(field, &user)?;
        if keys.is_local(&user) {
            users.push((user, value));
        } else {
            let failure = json!({ "status": 503, "message": "this server is not connected to it" });
            failures.insert(user.server_name().to_string(), failure);
        }
    }
    Ok(Local { users, failures })
}

/// Leaves out whom the caller cannot know of, as if they had no keys.
fn keep_visible<T>(
    state: &AppState,
    caller: &Session,
    users: &mut Vec<(OwnedUserId, T)>,
) -> Result<(), MatrixError> {
    let mut visible = Vec::with_capacity(users.len());
    for (user, value) in users.drain(..) {
        if may_see(state, caller, &user)? {
            visible.push((user, value));
        }
    }
    *users = visible;
    Ok(())
}

#[derive(Deserialize)]
struct QueryRequest {
    device_keys: BTreeMap<String, Vec<String>>,
}

async fn query(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<QueryRequest>,
) -> Result<Json<Value>, MatrixError> {
    let keys = &state.engine.keys;
    let Local { mut users, failures } = local_users(keys, "device_keys", body.device_keys)?;
    keep_visible(&state, &auth, &mut users)?;
    let found = keys.query(auth.user_nid, users).await?;
    Ok(Json(json!({
        "device_keys": found.device_keys,
        "master_keys": found.master_keys,
        "self_signing_keys": found.self_signing_keys,
        "user_signing_keys": found.user_signing_keys,
        "failures": failures,
    })))
}

#[derive(Deserialize)]
struct ClaimRequest {
    one_time_keys: BTreeMap<String, BTreeMap<String, String>>,
}

async fn claim(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<ClaimRequest>,
) -> Result<Json<Value>, MatrixError> {
    let keys = &state.engine.keys;
    let Local { mut users, failures } = local_users(keys, "one_time_keys", body.one_time_keys)?;
    keep_visible(&state, &auth, &mut users)?;
    let wanted = users
        .into_iter()
        .flat_map(|(user, devices)| {
            devices.into_iter().map(move |(device, algorithm)| (user.clone(), device, algorithm))
        })
        .collect();
    let mut answer = Map::new();
    for (user, devices) in keys.claim(wanted).await? {
        let mut of_user = Map::new();
        for (device, (name, json)) in devices {
            let key: Value = serde_json::from_str(&json).map_err(|error| MatrixError::internal(&error))?;
            of_user.insert(device, json!({ name: key }));
        }
        answer.insert(user.to_string(), of_user.into());
    }
    Ok(Json(json!({ "one_time_keys": answer, "failures": failures })))
}

#[derive(Deserialize)]
struct ChangesQuery {
    from: String,
    to: Option<String>,
}

async fn changes(
    State(state): State<AppState>,
    auth: Authenticated,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<Value>, MatrixError> {
    let position = |field: &str, token: &str| {
        let token: Result<SyncToken, _> = token.parse();
        // Of another database: everything may have changed.
        token
            .map(|token| token.believed(state.store.epochs(), u64::MAX).map_or(0, |token| token.pos))
            .map_err(|_| MatrixError::invalid_param(format!("{field}: not a token of /sync")))
    };
    let from = position("from", &query.from)?;
    let to = query.to.map_or(Ok(u64::MAX), |to| position("to", &to))?;
    let changes = state.engine.keys.changes(auth.user_nid, from, to).await?;
    Ok(Json(json!({ "changed": changes.changed, "left": changes.left })))
}

#[derive(Deserialize)]
struct SigningRequest {
    auth: Option<uia::UiaAuth>,
    master_key: Option<Box<RawValue>>,
    self_signing_key: Option<Box<RawValue>>,
    user_signing_key: Option<Box<RawValue>>,
}

async fn upload_signing_keys(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<SigningRequest>,
) -> Result<Json<Value>, MatrixError> {
    let keys = SigningKeys {
        master: body.master_key.map(text),
        self_signing: body.self_signing_key.map(text),
        user_signing: body.user_signing_key.map(text),
    };
    let user = (&*auth.user_id, auth.user_nid);
    let device = auth.device_id.as_str();
    match state.engine.keys.upload_signing_keys(user, device, keys.clone(), false).await {
        Err(KeyError::AuthRequired) => {
            may_replace(&state, &auth, body.auth).await?;
            state.engine.keys.upload_signing_keys(user, device, keys, true).await?;
        }
        result => result?,
    }
    Ok(Json(json!({})))
}

/// Whether the session may replace its user's identity. To have signed in a moment ago is not enough: whoever holds the
/// token of such a session could pass for its user from then on.
async fn may_replace(
    state: &AppState,
    auth: &Session,
    given: Option<uia::UiaAuth>,
) -> Result<(), MatrixError> {
    let by_password =
        !state.identity.is_oauth_session(auth.session_id)? && uia::password_is_enough(state, auth)?;
    if auth.app_service.is_some() || by_password {
        return uia::require(state, auth, "device_signing", given).await;
    }
    allowed_on_account_page(state, auth).await
}

/// A client that signed in by OAuth or through the browser knows no password: its user allows the replacement on the
/// account page.
/// Specification: "OAuth authentication" (`m.oauth`); the other stage is the name that proposals used before.
async fn allowed_on_account_page(state: &AppState, auth: &Session) -> Result<(), MatrixError> {
    if state.identity.take_cross_signing_reset(auth).await? {
        return Ok(());
    }
    let session = state.identity.uia().begin(auth.user_id.as_str(), "device_signing");
    let url = json!({ "url": oauth::account_url(state, oauth::CROSS_SIGNING_RESET) });
    let stages = ["m.oauth", oauth::CROSS_SIGNING_RESET];
    let params: Map<String, Value> = stages.iter().map(|stage| ((*stage).to_owned(), url.clone())).collect();
    Err(uia::challenge(stages[0], &session)
        .with("flows", json!(stages.map(|stage| json!({ "stages": [stage] }))))
        .with("params", params))
}

async fn upload_signatures(
    State(state): State<AppState>,
    auth: Authenticated,
    Json(body): Json<BTreeMap<String, BTreeMap<String, Box<RawValue>>>>,
) -> Result<Json<Value>, MatrixError> {
    let signed = body
        .into_iter()
        .flat_map(|(user, keys)| keys.into_iter().map(move |(key, object)| (user.clone(), key, text(object))))
        .collect();
    let failures = state.engine.keys.upload_signatures((&auth.user_id, auth.user_nid), signed).await?;
    let mut answer = Map::new();
    for (user, keys) in failures {
        let of_user = keys.into_iter().map(|(key, error)| {
            let error = MatrixError::from(error);
            (key, json!({ "errcode": error.errcode, "error": error.error }))
        });
        answer.insert(user, Value::Object(of_user.collect()));
    }
    Ok(Json(json!({ "failures": answer })))
}
