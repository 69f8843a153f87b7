//! What a token is good for, told to whoever holds it.
//!
//! Specification: RFC 7662. A service beside this server (such as the key service) learns from it who its caller is, how
//! surely and how long ago they proved it, and to which key the token is bound (RFC 9449 section 6.2).

use wardline_domain::{
    Timestamp,
    ruma::{OwnedDeviceId, OwnedUserId},
};
use wardline_store::{account_holds, oauth::clients};

use crate::{Authentication, Identity, IdentityError, Thumbprint};

/// An access token that is good.
#[derive(Clone, Debug)]
pub struct Introspection {
    /// Whose it is.
    pub user_id: OwnedUserId,
    /// On which device.
    pub device_id: OwnedDeviceId,
    /// Its client and scope, if it was given by OAuth.
    pub client: Option<(String, String)>,
    /// How and when its user proved who they are.
    pub authentication: Authentication,
    /// When the session was opened: its user was there then.
    pub opened_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The client's key to which it is bound.
    pub thumbprint: Option<Thumbprint>,
}

impl Identity {
    /// What an access token is good for. `None`: nothing (any more), or its account is locked.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn introspect(&self, token: &str) -> Result<Option<Introspection>, IdentityError> {
        let session = match self.verify_token(token).await {
            Ok(session) => session,
            Err(IdentityError::UnknownToken { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (holds, client) = self.store.read_now(|tx| {
            let holds = account_holds::get(tx, session.user_nid)?;
            Ok::<_, IdentityError>((holds, clients::of_session(tx, session.session_id)?))
        })?;
        if holds.locked {
            return Ok(None);
        }
        Ok(Some(Introspection {
            user_id: session.user_id.clone(),
            device_id: session.device_id.clone(),
            client,
            authentication: session.authentication.clone(),
            opened_at: session.opened_at,
            expires_at: session.expires_at,
            thumbprint: session.thumbprint,
        }))
    }
}
