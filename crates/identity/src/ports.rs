//! What identity asks of others. The `wardline` crate wires the answers.

use std::{future::Future, pin::Pin};

use wardline_domain::ruma::UserId;
use wardline_store::UserNid;

/// Carries a changed profile on, into the member events of the user's rooms.
pub trait ProfileListener: Send + Sync {
    /// Called after `displayname` or `avatar_url` of a user changed and the change is durable. The request
    /// that changed it is answered when this is done.
    fn profile_changed<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// Called after an account was deactivated and that is durable: the user should leave all rooms.
    fn account_deactivated<'a>(
        &'a self,
        user: UserNid,
        user_id: &'a UserId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}
