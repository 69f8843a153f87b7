//! Tokens that prove to a third party who somebody is (Client-Server API, "OpenID"). They open nothing here.

use wardline_domain::ruma::OwnedUserId;
use wardline_store::openid;

use crate::{Identity, IdentityError, Session, token};

/// How long such a token is good for, in seconds.
pub const OPENID_LIFETIME_S: i64 = 3600;

impl Identity {
    /// A new token that stands for the session's user for [`OPENID_LIFETIME_S`].
    ///
    /// # Errors
    /// A failure of the store.
    pub async fn openid_token(&self, session: &Session) -> Result<String, IdentityError> {
        let token = format!("wlo_{}", self.random.token(32));
        let (hash, user, now) = (token::hash(&token), session.user_nid, self.now());
        let expires_at = now.plus_millis(OPENID_LIFETIME_S * 1000);
        self.store.write(move |tx| openid::insert(tx, &hash, user, now, expires_at)).await?;
        Ok(token)
    }

    /// The user whom such a token stands for.
    ///
    /// # Errors
    /// [`IdentityError::UnknownToken`] for one that is unknown or has expired.
    pub fn openid_user(&self, token: &str) -> Result<OwnedUserId, IdentityError> {
        let (hash, now) = (token::hash(token), self.now());
        let user = self.store.read_now(|tx| openid::user(tx, &hash, now))?;
        user.ok_or(IdentityError::UnknownToken { soft_logout: false })
    }
}
