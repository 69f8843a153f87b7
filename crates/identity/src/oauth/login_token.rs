//! The bridge to the legacy login API: tokens for `m.login.token`.
//!
//! Specification: Client-Server API, "Login" and "SSO client login/authentication".

use std::net::IpAddr;

use wardline_audit::{Action, Entry, Outcome};
use wardline_store::oauth::{browsers, login_tokens};

use super::Visitor;
use crate::{
    Assurance, Authentication, Identity, IdentityError, Proven, Session, authentication::with_address,
    sign_in::Actor, token,
};

/// How long a token lasts that a signed-in client asked for, to be carried to another device.
const CARRIED_MS: i64 = 2 * 60 * 1000;
/// How long a token lasts that a browser brings straight to the client. The specification suggests five seconds;
/// a phone that must start the application first takes longer.
const REDIRECTED_MS: i64 = 30 * 1000;

impl Identity {
    /// A token with which another client can sign in as the session's user, once; and its lifetime in
    /// milliseconds. The caller has asked for the password again.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn carry_login_token(&self, session: &Session) -> Result<(String, i64), IdentityError> {
        // A stolen session must not get rid of its end, and somebody whose provider ends this one is to lose the other too.
        let how = Authentication {
            upstream: session.authentication.upstream,
            ends_at: session.authentication.ends_at,
            idle_ms: session.authentication.idle_ms,
            role: session.authentication.role.clone(),
            organisation: session.authentication.organisation.clone(),
            ..Authentication::local("login-token", Assurance::Aal1, self.now())
        };
        let who = Proven::new(session.user_nid, session.user_id.clone(), how);
        let entry = Actor::of(session).entry(self.now(), Action::ConsentGiven).with("grant", "login-token");
        Ok((self.new_login_token(who, CARRIED_MS, entry, None).await?, CARRIED_MS))
    }

    /// A token with which the client at `host` can sign in as the person at the pages, once. Ends their visit.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn redirect_login_token(&self, visitor: &Visitor, host: &str) -> Result<String, IdentityError> {
        let entry =
            visitor.actor().entry(self.now(), Action::ConsentGiven).target(host).with("grant", "login-token");
        self.new_login_token(visitor.proven.clone(), REDIRECTED_MS, entry, Some(visitor.cookie_hash)).await
    }

    async fn new_login_token(
        &self,
        who: Proven,
        lifetime_ms: i64,
        entry: Entry,
        cookie: Option<[u8; 32]>,
    ) -> Result<String, IdentityError> {
        let token = format!("wll_{}", self.random.token(32));
        let (hash, at) = (token::hash(&token), self.now());
        self.store
            .write(move |tx| {
                login_tokens::add(
                    tx,
                    &hash,
                    who.user,
                    &who.authentication.to_text(),
                    at,
                    at.plus_millis(lifetime_ms),
                )?;
                if let Some(cookie) = cookie {
                    browsers::forget(tx, &cookie)?;
                }
                wardline_audit::append(tx, &entry)
            })
            .await?;
        Ok(token)
    }

    /// Redeems a token of `m.login.token`.
    ///
    /// # Errors
    /// [`IdentityError::LoginToken`], or a failure of the server.
    pub async fn redeem_login_token(
        &self,
        token: &str,
        address: Option<IpAddr>,
    ) -> Result<Proven, IdentityError> {
        let (hash, at) = (token::hash(token), self.now());
        let taken = self
            .store
            .write(move |tx| {
                let taken = login_tokens::take(tx, &hash, at)?;
                if taken.is_none() {
                    let entry = Entry::new(at, "system:unknown-user", Action::SignIn)
                        .outcome(Outcome::Refused)
                        .with("method", "login-token");
                    wardline_audit::append(tx, &with_address(entry, address))?;
                }
                Ok(taken)
            })
            .await?;
        let (user, user_id, method) = taken.ok_or(IdentityError::LoginToken)?;
        Ok(Proven::new(user, user_id, Authentication::of_text(&method, at)).from_address(address))
    }
}
