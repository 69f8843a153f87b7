//! Sign-in with OpenID Connect providers of the organisation, by configuration.
//!
//! Specification: OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated Logout 1.0, Back-Channel Logout 1.0; RFC 7523
//! (`private_key_jwt`), RFC 7636, RFC 7662, RFC 9207.
//!
//! # Layout
//! - `provider`: what the configuration says about one provider, and its profile.
//! - `discovery`: the provider's metadata and keys, cached; `jwt`: what makes a token of it acceptable.
//! - `exchange`: the token endpoint, userinfo, introspection; `client_key`: our key for `private_key_jwt`.
//! - `pending`: what waits for a browser to come back, bound to that browser.
//! - `method`: the steps of the sign-in; `profile_cis2`, `profile_nhs_login`: what those two ask on top.
//! - `person`: claims into a person; `admit`: that person into an account;
//!   `bound`: who has no other way in.
//! - `logout`: sessions end because the provider says so; `poll`: or because it says so when asked.
//!
//! # Invariants
//! - A token is accepted only with an algorithm that the configuration pins for its issuer, never `none` or a MAC.
//! - People are told apart by the provider's immutable subject, never by e-mail address or name.
//! - A person's name alone never gives them an account that exists: that takes an identifier of the directory or of
//!   provisioning.
//! - Every refusal is audited with a stable word for the reason, and opens no session.

mod admit;
mod bound;
mod client_key;
mod discovery;
mod exchange;
mod jwt;
mod logout;
mod method;
mod pending;
mod person;
mod poll;
mod profile_cis2;
mod profile_nhs_login;
mod provider;

pub use client_key::{ClientKey, key_set};
pub use jwt::AlgorithmName;
pub use method::Upstream;
pub use person::Claims;
pub(crate) use person::localpart_of;
pub use provider::{ClaimNames, ClientAuthentication, Poll, Profile, ProviderConfig};

use wardline_store::upstream::NewLogin;

use crate::{Identity, IdentityError};
use exchange::TokenSet;

/// The column of sealed tokens.
const TOKENS: &str = "upstream_logins.tokens";

impl Identity {
    fn seal_tokens(
        &self,
        provider: &str,
        subject: &str,
        tokens: &TokenSet,
    ) -> Result<Vec<u8>, IdentityError> {
        let text = serde_json::to_vec(tokens).map_err(|_| IdentityError::ProviderUnavailable)?;
        Ok(self.cipher.seal(TOKENS, &format!("{provider} {subject}"), &text)?)
    }

    fn open_tokens(&self, login: &NewLogin) -> Result<TokenSet, IdentityError> {
        let row = format!("{} {}", login.provider, login.subject);
        let text = self.cipher.open(TOKENS, &row, &login.tokens)?;
        serde_json::from_slice(&text).map_err(|_| IdentityError::ProviderUnavailable)
    }
}

/// Why a sign-in with a provider did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// The provider's answer, or the person, is not acceptable: a stable word for the audit, and a sentence for the
    /// person.
    #[error("{why}")]
    Refused {
        /// A stable word.
        why: &'static str,
        /// A whole sentence.
        text: String,
    },
    /// The provider did not answer, or not as its specification says.
    #[error("the identity provider cannot be used now: {0}")]
    Unavailable(String),
    /// The server failed.
    #[error(transparent)]
    Server(#[from] IdentityError),
}

impl UpstreamError {
    pub(crate) fn refused(why: &'static str, text: impl Into<String>) -> Self {
        Self::Refused { why, text: text.into() }
    }
}

impl From<wardline_store::StoreError> for UpstreamError {
    fn from(error: wardline_store::StoreError) -> Self {
        Self::Server(error.into())
    }
}

/// Why a logout token was not acted on (Back-Channel Logout 1.0, section 2.6).
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogoutError {
    /// There is no such provider.
    #[error("there is no such identity provider")]
    UnknownProvider,
    /// The token is not acceptable; the text says why.
    #[error("logout_token: {0}")]
    Token(String),
    /// The provider's keys could not be had, or the server failed.
    #[error("the token could not be checked now")]
    Server,
}
