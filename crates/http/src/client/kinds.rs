//! What the accounts of patients and outsiders may do: only take part in conversations that others opened and invited
//! them to. No directory, no rooms of their own, nobody whom they do not share a conversation with.
//!
//! This is the one place that says so. Every request with a token passes [`check`]; endpoints that name people in their
//! body ask [`may_see`].

use http::{Method, request::Parts};
use percent_encoding::percent_decode_str;
use wardline_domain::ruma::{RoomId, UserId};
use wardline_identity::{AccountKind, Session};
use wardline_store::{
    Reader, StoreError, UserNid,
    members::{self, Membership},
    rooms, users,
};

use crate::{AppState, MatrixError};

/// Whether the caller takes part only where others invite them.
fn is_invited_only(caller: &Session) -> bool {
    matches!(caller.kind, AccountKind::Patient | AccountKind::Outsider)
}

/// Refuses what the caller's kind of account may never do.
///
/// # Errors
/// 403 `M_FORBIDDEN`; 404 `M_NOT_FOUND` for people and rooms that the caller cannot know of.
pub(crate) fn check(state: &AppState, caller: &Session, parts: &Parts) -> Result<(), MatrixError> {
    if !is_invited_only(caller) {
        return Ok(());
    }
    let segments: Vec<String> = parts
        .uri
        .path()
        .split('/')
        .skip(1)
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into())
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let refused = || Err(MatrixError::forbidden("this kind of account may only take part in conversations"));
    let rest = match &segments[..] {
        ["_matrix", "client", "unstable", _, rest @ ..] => rest,
        ["_matrix", "client", _, rest @ ..] => rest,
        ["_matrix", "media", ..] => return Ok(()),
        // FHIR, administration, provisioning, and whatever is added later.
        _ => return refused(),
    };
    match rest {
        ["createRoom" | "publicRooms" | "user_directory" | "knock" | "directory" | "admin", ..] => refused(),
        ["rooms", _, "invite" | "upgrade" | "hierarchy" | "kick" | "ban" | "unban" | "aliases"] => refused(),
        ["join" | "room_summary" | "summary", room] | ["rooms", room, "join" | "summary" | "initialSync"] => {
            must_be_expected(state, caller, room)
        }
        ["profile" | "presence", user, ..] if parts.method == Method::GET => {
            must_be_seen(state, caller, user)
        }
        ["users", user, "shared_rooms" | "mutual_rooms"] => must_be_seen(state, caller, user),
        _ => Ok(()),
    }
}

/// Whether the caller may know of this person: anybody for members of staff; for a guest themselves and whoever is in a
/// conversation that the guest is in or invited to.
///
/// # Errors
/// A failure of the store.
pub(crate) fn may_see(state: &AppState, caller: &Session, user: &UserId) -> Result<bool, MatrixError> {
    if !is_invited_only(caller) || *user == *caller.user_id {
        return Ok(true);
    }
    let seen = state.store.read_now(|tx| match users::find(tx, user)? {
        Some(other) => sees(tx, caller.user_nid, other),
        None => Ok(false),
    });
    Ok(seen?)
}

fn sees(tx: &impl Reader, guest: UserNid, other: UserNid) -> Result<bool, StoreError> {
    if members::share_room(tx, guest, other)? {
        return Ok(true);
    }
    for room in members::rooms_of(tx, guest, Membership::Invite)? {
        let member = members::get(tx, room, other)?;
        if member.is_some_and(|member| member.membership == Membership::Join) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn must_be_seen(state: &AppState, caller: &Session, user: &str) -> Result<(), MatrixError> {
    let unseen = || MatrixError::not_found("user not found");
    let user = <&UserId>::try_from(user).map_err(|_| unseen())?;
    if may_see(state, caller, user)? { Ok(()) } else { Err(unseen()) }
}

/// Guests go only where they were invited.
fn must_be_expected(state: &AppState, caller: &Session, room: &str) -> Result<(), MatrixError> {
    let uninvited = || MatrixError::forbidden("you are not invited to this room");
    let room = <&RoomId>::try_from(room).map_err(|_| uninvited())?;
    let membership = state.store.read_now(|tx| {
        let Some(room) = rooms::find(tx, room)? else { return Ok::<_, StoreError>(None) };
        Ok(members::get(tx, room, caller.user_nid)?.map(|member| member.membership))
    })?;
    match membership {
        Some(Membership::Invite | Membership::Join) => Ok(()),
        _ => Err(uninvited()),
    }
}
