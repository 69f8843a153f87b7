//! Profiles in rooms (Client-Server API, "Profiles", "Events on change of profile information").

use serde_json::{Map, Value};
use wardline_domain::ruma::UserId;
use wardline_domain::visibility::Membership;
use wardline_store::{Reader, StoreError, UserNid, accounts, members, rooms, users};

use super::send::{raw, template};
use super::{Caller, Rooms};
use crate::EngineError;

impl Rooms {
    /// Carries a user's present profile into their `m.room.member` event of every room that they are joined to.
    /// Answers when all of that is durable; a room that refuses is left as it is.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn update_profile(&self, user: UserNid, user_id: &UserId) -> Result<(), EngineError> {
        let profile = self.context.store.read_now(|tx| profile_content(tx, user_id))?;
        let caller = Caller { user, user_id, device: None };
        let changes = self.rooms_of(user, Membership::Join)?.into_iter().map(|room| {
            let (profile, sender) = (profile.clone(), user_id.to_owned());
            async move {
                let changed = self.change(caller, &room, move |turn| {
                    turn.require_joined(&sender)?;
                    let member = turn.state("m.room.member", sender.as_str())?;
                    let mut content: Map<String, Value> =
                        member.and_then(|event| event.content_as().ok()).unwrap_or_default();
                    content.retain(|key, _| key != "displayname" && key != "avatar_url" && key != "reason");
                    content.extend(profile.clone());
                    turn.send(template(
                        turn,
                        "m.room.member",
                        Some(sender.as_str()),
                        &raw(&content)?,
                        &sender,
                    ))
                });
                changed.await
            }
        });
        for changed in futures_util::future::join_all(changes).await {
            match changed {
                Ok(_) | Err(EngineError::Forbidden(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes a user leave every room and decline every invite, because the account is no more.
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn leave_all(&self, user: UserNid, user_id: &UserId) -> Result<(), EngineError> {
        let caller = Caller { user, user_id, device: None };
        let mut inside = self.rooms_of(user, Membership::Join)?;
        inside.extend(self.rooms_of(user, Membership::Invite)?);
        for left in
            futures_util::future::join_all(inside.iter().map(|room| self.leave(caller, room, None))).await
        {
            match left {
                Ok(_) | Err(EngineError::Forbidden(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The rooms that a user has this membership of.
    ///
    /// # Errors
    /// Any failure of the database.
    pub fn rooms_of(
        &self,
        user: UserNid,
        membership: Membership,
    ) -> Result<Vec<wardline_domain::ruma::OwnedRoomId>, EngineError> {
        Ok(self.context.store.read_now(|tx| -> Result<_, StoreError> {
            members::rooms_of(tx, user, membership)?
                .into_iter()
                .map(|room| rooms::room_id(tx, room))
                .collect()
        })?)
    }
}

/// The members that a user's profile adds to the content of an `m.room.member` event.
pub(super) fn profile_content(tx: &impl Reader, user: &UserId) -> Result<Map<String, Value>, StoreError> {
    let Some(nid) = users::find(tx, user)? else { return Ok(Map::new()) };
    let mut content = Map::new();
    for field in ["displayname", "avatar_url"] {
        let value =
            accounts::profile_field(tx, nid, field)?.and_then(|json| serde_json::from_str(&json).ok());
        if let Some(value @ Value::String(_)) = value {
            content.insert(field.to_owned(), value);
        }
    }
    Ok(content)
}
