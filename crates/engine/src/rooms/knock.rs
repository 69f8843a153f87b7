//! Knocking (Client-Server API, "Knocking on rooms"): asking to be let in.

use wardline_domain::ruma::{OwnedEventId, RoomId};
use wardline_domain::visibility::Membership;

use super::membership::{content, set};
use super::profile::profile_content;
use super::{Caller, Rooms};
use crate::EngineError;

impl Rooms {
    /// Knocks on a room whose join rule lets people do so.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for an unknown room, [`EngineError::Forbidden`] if the room does not want it, if it is
    /// blocked, or if the caller is in it, invited to it or banned from it.
    pub async fn knock(
        &self,
        caller: Caller<'_>,
        room: &RoomId,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, EngineError> {
        self.nid(room).map_err(|error| match error {
            EngineError::Forbidden(_) => EngineError::NotFound("room"),
            other => other,
        })?;
        self.require_unblocked(room)?;
        let profile = self.context.store.read_now(|tx| profile_content(tx, caller.user_id))?;
        let content = content(Membership::Knock, profile, reason);
        let user = caller.user_id.to_owned();
        self.change(caller, room, move |turn| {
            let refusal = match turn.membership(&user) {
                Membership::Join => "you are joined to the room",
                Membership::Invite => "you are invited to the room: join it",
                Membership::Ban => "you are banned from the room",
                Membership::Leave | Membership::Knock => return set(turn, &user, &user, &content),
            };
            Err(EngineError::forbidden(refusal))
        })
        .await
    }
}
