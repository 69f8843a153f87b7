//! Who may provision: tokens that an administrator makes on the command line.

use wardline_audit::{Action, Entry};
use wardline_store::scim;

use super::ScimError;
use crate::{Identity, IdentityError, token};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Identity {
    /// Makes a token for a provisioning system, in place of an earlier one of the same name. It lasts `days`; `None`:
    /// until it is revoked.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] names `name`.
    pub async fn create_scim_token(&self, name: &str, days: Option<u32>) -> Result<String, IdentityError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(IdentityError::Invalid(
                "name",
                "must be 1 to 64 of the characters a-z A-Z 0-9 - _ .",
            ));
        }
        let token = format!("wlp_{}", self.random.token(32));
        let (hash, at, name) = (token::hash(&token), self.now(), name.to_owned());
        let expires_at = days.map(|days| at.plus_millis(i64::from(days) * DAY_MS));
        self.store
            .write(move |tx| {
                scim::put_token(tx, &name, &hash, at, expires_at)?;
                let entry = Entry::new(at, "system:command-line", Action::ProvisioningToken).target(name);
                wardline_audit::append(tx, &entry.with("change", "created"))
            })
            .await?;
        Ok(token)
    }

    /// Revokes the token of this name.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] if there is none.
    pub async fn revoke_scim_token(&self, name: &str) -> Result<(), IdentityError> {
        let (at, name) = (self.now(), name.to_owned());
        self.store
            .write_with(move |tx| {
                if !scim::remove_token(tx, &name)? {
                    return Err(IdentityError::NotFound("token"));
                }
                let entry = Entry::new(at, "system:command-line", Action::ProvisioningToken).target(name);
                Ok(wardline_audit::append(tx, &entry.with("change", "revoked"))?)
            })
            .await
    }

    /// The name of the provisioning system with this token.
    ///
    /// # Errors
    /// [`ScimError::Unauthorized`], or a failure of the server.
    pub fn scim_client(&self, token: &str) -> Result<String, ScimError> {
        let (hash, now) = (token::hash(token), self.now());
        self.store.read_now(|tx| scim::token(tx, &hash, now))?.ok_or(ScimError::Unauthorized)
    }
}
