//! Making accounts, changing passwords, deactivation.

use wardline_audit::{Action, Entry};
use wardline_domain::ruma::OwnedUserId;
use wardline_store::{StoreError, accounts, sessions};

use crate::{
    Identity, IdentityError, Proven, Session,
    oauth::forget_pages_of,
    password,
    sign_in::{Actor, remove_device},
};

impl Identity {
    /// Makes an account. `localpart` is lowered first; without a password nobody can sign in to it by password
    /// (the clerk). Returns the proof with which [`Identity::sign_in`] opens a session.
    ///
    /// # Errors
    /// [`IdentityError::InvalidUsername`], [`IdentityError::WeakPassword`] or [`IdentityError::UserInUse`].
    pub async fn create_account(
        &self,
        localpart: &str,
        password: Option<&str>,
        admin: bool,
    ) -> Result<Proven, IdentityError> {
        let user_id = self.free_name(localpart)?;
        let hash = match password {
            Some(password) => {
                password::acceptable(password)?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        let (at, id) = (self.now(), user_id.clone());
        let user = self
            .store
            .write_with(move |tx| {
                let user =
                    accounts::create(tx, &id, hash.as_deref(), admin, at)?.ok_or(IdentityError::UserInUse)?;
                let entry = Entry::new(at, "system:registration", Action::AccountCreated)
                    .target(id.as_str())
                    .with("admin", admin.to_string());
                wardline_audit::append(tx, &entry)?;
                Ok::<_, IdentityError>(user)
            })
            .await?;
        Ok(Proven::new(user, user_id, "registration"))
    }

    /// The user id that `localpart` would have, if it is acceptable and free.
    ///
    /// # Errors
    /// [`IdentityError::InvalidUsername`] or [`IdentityError::UserInUse`].
    pub fn free_name(&self, localpart: &str) -> Result<OwnedUserId, IdentityError> {
        let localpart = localpart.to_lowercase();
        if localpart.is_empty() {
            return Err(IdentityError::InvalidUsername("must not be empty"));
        }
        if localpart.starts_with('_') {
            return Err(IdentityError::InvalidUsername("must not begin with an underscore"));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._=-/+".contains(c);
        if !localpart.chars().all(allowed) {
            return Err(IdentityError::InvalidUsername("may only have the characters a-z 0-9 . _ = - / +"));
        }
        // With its sigil, colon and server name a user id has at most 255 bytes.
        if localpart.len() + self.server_name.as_str().len() + 2 > 255 {
            return Err(IdentityError::InvalidUsername("is too long"));
        }
        let user_id = self.user_of(&localpart).ok_or(IdentityError::InvalidUsername("is not a user name"))?;
        match self.store.read_now(|tx| accounts::find(tx, &user_id))? {
            Some(_) => Err(IdentityError::UserInUse),
            None => Ok(user_id),
        }
    }

    /// Replaces the password; with `sign_out_others` all other devices of the user go.
    ///
    /// # Errors
    /// [`IdentityError::WeakPassword`], or a failure of the server.
    pub async fn change_password(
        &self,
        session: &Session,
        password: &str,
        sign_out_others: bool,
    ) -> Result<(), IdentityError> {
        password::acceptable(password)?;
        let hash = self.passwords.hash(password).await?;
        let (user, user_id, this) =
            (session.user_nid, session.user_id.clone(), session.device_id.to_string());
        let at = self.now();
        self.store
            .write(move |tx| {
                accounts::set_password(tx, user, &hash)?;
                forget_pages_of(tx, user)?;
                let entry = Entry::new(at, user_id.as_str(), Action::PasswordChanged)
                    .device(&*this)
                    .with("signed_out_others", sign_out_others.to_string());
                wardline_audit::append(tx, &entry)?;
                if sign_out_others {
                    for device in sessions::devices(tx, user)?.into_iter().filter(|d| d.device_id != this) {
                        remove_device(tx, user, &device.device_id)?;
                        let entry = Entry::new(at, user_id.as_str(), Action::SignOut)
                            .device(&*this)
                            .target(device.device_id);
                        wardline_audit::append(tx, &entry)?;
                    }
                }
                Ok(())
            })
            .await?;
        self.sessions.forget(|s| s.user_nid == user);
        Ok(())
    }

    /// Deactivates the session's account for good: its devices, tokens, password and profile go, its name
    /// stays taken. Then the listeners are told, so that the user leaves all rooms.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn deactivate(&self, session: &Session) -> Result<(), IdentityError> {
        self.deactivate_account(&Actor::of(session)).await
    }

    pub(crate) async fn deactivate_account(&self, actor: &Actor) -> Result<(), IdentityError> {
        let (user, at, by) = (actor.user, self.now(), actor.clone());
        self.store
            .write(move |tx| {
                forget_pages_of(tx, user)?;
                for device in sessions::devices(tx, user)? {
                    remove_device(tx, user, &device.device_id)?;
                }
                for (field, _) in accounts::profile(tx, user)? {
                    accounts::set_profile_field(tx, user, &field, None)?;
                }
                accounts::deactivate(tx, user, at)?;
                let entry = by.entry(at, Action::AccountDeactivated).target(by.user_id.as_str());
                wardline_audit::append(tx, &entry)?;
                Ok::<_, StoreError>(())
            })
            .await?;
        self.sessions.forget(|s| s.user_nid == user);
        for listener in &self.listeners {
            listener.account_deactivated(user, &actor.user_id).await;
        }
        Ok(())
    }
}
