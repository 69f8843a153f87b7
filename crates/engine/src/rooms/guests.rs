//! Guests in rooms (Client-Server API, "Guest Access").

use serde::Deserialize;
use wardline_domain::ruma::RoomId;
use wardline_store::guests;

use super::turn::Turn;
use super::{Caller, Rooms};
use crate::EngineError;

#[derive(Deserialize)]
struct GuestAccess {
    guest_access: String,
}

/// Whether the text of an `m.room.guest_access` lets guests in.
fn lets_in(content: &str) -> bool {
    serde_json::from_str::<GuestAccess>(content).is_ok_and(|access| access.guest_access == "can_join")
}

/// Refuses a guest in a room that does not let guests in.
pub(super) fn check(turn: &Turn<'_>) -> Result<(), EngineError> {
    match turn.state("m.room.guest_access", "")? {
        Some(event) if lets_in(event.content()) => Ok(()),
        _ => Err(EngineError::forbidden("the room does not let guests in")),
    }
}

impl Rooms {
    /// Takes the guests out of a room that has just stopped to let them in.
    pub(super) async fn remove_guests(&self, room: &RoomId, content: &str) -> Result<(), EngineError> {
        if lets_in(content) {
            return Ok(());
        }
        let nid = self.nid(room)?;
        let guests = self.context.store.read(move |tx| guests::joined(tx, nid)).await?;
        for (user, user_id) in guests {
            self.leave(Caller { user, user_id: &user_id, device: None }, room, None).await?;
        }
        Ok(())
    }
}
