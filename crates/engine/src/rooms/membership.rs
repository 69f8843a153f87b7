//! Membership (Client-Server API, "Room membership"): invite, join, leave, kick, ban, unban, forget.

use serde::Deserialize;
use serde_json::{Map, Value};
use wardline_domain::ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use wardline_domain::visibility::Membership;
use wardline_store::{Kind, StoreError, administration, guests, members, rooms, users};

use super::profile::profile_content;
use super::send::{raw, template};
use super::turn::Turn;
use super::{Caller, Order, Rooms, carry};
use crate::EngineError;

/// Members of a join's content that the server writes itself.
const OWN: [&str; 4] = ["membership", "is_direct", "third_party_signed", VOUCHER];

/// The member of a join's content that names who vouches for it.
pub(super) const VOUCHER: &str = "join_authorised_via_users_server";

impl Rooms {
    /// Invites a user.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`], also for somebody who is joined or banned.
    pub async fn invite(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        self.nid(room)?;
        if !self.context.is_local(user) {
            return Err(EngineError::forbidden("users of other servers cannot be invited"));
        }
        let profile = self.context.store.read_now(|tx| profile_content(tx, user))?;
        let content = content(Membership::Invite, profile, reason);
        let (sender, user) = (caller.user_id.to_owned(), user.to_owned());
        self.change(caller, room, move |turn| {
            turn.require_joined(&sender)?;
            match turn.membership(&user) {
                Membership::Join => Err(EngineError::forbidden("the user is already joined")),
                Membership::Ban => Err(EngineError::forbidden("the user is banned from the room")),
                _ => set(turn, &user, &sender, &content),
            }
        })
        .await
    }

    /// [`Rooms::join_with`] a reason, or with nothing.
    ///
    /// # Errors
    /// As [`Rooms::join_with`].
    pub async fn join(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        let extra = reason.map(|reason| ("reason".to_owned(), Value::from(reason)));
        self.join_with(caller, room, extra.into_iter().collect()).await
    }

    /// Joins a room. Joining one that the caller is in already changes nothing. `extra` are further members of the
    /// event's content; what the server says itself it does not take from there.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown room, [`EngineError::Forbidden`] without an invite where one is
    /// needed.
    pub async fn join_with(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        mut extra: Map<String, Value>,
    ) -> Result<OwnedEventId, EngineError> {
        self.nid(room).map_err(|error| match error {
            EngineError::Forbidden(_) => EngineError::NotFound("room"),
            other => other,
        })?;
        let profile = self.context.store.read_now(|tx| profile_content(tx, caller.user_id))?;
        extra.retain(|key, _| !OWN.contains(&key.as_str()));
        for (field, value) in profile {
            extra.entry(field).or_insert(value);
        }
        let user = caller.user_id.to_owned();
        let nid = self.nid(room)?;
        let (guest, also) = self.context.store.read_now(|tx| -> Result<_, StoreError> {
            Ok((guests::is_guest(tx, caller.user)?, carry::on_join(tx, &self.context, caller, nid)?))
        })?;
        self.require_unblocked(room)?;
        let plan = move |turn: &mut Turn<'_>| {
            if let Some(existing) = joined_by(turn, &user) {
                return Ok(existing);
            }
            if guest {
                super::guests::check(turn)?;
            }
            let mut content = content(Membership::Join, extra.clone(), None);
            if let Some(voucher) = voucher(turn, &user)? {
                content.insert(VOUCHER.to_owned(), voucher.as_str().into());
            }
            set(turn, &user, &user, &content)
        };
        self.order(Order { room, fresh: None, caller, txn: None, also, plan: Box::new(plan) }).await
    }

    /// Refuses a room that the people who run this server have blocked.
    pub(super) fn require_unblocked(&self, room: &RoomId) -> Result<(), EngineError> {
        let nid = self.nid(room)?;
        match self.context.store.read_now(|tx| administration::is_blocked(tx, nid))? {
            true => Err(EngineError::forbidden("the room is blocked by the people who run this server")),
            false => Ok(()),
        }
    }

    /// Joins a local user to a room in the server's name: an invite by `clerk` if one is needed, and the user's
    /// join, in one turn and one commit. For rooms that the product makes.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] if the clerk may not invite, or if the user is banned.
    pub async fn join_by_server(
        &self,
        room: &RoomId,
        clerk: &UserId,
        user: &UserId,
    ) -> Result<OwnedEventId, EngineError> {
        let caller = self.server_caller(clerk)?;
        let profile = self.context.store.read_now(|tx| profile_content(tx, user))?;
        let invite = content(Membership::Invite, profile.clone(), None);
        let join = content(Membership::Join, profile, None);
        let (clerk, user) = (clerk.to_owned(), user.to_owned());
        self.change(caller, room, move |turn| {
            if let Some(existing) = joined_by(turn, &user) {
                return Ok(existing);
            }
            if turn.membership(&user) != Membership::Invite {
                set(turn, &user, &clerk, &invite)?;
            }
            set(turn, &user, &user, &join)
        })
        .await
    }

    /// Leaves a room, or declines an invite to it. Leaving one that the caller has left changes nothing.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] for somebody who never was in the room.
    pub async fn leave(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        self.nid(room)?;
        let content = content(Membership::Leave, Map::new(), reason);
        let user = caller.user_id.to_owned();
        self.change(caller, room, move |turn| match turn.membership(&user) {
            Membership::Leave => match turn.head.held("m.room.member", user.as_str()) {
                Some(held) => Ok(held.event_id.clone()),
                None => Err(EngineError::forbidden("you are not in the room")),
            },
            Membership::Ban => Err(EngineError::forbidden("you are banned from the room")),
            _ => set(turn, &user, &user, &content),
        })
        .await
    }

    /// Removes a member, or withdraws an invite.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`], also for somebody who is not in the room.
    pub async fn kick(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        let content = content(Membership::Leave, Map::new(), reason);
        self.sanction(caller, room, user, content, |membership| match membership {
            Membership::Leave | Membership::Ban => Err("the user is not in the room"),
            _ => Ok(()),
        })
        .await
    }

    /// Bans a user, in the room or not.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`].
    pub async fn ban(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        let content = content(Membership::Ban, Map::new(), reason);
        self.sanction(caller, room, user, content, |_| Ok(())).await
    }

    /// Lifts a ban. The user is not in the room afterwards.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`], also for somebody who is not banned.
    pub async fn unban(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        user: &UserId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        let content = content(Membership::Leave, Map::new(), reason);
        self.sanction(caller, room, user, content, |membership| match membership {
            Membership::Ban => Ok(()),
            _ => Err("the user is not banned"),
        })
        .await
    }

    async fn sanction(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        user: &UserId,
        content: Map<String, Value>,
        allowed: fn(Membership) -> Result<(), &'static str>,
    ) -> Result<OwnedEventId, EngineError> {
        self.nid(room)?;
        let (sender, user) = (caller.user_id.to_owned(), user.to_owned());
        self.change(caller, room, move |turn| {
            turn.require_joined(&sender)?;
            allowed(turn.membership(&user)).map_err(EngineError::forbidden)?;
            set(turn, &user, &sender, &content)
        })
        .await
    }

    /// Forgets a room that the caller has left: it is gone from their lists and its history from their sight.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a room that the caller is in, [`EngineError::NotFound`] for one that they
    /// never were in.
    pub async fn forget(&self, caller: Caller<'_>, room: &RoomId) -> Result<(), EngineError> {
        let room = self.nid(room)?;
        let user = caller.user;
        self.context
            .store
            .write_with(move |tx| {
                let member = members::get(tx, room, user)?.ok_or(EngineError::NotFound("room"))?;
                if member.forgotten {
                    return Ok(());
                }
                if !members::forget(tx, room, user)? {
                    return Err(EngineError::invalid("roomId", "leave the room before forgetting it"));
                }
                tx.record(Kind::Forgotten, Some(room), Some(user), 0)?;
                Ok(())
            })
            .await
    }
}

/// Puts a member event on the head.
pub(super) fn set(
    turn: &mut Turn<'_>,
    user: &OwnedUserId,
    sender: &OwnedUserId,
    content: &Map<String, Value>,
) -> Result<OwnedEventId, EngineError> {
    let event = template(turn, "m.room.member", Some(user.as_str()), &raw(content)?, sender);
    turn.send(event)
}

/// The member event of somebody who is joined.
fn joined_by(turn: &Turn<'_>, user: &UserId) -> Option<OwnedEventId> {
    let held = turn.head.held("m.room.member", user.as_str())?;
    (turn.membership(user) == Membership::Join).then(|| held.event_id.clone())
}

pub(super) fn content(
    membership: Membership,
    profile: Map<String, Value>,
    reason: Option<&str>,
) -> Map<String, Value> {
    let mut content = profile;
    content.insert("membership".to_owned(), membership.as_str().into());
    if let Some(reason) = reason {
        content.insert("reason".to_owned(), reason.into());
    }
    content
}

#[derive(Deserialize)]
struct JoinRules {
    join_rule: String,
    /// What is no condition counts as none.
    #[serde(default)]
    allow: Value,
}

#[derive(Deserialize)]
struct Allow {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    room_id: Option<OwnedRoomId>,
}

/// For a restricted room (`join_rule` `restricted` or `knock_restricted`): the member in whose name the server
/// vouches that the user is in one of the rooms that let people in. `None` if nobody has to.
fn voucher(turn: &mut Turn<'_>, user: &UserId) -> Result<Option<OwnedUserId>, EngineError> {
    let rules = turn.state("m.room.join_rules", "")?.and_then(|event| event.content_as::<JoinRules>().ok());
    let Some(rules) =
        rules.filter(|rules| matches!(rules.join_rule.as_str(), "restricted" | "knock_restricted"))
    else {
        return Ok(None);
    };
    if turn.membership(user) == Membership::Invite {
        return Ok(None);
    }
    let allowed = turn.context.store.read_now(|tx| -> Result<bool, StoreError> {
        let Some(user) = users::find(tx, user)? else { return Ok(false) };
        let conditions = rules.allow.as_array().into_iter().flatten();
        for allow in conditions.filter_map(|condition| Allow::deserialize(condition).ok()) {
            let Some(room) = allow.room_id.filter(|_| allow.kind == "m.room_membership") else { continue };
            let room = &*room;
            let Some(room) = rooms::find(tx, room)? else { continue };
            if members::get(tx, room, user)?.is_some_and(|member| member.membership == Membership::Join) {
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    if !allowed {
        return Err(EngineError::forbidden("you are in none of the rooms that let people into this one"));
    }
    let levels = turn.levels()?;
    let may_invite = |(member, membership): &(&OwnedUserId, &Membership)| {
        **membership == Membership::Join && turn.context.is_local(member) && levels.can_invite(member)
    };
    let voucher = turn.head.members.iter().find(may_invite).map(|(member, _)| member.clone());
    voucher.map(Some).ok_or_else(|| EngineError::forbidden("nobody in the room may let you in"))
}
