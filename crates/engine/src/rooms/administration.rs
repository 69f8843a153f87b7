//! Rooms as administrators of the server see and change them, without being in them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use wardline_domain::power_levels::UserLevel;
use wardline_domain::ruma::{OwnedEventId, OwnedUserId, RoomId, UserId};
use wardline_domain::visibility::Membership;
use wardline_store::{
    RoomNid, StoreError, UserNid, administration, aliases, members, published, purge, rooms, state, users,
};

use super::read::levels;
use super::send::raw;
use super::summary::Summary;
use super::{Caller, Rooms};
use crate::EngineError;
use crate::events::{Event, Extras, Viewer};

/// A room as administrators see it.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// What it says about itself.
    #[serde(flatten)]
    pub summary: Summary,
    /// Members whose membership is invite.
    pub invited_members: u64,
    /// Whether the directory lists it.
    pub published: bool,
    /// Whether nobody may join it.
    pub blocked: bool,
    /// Whether its history was removed for good.
    pub purged: bool,
}

impl Rooms {
    /// A page of rooms, those with most members first, and how many there are.
    ///
    /// # Errors
    /// Any failure of the database.
    pub async fn overviews(
        &self,
        search: Option<String>,
        from: u64,
        limit: u64,
    ) -> Result<(Vec<Overview>, u64), EngineError> {
        let context = Arc::clone(&self.context);
        self.context
            .store
            .read(move |tx| {
                let (page, total) = administration::rooms(tx, search.as_deref(), from, limit)?;
                let mut found = Vec::with_capacity(page.len());
                for room in page {
                    found.extend(overview(tx, &context, room)?);
                }
                Ok((found, total))
            })
            .await
    }

    /// One room.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn overview(&self, room: &RoomId) -> Result<Overview, EngineError> {
        self.context.store.read_now(|tx| {
            let nid = rooms::find(tx, room)?.ok_or(EngineError::NotFound("room"))?;
            overview(tx, &self.context, nid)?.ok_or(EngineError::NotFound("room"))
        })
    }

    /// Everybody who is or was in a room, and their membership.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub fn everybody_in(&self, room: &RoomId) -> Result<Vec<(OwnedUserId, Membership)>, EngineError> {
        self.context.store.read_now(|tx| {
            let nid = rooms::find(tx, room)?.ok_or(EngineError::NotFound("room"))?;
            let all = members::of_room(tx, nid)?;
            Ok(all.into_iter().map(|(user, member)| (user, member.membership)).collect())
        })
    }

    /// The current state of a room in client format, as a JSON array.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn whole_state(&self, room: &RoomId) -> Result<String, EngineError> {
        let (context, room) = (Arc::clone(&self.context), room.to_owned());
        self.context
            .store
            .read(move |tx| {
                let nid = rooms::find(tx, &room)?.ok_or(EngineError::NotFound("room"))?;
                let viewer = Viewer { user: UserNid(0), device: None, now: context.now() };
                let mut events: Vec<Arc<Event>> = Vec::new();
                for event in state::current(tx, nid)?.values() {
                    events.push(context.events.get(tx, *event)?);
                }
                events.sort_by_key(|event| event.pos);
                let mut out = String::from("[");
                for event in &events {
                    if out.len() > 1 {
                        out.push(',');
                    }
                    context.events.write(tx, event, viewer, Extras::default(), true, &mut out)?;
                }
                out.push(']');
                Ok(out)
            })
            .await
    }

    /// Takes everybody out of a room: those joined, invited and knocking. How many that were.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_everybody(&self, room: &RoomId) -> Result<usize, EngineError> {
        let everybody = self.everybody_in(room)?;
        let mut removed = 0;
        for (user_id, membership) in everybody {
            if !matches!(membership, Membership::Join | Membership::Invite | Membership::Knock) {
                continue;
            }
            let Some(user) = self.context.store.read_now(|tx| users::find(tx, &user_id))? else { continue };
            match self.leave(Caller { user, user_id: &user_id, device: None }, room, None).await {
                Ok(_) => removed += 1,
                // They left between the look and the turn.
                Err(EngineError::Forbidden(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(removed)
    }

    /// Takes a room off the directory and deletes its aliases.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn make_unfindable(&self, room: &RoomId) -> Result<(), EngineError> {
        let nid = self.context.store.read_now(|tx| rooms::find(tx, room))?;
        let nid = nid.ok_or(EngineError::NotFound("room"))?;
        self.context
            .store
            .write(move |tx| {
                published::set(tx, nid, false)?;
                for alias in aliases::of_room(tx, nid)? {
                    aliases::delete(tx, &alias)?;
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        Ok(())
    }

    /// Lets the executor of a room read its head anew, after somebody else moved it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Busy`].
    pub(crate) async fn look_again(&self, room: &RoomId, by: UserNid) -> Result<(), EngineError> {
        let user_id = self.context.store.read_now(|tx| users::user_id(tx, by))?;
        let nothing = OwnedEventId::try_from("$none").map_err(|_| EngineError::NotFound("event"))?;
        let caller = Caller { user: by, user_id: &user_id, device: None };
        // An operation that says nothing claims the head: a head of yesterday is found out.
        self.change(caller, room, move |_| Ok(nothing.clone())).await.map(drop)
    }

    /// Gives a local member of a room the highest power that somebody else of this server can give.
    ///
    /// # Errors
    /// [`EngineError::Forbidden`] when nobody of this server can, or the user is not in the room.
    pub async fn make_powerful(&self, room: &RoomId, user: &UserId) -> Result<(), EngineError> {
        let joined = self.everybody_in(room)?.into_iter().filter(|(_, m)| *m == Membership::Join);
        let joined: Vec<OwnedUserId> = joined.map(|(user, _)| user).collect();
        if !joined.iter().any(|member| member == user) {
            return Err(EngineError::forbidden("the user is not in the room"));
        }
        let nid = self.nid(room)?;
        let (levels, content) = self.context.store.read_now(|tx| {
            let event = state::current_event(tx, nid, "m.room.power_levels", "")?;
            let event = event.map(|event| self.context.events.get(tx, event)).transpose()?;
            let content = event.and_then(|event| event.pdu.content_as::<serde_json::Value>().ok());
            Ok::<_, EngineError>((levels(tx, &self.context, nid)?, content))
        })?;
        let giver = joined
            .into_iter()
            .filter(|member| self.context.is_local(member))
            .filter(|member| levels.can_send(member, "m.room.power_levels", true))
            .max_by_key(|member| levels.user_level(member));
        let giver = giver.ok_or_else(|| EngineError::forbidden("nobody of this server has that power"))?;
        let level = match levels.user_level(&giver) {
            UserLevel::Infinite => levels.event_level("m.room.power_levels", true).max(100),
            UserLevel::Number(level) => level,
        };
        let mut content = content.unwrap_or_else(|| json!({}));
        if !content["users"].is_object() {
            content["users"] = json!({});
        }
        content["users"][user.as_str()] = json!(level);
        let nid = self.context.store.read_now(|tx| users::find(tx, &giver))?;
        let caller =
            Caller { user: nid.ok_or(EngineError::NotFound("user"))?, user_id: &giver, device: None };
        self.send_state(caller, room, "m.room.power_levels", "", raw(&content)?).await.map(drop)
    }
}

fn overview(
    tx: &impl wardline_store::Reader,
    context: &crate::Context,
    room: RoomNid,
) -> Result<Option<Overview>, StoreError> {
    let (Some(summary), Some(row)) = (Summary::of(tx, context, room)?, rooms::get(tx, room)?) else {
        return Ok(None);
    };
    Ok(Some(Overview {
        summary,
        invited_members: row.invited,
        published: published::is_listed(tx, room)?,
        blocked: administration::is_blocked(tx, room)?,
        purged: purge::is_purged(tx, room)?,
    }))
}
