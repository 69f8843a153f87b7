//! What a person does to their own account on the account page.
//!
//! Specification: Client-Server API, "Account management" of the OAuth 2.0 API.

use wardline_audit::Action;
use wardline_store::{
    oauth::{browsers, clients},
    sessions::{self, Device},
};

use super::{ClientMetadata, Visitor};
use crate::{Identity, IdentityError, Session};

/// How long a person's leave to replace their cross-signing keys lasts.
const RESET_MS: i64 = 10 * 60 * 1000;

impl Identity {
    /// All devices of the person at the pages, by id.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn devices_of(&self, visitor: &Visitor) -> Result<Vec<Device>, IdentityError> {
        Ok(self.store.read_now(|tx| sessions::devices(tx, visitor.proven.user))?)
    }

    /// What the client on a device of theirs says of itself, if it signed in by OAuth.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn client_on(
        &self,
        visitor: &Visitor,
        device: &str,
    ) -> Result<Option<ClientMetadata>, IdentityError> {
        let text = self.store.read_now(|tx| clients::of_device(tx, visitor.proven.user, device))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Signs a device of theirs out: it goes with its keys and tokens.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn end_session_on(&self, visitor: &Visitor, device: String) -> Result<(), IdentityError> {
        self.remove_devices(&visitor.actor(), Action::SignOut, move |_| Ok(vec![device])).await
    }

    /// Deactivates their account for good. See [`Identity::deactivate`].
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn deactivate_visitor(&self, visitor: &Visitor) -> Result<(), IdentityError> {
        self.deactivate_account(&visitor.actor()).await
    }

    /// Lets them replace their cross-signing keys once, within ten minutes.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn allow_cross_signing_reset(&self, visitor: &Visitor) -> Result<(), IdentityError> {
        let (actor, user, at) = (visitor.actor(), visitor.proven.user, self.now());
        let entry = actor.entry(at, Action::CrossSigningResetAllowed);
        let done = self.store.write(move |tx| {
            browsers::allow_reset(tx, user, at.plus_millis(RESET_MS))?;
            wardline_audit::append(tx, &entry)
        });
        Ok(done.await?)
    }

    /// Uses up the leave of the session's user to replace their cross-signing keys. Whether there was one.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn take_cross_signing_reset(&self, session: &Session) -> Result<bool, IdentityError> {
        let (user, at) = (session.user_nid, self.now());
        Ok(self.store.write(move |tx| browsers::take_reset(tx, user, at)).await?)
    }
}
