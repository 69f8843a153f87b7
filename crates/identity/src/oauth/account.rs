//! What a person does to their own account on the account page.
//!
//! Specification: Client-Server API, "Account management" of the OAuth 2.0 API.

use wardline_audit::Action;
use wardline_store::{
    accounts, dehydrated_devices,
    oauth::{browsers, clients},
    sessions::Device,
};

use super::{ClientMetadata, Visitor};
use crate::{Identity, IdentityError, Session};

/// How long a person's leave to replace their cross-signing keys lasts.
const RESET_MS: i64 = 10 * 60 * 1000;

impl Identity {
    /// The devices on which the person at the pages is signed in, by id: all but the sleeping one, on which nobody is.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn devices_of(&self, visitor: &Visitor) -> Result<Vec<Device>, IdentityError> {
        Ok(self.store.read_now(|tx| dehydrated_devices::awake(tx, visitor.proven.user))?)
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

    /// What the client on a device of the session's user says of itself, if it signed in by OAuth.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn client_of(
        &self,
        session: &Session,
        device: &str,
    ) -> Result<Option<ClientMetadata>, IdentityError> {
        let text = self.store.read_now(|tx| clients::of_device(tx, session.user_nid, device))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Signs all devices of theirs out. Messages to the sleeping one are what is read at the next sign-in.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn end_all_sessions(&self, visitor: &Visitor) -> Result<(), IdentityError> {
        let user = visitor.proven.user;
        self.remove_devices(&visitor.actor(), Action::SignOut, move |tx| {
            Ok(dehydrated_devices::awake(tx, user)?.into_iter().map(|device| device.device_id).collect())
        })
        .await
    }

    /// Replaces the password of the person at the pages, or gives them one; all other pages of theirs end.
    ///
    /// # Errors
    /// [`IdentityError::WeakPassword`], or a failure of the server.
    pub async fn set_own_password(&self, visitor: &Visitor, password: &str) -> Result<(), IdentityError> {
        self.may_have_factors(visitor.proven.user)?;
        self.check_new_password(password, visitor.user_id.localpart()).await?;
        let hash = self.passwords.hash(password).await?;
        let (user, at) = (visitor.proven.user, self.now());
        let entry = visitor.actor().entry(at, Action::PasswordChanged);
        let done = self.store.write(move |tx| {
            accounts::set_password(tx, user, &hash)?;
            wardline_audit::append(tx, &entry)
        });
        Ok(done.await?)
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
