//! Who is signed in to the sign-in and account pages, in which browser.
//!
//! A visit is short and ends with the first decision that it was made for: on a shared ward computer nobody may
//! find the pages open under the name of the one before.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use wardline_audit::{Action, Entry};
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{StoreError, oauth::browsers, upstream, users};

use super::{Attempt, Offer, Step};
use crate::{Assurance, Authentication, Identity, IdentityError, Proven, sign_in::Actor, token};

/// How long a visit lasts.
const LIFETIME_MS: i64 = 15 * 60 * 1000;
/// How long a browser is known after its person last signed in.
const KNOWN_MS: i64 = 180 * 24 * 60 * 60 * 1000;

/// Somebody who is signed in to the pages.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who.
    pub user_id: OwnedUserId,
    /// When they proved it.
    pub proved_at: Timestamp,
    pub(crate) proven: Proven,
    pub(super) cookie_hash: [u8; 32],
}

impl Visitor {
    /// Whether they have proved two factors.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        self.proven.is_strong()
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor {
            user: self.proven.user,
            user_id: self.user_id.clone(),
            device: None,
            address: self.proven.authentication.address,
        }
    }
}

/// The token that a form on the pages must bring back, for the browser with this cookie. Nobody can make it who
/// does not know the cookie.
#[must_use]
pub fn csrf_token(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("wardline-form\0{cookie}").as_bytes()))
}

impl Identity {
    /// The ways of signing in, by name, in the order in which the page offers them.
    pub fn sign_in_methods(&self) -> impl Iterator<Item = (&str, Offer)> {
        self.methods.iter().map(|method| (method.name(), method.offer()))
    }

    /// Takes the next step of the method of this name with what a browser brought.
    ///
    /// # Errors
    /// Those of [`SignInMethod::prove`](super::SignInMethod::prove); [`IdentityError::NotFound`] for an unknown method.
    pub async fn prove(&self, method: &str, attempt: Attempt<'_>) -> Result<Step, IdentityError> {
        let method = self.methods.iter().find(|m| m.name() == method);
        method.ok_or(IdentityError::NotFound("method"))?.prove(self, attempt).await
    }

    /// Signs somebody in to the pages; the value of the browser's new cookie.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn begin_visit(&self, who: &Proven) -> Result<String, IdentityError> {
        let cookie = self.random.token(32);
        let (at, hash, who) = (self.now(), token::hash(&cookie), who.clone());
        self.store
            .write(move |tx| {
                let how = who.authentication.to_text();
                browsers::add(tx, &hash, who.user, &how, at, at.plus_millis(LIFETIME_MS))?;
                let entry = Entry::new(at, who.user_id.as_str(), Action::SignIn).with("on", "page");
                wardline_audit::append(tx, &who.authentication.describe(entry))
            })
            .await?;
        Ok(cookie)
    }

    /// Whether this user (a full id or a local part) has signed in before in the browser with this long-lived cookie:
    /// its attempts are counted apart, so that nobody at the same address can hold them up.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn knows_browser(&self, known: &str, user: &str) -> Result<bool, IdentityError> {
        let Some(user_id) = self.local_user(user) else { return Ok(false) };
        let hash = token::hash(known);
        Ok(self.store.read_now(|tx| match users::find(tx, &user_id)? {
            Some(user) => upstream::knows_browser(tx, &hash, user),
            None => Ok::<_, StoreError>(false),
        })?)
    }

    /// Whether anybody has signed in before in the browser with this long-lived cookie: for ways of signing in that say who it
    /// is only at the end.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn is_known_browser(&self, known: &str) -> Result<bool, IdentityError> {
        let hash = token::hash(known);
        Ok(self.store.read_now(|tx| upstream::is_known_browser(tx, &hash))?)
    }

    /// Notes that somebody has signed in in the browser with this long-lived cookie.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn know_browser(&self, known: &str, who: &Proven) -> Result<(), IdentityError> {
        let (hash, user, at) = (token::hash(known), who.user, self.now());
        let before = at.plus_millis(-KNOWN_MS);
        Ok(self.store.write(move |tx| upstream::know_browser(tx, &hash, user, at, before)).await?)
    }

    /// Who is signed in to the pages in the browser with this cookie.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn visitor(&self, cookie: &str) -> Result<Option<Visitor>, IdentityError> {
        let cookie_hash = token::hash(cookie);
        let row = self.store.read_now(|tx| browsers::find(tx, &cookie_hash))?;
        let row = row.filter(|row| row.expires_at > self.now());
        Ok(row.map(|row| Visitor {
            proven: Proven::new(
                row.user,
                row.user_id.clone(),
                Authentication::of_text(&row.method, row.proved_at),
            ),
            user_id: row.user_id,
            proved_at: row.proved_at,
            cookie_hash,
        }))
    }

    /// Notes that the person at the pages has just proved, or added, a second factor.
    pub(crate) async fn note_stronger(&self, visitor: &Visitor, method: &str) -> Result<(), IdentityError> {
        let mut how = visitor.proven.authentication.clone();
        (how.method, how.assurance) = (method.to_owned(), how.assurance.max(Assurance::Aal2));
        let (hash, how) = (visitor.cookie_hash, how.to_text());
        Ok(self.store.write(move |tx| browsers::set_method(tx, &hash, &how)).await?)
    }

    /// Signs a browser out of the pages.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn end_visit(&self, visitor: &Visitor) -> Result<(), IdentityError> {
        let hash = visitor.cookie_hash;
        Ok(self.store.write(move |tx| browsers::forget(tx, &hash)).await?)
    }
}
