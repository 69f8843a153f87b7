//! Making accounts, changing passwords, deactivation.

use std::sync::Arc;

use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    ruma::{OwnedUserId, UserId},
};
use wardline_store::{
    StoreError, UserNid, WriteTx,
    accounts::{self, AccountKind},
    dehydrated_devices, factors, guests, sessions,
};

use zeroize::Zeroizing;

use crate::{
    Assurance, Authentication, Identity, IdentityError, Proven, Session,
    oauth::forget_pages_of,
    profile::KIND,
    sign_in::{Actor, Gone, remove_device},
    strength,
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
        self.create_account_of(AccountKind::Staff, localpart, password, admin).await
    }

    /// [`Self::create_account`] for another kind of account than staff's.
    ///
    /// # Errors
    /// As there.
    pub async fn create_account_of(
        &self,
        kind: AccountKind,
        localpart: &str,
        password: Option<&str>,
        admin: bool,
    ) -> Result<Proven, IdentityError> {
        let user_id = self.free_name(localpart)?;
        let hash = match password {
            Some(password) => {
                strength::long_enough(&self.policy, password)?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        let (at, id) = (self.now(), user_id.clone());
        let user = self
            .store
            .write_with(move |tx| {
                new_account(tx, at, "system:registration", &id, kind, hash.as_deref(), admin)
            })
            .await?;
        let how = Authentication::local("registration", Assurance::Aal1, self.now());
        Ok(Proven::new(user, user_id, how))
    }

    /// Makes an account for a user of an application service, whose name may begin with an underscore.
    ///
    /// # Errors
    /// As [`Identity::create_account`].
    pub async fn create_service_account(
        &self,
        localpart: &str,
        service: &str,
    ) -> Result<Proven, IdentityError> {
        let user_id = self.free_service_name(localpart)?;
        let (at, id, by) = (self.now(), user_id.clone(), format!("system:appservice:{service}"));
        let user = self
            .store
            .write_with(move |tx| new_account(tx, at, &by, &id, AccountKind::Service, None, false))
            .await?;
        Ok(Proven::new(user, user_id, Authentication::local("appservice", Assurance::Aal1, at)))
    }

    /// The proof that an application service brings for one of its users.
    ///
    /// # Errors
    /// [`IdentityError::WrongPassword`] for a user without an active account.
    pub fn vouched_by_service(&self, user: &UserId) -> Result<Proven, IdentityError> {
        match self.store.read_now(|tx| accounts::find(tx, user))? {
            Some(account) if !account.deactivated => {
                let how = Authentication::local("appservice", Assurance::Aal1, self.now());
                Ok(Proven::new(account.user, user.to_owned(), how))
            }
            _ => Err(IdentityError::WrongPassword),
        }
    }

    /// Makes an account of a guest: nobody can sign in to it again.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn create_guest(&self) -> Result<Proven, IdentityError> {
        let user_id = self.free_name(&format!("guest-{}", self.random.uuid()))?;
        let (at, id) = (self.now(), user_id.clone());
        let user = self
            .store
            .write_with(move |tx| {
                let user = new_account(tx, at, "system:guest", &id, AccountKind::Staff, None, false)?;
                guests::add(tx, user)?;
                Ok::<_, IdentityError>(user)
            })
            .await?;
        Ok(Proven::new(user, user_id, Authentication::local("guest", Assurance::Aal1, at)))
    }

    /// Checks a new password for the account of this name against the operator's rules.
    ///
    /// # Errors
    /// [`IdentityError::WeakPassword`], or a failure of the server.
    pub async fn check_new_password(&self, password: &str, localpart: &str) -> Result<(), IdentityError> {
        let policy = Arc::clone(&self.policy);
        let (password, localpart) = (Zeroizing::new(password.to_owned()), localpart.to_owned());
        let server = self.server_name.to_string();
        self.passwords.run(move || strength::check(&policy, &password, &localpart, &server)).await
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
        self.free_service_name(&localpart)
    }

    /// [`Self::free_name`] for application services, whose names may begin with an underscore.
    ///
    /// # Errors
    /// As [`Self::free_name`].
    pub fn free_service_name(&self, localpart: &str) -> Result<OwnedUserId, IdentityError> {
        let localpart = localpart.to_lowercase();
        if localpart.is_empty() {
            return Err(IdentityError::InvalidUsername("must not be empty"));
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
        self.may_have_factors(session.user_nid)?;
        self.check_new_password(password, session.user_id.localpart()).await?;
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
                    let others =
                        dehydrated_devices::awake(tx, user)?.into_iter().filter(|d| d.device_id != this);
                    for device in others {
                        remove_device(tx, user, &device.device_id, Gone::Elsewhere(at))?;
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
                    remove_device(tx, user, &device.device_id, Gone::Elsewhere(at))?;
                }
                for (field, _) in accounts::profile(tx, user)? {
                    accounts::set_profile_field(tx, user, &field, None)?;
                }
                factors::forget_all_of(tx, user)?;
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

/// Makes an account inside the caller's transaction, with its audit entry; `by` is who or what asked for it. Guests
/// carry their kind in their profile, so that clients can mark them.
pub(crate) fn new_account(
    tx: &mut WriteTx<'_>,
    at: Timestamp,
    by: &str,
    user_id: &UserId,
    kind: AccountKind,
    password_hash: Option<&str>,
    admin: bool,
) -> Result<UserNid, IdentityError> {
    let user = accounts::create(tx, user_id, password_hash, admin, at)?.ok_or(IdentityError::UserInUse)?;
    if kind != AccountKind::Staff {
        accounts::set_kind(tx, user, kind)?;
        let value = serde_json::Value::from(kind.as_str()).to_string();
        accounts::set_profile_field(tx, user, KIND, Some(&value))?;
    }
    let entry = Entry::new(at, by, Action::AccountCreated)
        .target(user_id.as_str())
        .with("admin", admin.to_string())
        .with("kind", kind.as_str());
    wardline_audit::append(tx, &entry)?;
    Ok(user)
}
