//! Server notices: messages of the people who run the server, in a room of its own for each person.
//! Specification: Client-Server API, "Server Notices".

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use utoipa::ToSchema;
use wardline_audit::Action;
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use wardline_domain::visibility::Membership;
use wardline_engine::rooms::{Caller, CreateRoom, Message, Preset};
use wardline_identity::{DISPLAY_NAME, IdentityError};
use wardline_store::{UserNid, administration, members, rooms, users};

use super::{Administrator, entry};
use crate::{AppState, Json, MatrixError, Path, client::known_user};

/// The local part of the user who sends notices. Nobody else can have it: it begins with an underscore.
const NOTICES: &str = "_notices";
/// The longest notice, in bytes.
const LONGEST: usize = 16 << 10;

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Notice {
    /// The text.
    body: String,
}

/// A notice was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sent {
    room_id: String,
    event_id: String,
}

/// Sends a notice to a person. The first one makes the room and invites them.
#[utoipa::path(post, path = "/_wardline/admin/v1/users/{userId}/notices", tag = "notices",
    params(("userId" = String, Path)), request_body = Notice, responses((status = 200, body = Sent), (status = 404)))]
pub(super) async fn send(
    State(state): State<AppState>,
    by: Administrator,
    Path(user): Path<OwnedUserId>,
    Json(body): Json<Notice>,
) -> Result<Json<Sent>, MatrixError> {
    if body.body.is_empty() || body.body.len() > LONGEST {
        return Err(MatrixError::invalid_param("body: must be 1 to 16384 bytes"));
    }
    let content = to_raw_value(&json!({ "msgtype": "m.text", "body": body.body }))
        .map_err(|error| MatrixError::internal(&error))?;
    let notice = NewNotice { user, kind: "m.room.message".to_owned(), content, txn: None };
    let (room, event) = deliver(&state, &by, notice).await?;
    Ok(Json(Sent { room_id: room.into(), event_id: event.into() }))
}

/// A notice as Synapse's tools send it.
#[derive(Deserialize)]
pub(super) struct AnyNotice {
    user_id: OwnedUserId,
    #[serde(rename = "type")]
    kind: Option<String>,
    content: Box<RawValue>,
}

/// Sends a notice (`POST /_synapse/admin/v1/send_server_notice`, for tools that expect it).
pub(super) async fn send_any(
    State(state): State<AppState>,
    by: Administrator,
    Json(body): Json<AnyNotice>,
) -> Result<Json<Value>, MatrixError> {
    send_once(&state, &by, body, None).await
}

/// The same with a transaction id: sent again with the same one, it makes no second notice.
pub(super) async fn send_any_once(
    State(state): State<AppState>,
    by: Administrator,
    Path(txn): Path<String>,
    Json(body): Json<AnyNotice>,
) -> Result<Json<Value>, MatrixError> {
    let txn = format!("{}/{txn}", by.device_id);
    send_once(&state, &by, body, Some(txn)).await
}

async fn send_once(
    state: &AppState,
    by: &Administrator,
    body: AnyNotice,
    txn: Option<String>,
) -> Result<Json<Value>, MatrixError> {
    let content = body.content;
    if !content.get().starts_with('{') || content.get().len() > LONGEST {
        return Err(MatrixError::bad_json("content: must be an object of at most 16384 bytes"));
    }
    let kind = body.kind.unwrap_or_else(|| "m.room.message".to_owned());
    let notice = NewNotice { user: body.user_id, kind, content, txn };
    let (_, event) = deliver(state, by, notice).await?;
    Ok(Json(json!({ "event_id": event })))
}

struct NewNotice {
    user: OwnedUserId,
    kind: String,
    content: Box<RawValue>,
    txn: Option<String>,
}

/// Sends a notice into the room of a person's notices.
async fn deliver(
    state: &AppState,
    by: &Administrator,
    notice: NewNotice,
) -> Result<(OwnedRoomId, OwnedEventId), MatrixError> {
    let user = notice.user;
    known_user(state, &user).await?;
    let nid = state.store.read_now(|tx| users::find(tx, &user))?;
    let nid = nid.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let sender = sender(state).await?;
    let sender_nid = state.store.read_now(|tx| users::find(tx, &sender))?;
    let sender_nid = sender_nid.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let caller = Caller { user: sender_nid, user_id: &sender, device: None };
    let room = room(state, caller, nid, &user).await?;
    let entry = entry(state, by, Action::NoticeSent).target(user.as_str()).with("room", room.as_str());
    let message = Message {
        room: &room,
        kind: &notice.kind,
        content: notice.content,
        txn: notice.txn.as_deref(),
        also: Some(Box::new(move |tx, _| Ok(wardline_audit::append(tx, &entry).map(drop)?))),
    };
    let event = state.engine.rooms.send(caller, message).await?;
    Ok((room, event))
}

/// The user who sends notices, made at the first one.
async fn sender(state: &AppState) -> Result<OwnedUserId, MatrixError> {
    let user = state.identity.local_user(NOTICES);
    let user = user.ok_or_else(|| MatrixError::not_found("there is no user for notices"))?;
    match state.identity.create_service_account(NOTICES, "notices").await {
        Ok(_) => {
            let name = Value::from("Server notices");
            state.identity.set_profile_field(&user, DISPLAY_NAME, Some(&name)).await?;
        }
        Err(IdentityError::UserInUse) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(user)
}

/// The room of a person's notices, with the person in it or invited.
async fn room(
    state: &AppState,
    caller: Caller<'_>,
    nid: UserNid,
    user: &OwnedUserId,
) -> Result<OwnedRoomId, MatrixError> {
    if let Some(room) = state.store.read_now(|tx| administration::notice_room(tx, nid))? {
        let membership = state.store.read_now(|tx| match rooms::find(tx, &room)? {
            Some(room) => Ok(members::get(tx, room, nid)?.map(|member| member.membership)),
            None => Ok::<_, wardline_store::StoreError>(None),
        })?;
        if !matches!(membership, Some(Membership::Join | Membership::Invite)) {
            state.engine.rooms.invite(caller, &room, user, None).await?;
        }
        return Ok(room);
    }
    let request = CreateRoom {
        preset: Preset::PrivateChat,
        name: Some("Server notices".to_owned()),
        invite: vec![user.clone()],
        also: Some(Box::new(move |tx, room| Ok(administration::set_notice_room(tx, nid, room)?))),
        ..CreateRoom::default()
    };
    let room = state.engine.rooms.create(caller, request).await?;
    let tag = to_raw_value(&json!({ "tags": { "m.server_notice": {} } }))
        .map_err(|error| MatrixError::internal(&error))?;
    state.engine.account_data.put(nid, Some(&room), "m.tag", &tag).await?;
    Ok(room)
}
