//! What administrators do to accounts of others. Each act is audited with who did it.

use wardline_audit::{Action, Entry};
use wardline_domain::{
    Timestamp,
    ruma::{OwnedUserId, UserId},
};
use wardline_store::{StoreError, UserNid, WriteTx, accounts, administration, sessions};

use crate::{
    Identity, IdentityError, Session,
    oauth::forget_pages_of,
    sign_in::{Gone, remove_device},
};

impl Identity {
    fn account(&self, user: &UserId) -> Result<UserNid, IdentityError> {
        let account = self.store.read_now(|tx| accounts::find(tx, user))?;
        match account {
            Some(account) if !account.deactivated => Ok(account.user),
            _ => Err(IdentityError::NotFound("user")),
        }
    }

    fn act(&self, by: &Session, action: Action, target: &UserId) -> Entry {
        Entry::new(self.now(), by.user_id.as_str(), action)
            .device(by.device_id.as_str())
            .target(target.as_str())
    }

    /// Gives an account a new password; with `sign_out` all its devices go.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::WeakPassword`].
    pub async fn reset_password(
        &self,
        by: &Session,
        user: &UserId,
        new: &str,
        sign_out: bool,
    ) -> Result<(), IdentityError> {
        let nid = self.account(user)?;
        self.check_new_password(new, user.localpart()).await?;
        let hash = self.passwords.hash(new).await?;
        let at = self.now();
        let entry = self.act(by, Action::PasswordChanged, user).with("reset", "true");
        self.store
            .write(move |tx| {
                accounts::set_password(tx, nid, &hash)?;
                if sign_out {
                    sign_out_all(tx, nid, at)?;
                }
                wardline_audit::append(tx, &entry)
            })
            .await?;
        self.sessions.forget(|session| session.user_nid == nid);
        Ok(())
    }

    /// Makes an account an administrator's, or no longer. The last administrator stays one.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`] for the last administrator.
    pub async fn set_administrator(
        &self,
        by: &Session,
        user: &UserId,
        admin: bool,
    ) -> Result<(), IdentityError> {
        let nid = self.account(user)?;
        let entry = self.act(by, Action::AccountChanged, user).with("admin", admin.to_string());
        self.store
            .write_with(move |tx| {
                administration::set_admin(tx, nid, admin)?;
                if administration::administrators(tx)? == 0 {
                    return Err(IdentityError::Invalid("admin", "the last administrator stays one"));
                }
                Ok(wardline_audit::append(tx, &entry)?)
            })
            .await?;
        self.sessions.forget(|session| session.user_nid == nid);
        Ok(())
    }

    /// Removes devices of an account, or all of them, with their keys and sessions. How many there were.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] for a user without an active account.
    pub async fn remove_devices_of(
        &self,
        by: &Session,
        user: &UserId,
        devices: Option<Vec<String>>,
    ) -> Result<usize, IdentityError> {
        let nid = self.account(user)?;
        let (entry, at) = (self.act(by, Action::DeviceDeleted, user), self.now());
        let removed = self
            .store
            .write(move |tx| {
                let devices = match devices {
                    Some(devices) => devices,
                    None => {
                        forget_pages_of(tx, nid)?;
                        sessions::devices(tx, nid)?.into_iter().map(|device| device.device_id).collect()
                    }
                };
                let mut removed = 0;
                for device in devices {
                    if remove_device(tx, nid, &device, Gone::Elsewhere(at))? {
                        removed += 1;
                        wardline_audit::append(tx, &entry.clone().with("removed", device))?;
                    }
                }
                Ok::<_, StoreError>(removed)
            })
            .await?;
        self.sessions.forget(|session| session.user_nid == nid);
        Ok(removed)
    }

    /// Deactivates an account for good, as its owner could.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::Invalid`] for the last administrator.
    pub async fn deactivate_other(&self, by: &Session, user: &UserId) -> Result<(), IdentityError> {
        let nid = self.account(user)?;
        let (entry, at) = (self.act(by, Action::AccountDeactivated, user), self.now());
        self.store
            .write_with(move |tx| {
                sign_out_all(tx, nid, at)?;
                for (field, _) in accounts::profile(tx, nid)? {
                    accounts::set_profile_field(tx, nid, &field, None)?;
                }
                accounts::deactivate(tx, nid, at)?;
                if administration::administrators(tx)? == 0 {
                    return Err(IdentityError::Invalid("userId", "the last administrator stays one"));
                }
                Ok(wardline_audit::append(tx, &entry)?)
            })
            .await?;
        self.sessions.forget(|session| session.user_nid == nid);
        let user: OwnedUserId = user.to_owned();
        for listener in &self.listeners {
            listener.account_deactivated(nid, &user).await;
        }
        Ok(())
    }
}

fn sign_out_all(tx: &mut WriteTx<'_>, user: UserNid, at: Timestamp) -> Result<(), StoreError> {
    forget_pages_of(tx, user)?;
    for device in sessions::devices(tx, user)? {
        remove_device(tx, user, &device.device_id, Gone::Elsewhere(at))?;
    }
    Ok(())
}
