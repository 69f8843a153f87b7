//! Public profiles.
//!
//! Specification: Client-Server API, "Profiles", with the extensible fields of Matrix 1.16.

use wardline_audit::{Action, Entry};
use wardline_domain::ruma::{MxcUri, UserId};
use wardline_store::{Kind, UserNid, accounts};

use crate::{Identity, IdentityError, Session};

/// The field with the name that others see.
pub const DISPLAY_NAME: &str = "displayname";
/// The field with the `mxc://` address of the picture.
pub const AVATAR_URL: &str = "avatar_url";
/// The field with the kind of an account that is not staff's: `patient`, `outsider` or `service`. Only the server
/// sets it.
pub const KIND: &str = "org.wardline.kind";
/// The longest name of a field, in bytes.
pub const MAX_FIELD_NAME: usize = 255;
/// The largest profile, in bytes of names and JSON values.
pub const MAX_PROFILE: usize = 64 * 1024;
const MAX_DISPLAY_NAME: usize = 256;

impl Identity {
    /// All profile fields of a local user, each with its JSON text.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if there is no such active user here.
    pub fn profile(&self, user_id: &UserId) -> Result<Vec<(String, String)>, IdentityError> {
        let user = self.active(user_id)?;
        Ok(self.store.read_now(|tx| accounts::profile(tx, user))?)
    }

    /// One profile field of a local user as JSON text.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if there is no such active user or the user has no such field.
    pub fn profile_field(&self, user_id: &UserId, field: &str) -> Result<String, IdentityError> {
        let user = self.active(user_id)?;
        self.store
            .read_now(|tx| accounts::profile_field(tx, user, field))?
            .ok_or(IdentityError::NotFound("profile field"))
    }

    /// Sets a profile field, or removes it (`None`), and carries a new name or picture on into the user's
    /// rooms.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], [`IdentityError::KeyTooLarge`], [`IdentityError::ProfileTooLarge`] or
    /// [`IdentityError::NotFound`].
    pub async fn set_profile_field(
        &self,
        user_id: &UserId,
        field: &str,
        value: Option<&serde_json::Value>,
    ) -> Result<(), IdentityError> {
        self.write_profile_field(user_id, field, value, None).await
    }

    /// The same by an administrator, audited with the field's name.
    ///
    /// # Errors
    /// As [`set_profile_field`](Self::set_profile_field).
    pub async fn set_profile_field_of(
        &self,
        by: &Session,
        user_id: &UserId,
        field: &str,
        value: Option<&serde_json::Value>,
    ) -> Result<(), IdentityError> {
        let entry = Entry::new(self.now(), by.user_id.as_str(), Action::AccountChanged)
            .device(by.device_id.as_str())
            .target(user_id.as_str())
            .with("profile", field);
        self.write_profile_field(user_id, field, value, Some(entry)).await
    }

    async fn write_profile_field(
        &self,
        user_id: &UserId,
        field: &str,
        value: Option<&serde_json::Value>,
        entry: Option<Entry>,
    ) -> Result<(), IdentityError> {
        check_name(field)?;
        if field == KIND {
            return Err(IdentityError::Invalid(KIND, "is set by the server only"));
        }
        let value = value.filter(|value| !means_removal(field, value));
        if let Some(value) = value {
            check_value(field, value)?;
        }
        let user = self.active(user_id)?;
        let (name, text) = (field.to_owned(), value.map(ToString::to_string));
        let changed = self
            .store
            .write_with(move |tx| {
                if accounts::profile_field(tx, user, &name)? == text {
                    return Ok(false);
                }
                accounts::set_profile_field(tx, user, &name, text.as_deref())?;
                let size: usize = accounts::profile(tx, user)?.iter().map(|(k, v)| k.len() + v.len()).sum();
                if size > MAX_PROFILE {
                    return Err(IdentityError::ProfileTooLarge);
                }
                tx.record(Kind::Profile, None, Some(user), 0)?;
                if let Some(entry) = &entry {
                    wardline_audit::append(tx, entry)?;
                }
                Ok(true)
            })
            .await?;
        if changed && matches!(field, DISPLAY_NAME | AVATAR_URL) {
            for listener in &self.listeners {
                listener.profile_changed(user, user_id).await;
            }
        }
        Ok(())
    }

    fn active(&self, user_id: &UserId) -> Result<UserNid, IdentityError> {
        match self.store.read_now(|tx| accounts::find(tx, user_id))? {
            Some(account) if !account.deactivated => Ok(account.user),
            _ => Err(IdentityError::NotFound("user")),
        }
    }
}

/// Clients clear a name or picture by setting it to null or the empty string.
fn means_removal(field: &str, value: &serde_json::Value) -> bool {
    matches!(field, DISPLAY_NAME | AVATAR_URL) && (value.is_null() || value.as_str() == Some(""))
}

/// The "common namespaced identifier grammar" of the specification's appendices.
fn check_name(field: &str) -> Result<(), IdentityError> {
    if field.len() > MAX_FIELD_NAME {
        return Err(IdentityError::KeyTooLarge);
    }
    let grammar = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if !field.starts_with(|c: char| c.is_ascii_lowercase()) || !field.chars().all(grammar) {
        return Err(IdentityError::Invalid("keyName", "must begin with a-z and have only a-z 0-9 - _ ."));
    }
    Ok(())
}

fn check_value(field: &str, value: &serde_json::Value) -> Result<(), IdentityError> {
    match (field, value.as_str()) {
        (DISPLAY_NAME, None) => Err(IdentityError::Invalid(DISPLAY_NAME, "must be a string")),
        (DISPLAY_NAME, Some(name)) if name.len() > MAX_DISPLAY_NAME => {
            Err(IdentityError::Invalid(DISPLAY_NAME, "must not be longer than 256 bytes"))
        }
        (AVATAR_URL, Some(url)) if url.len() <= 1000 && <&MxcUri>::from(url).is_valid() => Ok(()),
        (AVATAR_URL, _) => Err(IdentityError::Invalid(AVATAR_URL, "must be an mxc:// address")),
        _ => Ok(()),
    }
}
