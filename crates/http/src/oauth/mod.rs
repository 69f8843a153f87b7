//! The OAuth 2.0 authorisation server's endpoints and its pages.
//!
//! Specification: Client-Server API, "OAuth 2.0 API". The pages are plain HTML; the only script is the one that asks the
//! browser for a passkey, and all else works without it: `html` writes them,
//! `browser` knows who is in front of them, `words` in which language; and each of `sign_in`, `authorize`, `link`, `sso` and `account` is one.

mod account;
mod authorize;
mod browser;
mod error;
mod form;
mod html;
mod invitation;
mod link;
mod metadata;
mod register;
mod security;
mod sign_in;
mod sso;
mod token;
mod upstream;
mod words;

use axum::{Router, middleware};

use crate::AppState;

/// The account page, with the action that it is opened for.
pub(crate) fn account_url(state: &AppState, action: &str) -> String {
    format!("{}{}?action={action}", state.config.public_base_url, account::PATH)
}

/// The action of the account page that allows cross-signing keys to be replaced.
pub(crate) const CROSS_SIGNING_RESET: &str = "org.matrix.cross_signing_reset";

/// The page on which an invitation with this token is used.
pub(crate) fn invitation_url(state: &AppState, token: &str) -> String {
    format!("{}{}?token={token}", state.config.public_base_url, invitation::PATH)
}

pub(crate) use account::{DEACTIVATE, DEVICES};
pub(crate) use metadata::endpoints;
pub(crate) use security::SECURITY;

/// All routes under `/oauth` and `/account`, the server metadata, and `/login/sso/redirect`.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let pages = Router::new()
        .merge(account::routes())
        .merge(authorize::routes())
        .merge(invitation::routes())
        .merge(link::routes())
        .merge(security::routes())
        .merge(sign_in::routes())
        .merge(sso::routes())
        .merge(upstream::routes())
        .route_layer(middleware::from_fn_with_state(state.clone(), words::speak));
    pages.merge(html::routes()).merge(metadata::routes()).merge(register::routes()).merge(token::routes())
}

/// How this server names itself to clients.
fn issuer(state: &AppState) -> String {
    format!("{}/", state.config.public_base_url)
}
