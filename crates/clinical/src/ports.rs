//! What the clinical floor needs of Matrix. The `wardline` crate wires it to the engine.

use std::{fmt::Debug, future::Future, pin::Pin};

use wardline_domain::ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};

/// Why a piece of work in a room was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// It may work later: try again.
    #[error("the room cannot be changed now: {0}")]
    Retry(String),
    /// It will never work (no such account, banned): give it up.
    #[error("the room refused the change: {0}")]
    Refused(String),
}

/// The answer of a port.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, PortError>> + Send + 'a>>;

/// Rooms, with the clerk as the author of everything. Each call may be repeated after a crash and must then
/// do nothing new.
pub trait Conversations: Send + Sync + Debug {
    /// Opens the conversation of a patient and joins `members`; if the clerk has opened it before, gives that
    /// room. Members without an account are left out.
    fn create_patient_room<'a>(
        &'a self,
        patient: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId>;

    /// Opens the conversation of a role, named as the role; if the clerk has opened it before, gives that room.
    fn create_role_room<'a>(&'a self, service: &'a str, name: &'a str) -> PortFuture<'a, OwnedRoomId>;

    /// Opens the conversation in which a person is told what was sent for information, with them in it; if the clerk
    /// has opened it before, gives that room.
    fn create_digest_room<'a>(&'a self, user: &'a UserId) -> PortFuture<'a, OwnedRoomId>;

    /// Opens the conversation of a crash call, named as the call, and joins `members`; if the clerk has opened it before,
    /// gives that room.
    fn create_call_room<'a>(
        &'a self,
        call: &'a str,
        name: &'a str,
        members: Vec<OwnedUserId>,
    ) -> PortFuture<'a, OwnedRoomId>;

    /// Joins a local user to a room; nothing to do if they are in it.
    fn join<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()>;

    /// Has a local user leave a room; nothing to do if they are not in it.
    fn leave<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()>;

    /// Invites a user to a room; nothing to do if they are invited or in it.
    fn invite<'a>(&'a self, room: &'a RoomId, user: &'a UserId) -> PortFuture<'a, ()>;

    /// Sends a clear-text timeline event; `key` is the idempotency key: a second call with the same key
    /// sends nothing.
    fn announce<'a>(
        &'a self,
        room: &'a RoomId,
        kind: &'a str,
        content: serde_json::Value,
        key: &'a str,
    ) -> PortFuture<'a, ()>;

    /// Sets a state event with the empty state key; nothing to do if it is set so already.
    fn set_state<'a>(
        &'a self,
        room: &'a RoomId,
        kind: &'a str,
        content: serde_json::Value,
    ) -> PortFuture<'a, ()>;

    /// Everybody who is joined to a room.
    ///
    /// # Errors
    /// [`PortError::Retry`] if it cannot be read now.
    fn members(&self, room: &RoomId) -> Result<Vec<OwnedUserId>, PortError>;

    /// Whether a user is joined to a room. Cheap: asked for every patient of a list.
    fn is_member(&self, room: &RoomId, user: &UserId) -> bool;
}
