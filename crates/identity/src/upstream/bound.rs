//! Whom a provider vouches for signs in by that provider only. A password or passkey beside it would let in whoever has lost
//! their account there, without the provider's factors, roles and limits.

use wardline_audit::{Action, Entry, Outcome};
use wardline_store::{UserNid, upstream};

use crate::{Identity, IdentityError, Proven};

impl Identity {
    /// What the sign-in page calls the provider by which alone a user signs in; `None`: they sign in here, or by a
    /// provider whose configuration allows both.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn signs_in_elsewhere(&self, user: UserNid) -> Result<Option<&str>, IdentityError> {
        let binding = || self.providers.iter().filter(|provider| !provider.config.local_sign_in);
        if binding().next().is_none() {
            return Ok(None);
        }
        let theirs = self.store.read_now(|tx| upstream::providers_of(tx, user))?;
        let found = binding().find(|provider| theirs.contains(&provider.config.id));
        Ok(found.map(|provider| &*provider.config.label))
    }

    /// Lets somebody in who proved themselves by a method of this server, unless they sign in elsewhere. A refusal is
    /// audited.
    ///
    /// # Errors
    /// [`IdentityError::SignInRefused`], or a failure of the server.
    pub(crate) async fn admit_local(&self, who: Proven) -> Result<Proven, IdentityError> {
        let Some(label) = self.signs_in_elsewhere(who.user)? else { return Ok(who) };
        let text = format!("Your account does not sign in with a password or passkey. Use “{label}”.");
        let entry = Entry::new(self.now(), who.user_id.as_str(), Action::SignIn)
            .outcome(Outcome::Refused)
            .with("why", "elsewhere");
        let entry = who.authentication.describe(entry);
        self.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
        Err(IdentityError::SignInRefused(text))
    }

    /// Refuses to give a user something to sign in with here when they sign in elsewhere.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], or a failure of the server.
    pub(crate) fn may_have_factors(&self, user: UserNid) -> Result<(), IdentityError> {
        match self.signs_in_elsewhere(user)? {
            None => Ok(()),
            Some(_) => Err(IdentityError::Invalid("account", "signs in with an identity provider only")),
        }
    }
}
