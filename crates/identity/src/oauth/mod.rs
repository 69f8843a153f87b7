//! The OAuth 2.0 authorisation server.
//!
//! Specification: Client-Server API, "OAuth 2.0 API"; RFC 6749, 7009, 7591, 7636, 8252, 8628, 9207, 9700.
//!
//! # Layout
//! - `client`: registration and authentication of clients; `redirect`: which redirect URIs they may have.
//! - `scope`: what may be asked for.
//! - `authorize`: the authorisation request, and what consent to it gives.
//! - `exchange`: codes and refresh tokens into tokens; revocation.
//! - `introspect`: what a token is good for, for whoever holds it.
//! - `device_grant`: sign-in of a device that has no browser.
//! - `pages`: who is signed in to the sign-in and account pages, in which browser.
//! - `account`: what a person does to their own account on those pages.
//! - `login_token`: the bridge to the legacy login API.
//! - `system`: systems without a person behind them, their tokens; `assertion`: how they prove who they are; `system_keys`: by which keys.
//! - `method`: how somebody proves who they are.
//!
//! # Invariants
//! - A code is good for one attempt; a second one ends the session that the first opened.
//! - Codes, tokens, secrets and cookies are stored as SHA-256 only.
//! - Sessions are those of the legacy login API, with a row that names their client.

mod account;
mod assertion;
mod authorize;
mod client;
mod device_grant;
mod error;
mod exchange;
mod introspect;
mod login_token;
mod method;
mod pages;
mod redirect;
mod scope;
mod system;
mod system_keys;

use wardline_store::{
    StoreError, UserNid, WriteTx,
    oauth::{browsers, codes, login_tokens},
};

pub use assertion::ASSERTION_ALGORITHMS;
pub use authorize::{Authorization, AuthorizationError, AuthorizationRequest, ResponseMode};
pub use client::{Client, ClientMetadata};
pub use device_grant::{DeviceAuthorization, WaitingDevice};
pub use error::{ErrorCode, OAuthError};
pub use exchange::Granted;
pub use introspect::Introspection;
pub use method::{
    Asks, Attempt, Choice, LocalPasskey, LocalPassword, Offer, Question, SignInMethod, Step, StepFuture,
};
pub use pages::{Visitor, csrf_token};
pub use redirect::own_origin_of;
pub use scope::is_whole;
pub use system::{SystemClient, SystemSession, SystemToken, is_system};
pub(crate) use system_keys::SystemKeys;

/// Signs a user out of all pages and makes their unused codes useless.
pub(crate) fn forget_pages_of(tx: &mut WriteTx<'_>, user: UserNid) -> Result<(), StoreError> {
    browsers::forget_all_of(tx, user)?;
    login_tokens::forget_all_of(tx, user)?;
    codes::spend_all_of(tx, user)
}
