//! Whether somebody was there a moment ago: what grave actions ask for.

use wardline_store::accounts;

use crate::{Assurance, Identity, IdentityError, Session, oauth::Visitor};

/// For how long after signing in a session may do what is grave without a further question.
const RECENT_MS: i64 = 10 * 60 * 1000;

impl Identity {
    /// Whether the session's user signed in a moment ago, so that a grave action needs no further question.
    #[must_use]
    pub fn signed_in_recently(&self, session: &Session) -> bool {
        self.now().millis_since(session.opened_at) <= RECENT_MS
    }

    /// Whether the person at the pages proved a moment ago who they are.
    #[must_use]
    pub fn proved_recently(&self, visitor: &Visitor) -> bool {
        self.now().millis_since(visitor.proved_at) <= RECENT_MS
    }

    /// Whether the session may use the administration API: its account is an administrator's, and (unless the operator
    /// decided otherwise) its user proved a second factor not too long ago.
    ///
    /// # Errors
    /// [`IdentityError::NotAdministrator`] with what to do, or a failure of the server.
    pub fn check_administrator(&self, session: &Session) -> Result<(), IdentityError> {
        if !self.store.read_now(|tx| accounts::is_admin(tx, session.user_nid))? {
            let text = "only administrators of the server may do this";
            return Err(IdentityError::NotAdministrator(text));
        }
        if !self.policy.admin_second_factor {
            return Ok(());
        }
        if session.authentication.assurance < Assurance::Aal2 {
            let text = "administrators must sign in with a passkey or a one-time code";
            return Err(IdentityError::NotAdministrator(text));
        }
        if self.now().millis_since(session.opened_at) > self.policy.admin_lifetime_ms {
            let text =
                "administrators must sign in again after a while: sign in again with your second factor";
            return Err(IdentityError::NotAdministrator(text));
        }
        Ok(())
    }

    /// Whether the person at the pages must first prove, or add, a second factor: they are an administrator.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn lacks_second_factor(&self, visitor: &Visitor) -> Result<bool, IdentityError> {
        let user = visitor.proven.user;
        let must = self.policy.admin_second_factor && !visitor.proven.is_strong();
        Ok(must && self.store.read_now(|tx| accounts::is_admin(tx, user))?)
    }
}
