//! What the engine does when identity changes something: names in rooms, and who is in them.

use std::{future::Future, pin::Pin, sync::Arc};

use wardline_domain::ruma::UserId;
use wardline_engine::{Engine, EngineError};
use wardline_identity::ProfileListener;
use wardline_store::UserNid;

/// Carries profiles into rooms, and takes closed accounts out of them.
pub(super) struct MemberEvents(pub(super) Arc<Engine>);

impl ProfileListener for MemberEvents {
    fn profile_changed<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move { log(self.0.rooms.update_profile(user, user_id).await, user) })
    }

    fn account_deactivated<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move { log(self.0.rooms.leave_all(user, user_id).await, user) })
    }
}

/// The account's change is durable already and is not undone by a room that could not follow.
fn log(followed: Result<(), EngineError>, user: UserNid) {
    if let Err(error) = followed {
        tracing::error!(%error, ?user, "rooms did not follow a change of an account");
    }
}
