//! Server notices: messages of the people who run the server, in a room of its own for each person.
//! Specification: Client-Server API, "Server Notices".

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::to_raw_value};
use utoipa::ToSchema;
use wardline_audit::Action;
use wardline_domain::ruma::{OwnedRoomId, OwnedUserId};
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
    known_user(&state, &user).await?;
    let nid = state.store.read_now(|tx| users::find(tx, &user))?;
    let nid = nid.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let sender = sender(&state).await?;
    let sender_nid = state.store.read_now(|tx| users::find(tx, &sender))?;
    let sender_nid = sender_nid.ok_or_else(|| MatrixError::not_found("there is no such user"))?;
    let caller = Caller { user: sender_nid, user_id: &sender, device: None };
    let room = room(&state, caller, nid, &user).await?;
    let entry = entry(&state, &by, Action::NoticeSent).target(user.as_str()).with("room", room.as_str());
    let content = to_raw_value(&json!({ "msgtype": "m.text", "body": body.body }))
        .map_err(|error| MatrixError::internal(&error))?;
    let message = Message {
        room: &room,
        kind: "m.room.message",
        content,
        txn: None,
        also: Some(Box::new(move |tx, _| Ok(wardline_audit::append(tx, &entry).map(drop)?))),
    };
    let event = state.engine.rooms.send(caller, message).await?;
    Ok(Json(Sent { room_id: room.into(), event_id: event.into() }))
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
