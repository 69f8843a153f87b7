//! Codes and refresh tokens into tokens; revocation.
//!
//! Specification: Client-Server API, "Grant types" and "Token revocation"; RFC 6749, RFC 7009, RFC 7636.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::Timestamp;
use wardline_store::{
    StoreError, WriteTx,
    oauth::{
        clients,
        codes::{self, CodeRow},
    },
    sessions::{self, Standing},
};

use super::{
    Client, OAuthError,
    client::{CODE, REFRESH},
};
use crate::{
    Authentication, Identity, IdentityError, Proven, Thumbprint, Tokens,
    sign_in::{Actor, open_session},
    token,
};

/// What the token endpoint gives.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The tokens; there is always a refresh token.
    pub tokens: Tokens,
    /// The granted scope.
    pub scope: String,
    /// Whether the tokens are bound to a key of the client (DPoP).
    pub bound: bool,
}

/// Binds a new session to a key that its client has proved.
pub(super) fn bind(tx: &mut WriteTx<'_>, session: i64, key: Option<Thumbprint>) -> Result<(), StoreError> {
    key.map_or(Ok(()), |key| sessions::bind(tx, session, &key))
}

/// How an attempt with a code ended, inside the transaction: refusals must be written down too.
enum Attempt {
    Opened,
    Refused(&'static str),
    /// The session that an earlier use opened has been revoked.
    Reused(Option<i64>),
}

impl Identity {
    /// Redeems an authorisation code: opens a session on the device that its scope names.
    ///
    /// With a `key` that the client has proved the tokens are bound to it.
    ///
    /// A code is good for one attempt, right or wrong. A second one revokes the session that the first opened,
    /// because somebody else may hold that.
    ///
    /// # Errors
    /// [`super::ErrorCode::InvalidGrant`], [`super::ErrorCode::UnauthorizedClient`], or a failure of the server.
    pub async fn redeem_code(
        &self,
        client: &Client,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        key: Option<Thumbprint>,
    ) -> Result<Granted, OAuthError> {
        client.may(CODE)?;
        let unknown = || OAuthError::invalid_grant("code: is unknown, has ended or was used before");
        let hash = token::hash(code);
        let row = self.store.read_now(|tx| codes::find(tx, &hash))?.ok_or_else(unknown)?;
        let (tokens, grant) = self.new_tokens(row.user_id.clone(), row.code.device_id.clone(), true);
        let (at, scope) = (self.now(), row.code.scope.clone());
        let (user, device) = (row.code.user, row.code.device_id);
        let (client_id, name) = (client.id.clone(), client.name());
        let (redirect_uri, verifier) = (redirect_uri.to_owned(), verifier.to_owned());
        let attempt = self
            .store
            .write_with(move |tx| {
                let Some(row) = codes::find(tx, &hash)? else {
                    return Ok(Attempt::Refused("code: is unknown"));
                };
                if row.spent {
                    return Ok(Attempt::Reused(reused(tx, at, &row)?));
                }
                if let Some(why) = unfit(&row, at, &client_id, &redirect_uri, &verifier, key) {
                    codes::spend(tx, &hash, None)?;
                    wardline_audit::append(tx, &refusal(at, &row, &client_id, why))?;
                    return Ok(Attempt::Refused(why));
                }
                let who =
                    Proven::new(row.code.user, row.user_id, Authentication::of_text(&row.code.method, at));
                let more = [("client", &*client_id), ("grant", CODE)];
                let session = open_session(tx, at, &who, (&row.code.device_id, Some(&*name)), &grant, &more)?;
                clients::add_session(tx, session, &client_id, &row.code.scope)?;
                bind(tx, session, key)?;
                codes::spend(tx, &hash, Some(session))?;
                Ok::<_, IdentityError>(Attempt::Opened)
            })
            .await?;
        match attempt {
            Attempt::Opened => {
                self.sessions.forget(|s| s.user_nid == user && s.device_id == *device);
                Ok(Granted { tokens, scope, bound: key.is_some() })
            }
            Attempt::Refused(why) => Err(OAuthError::invalid_grant(why)),
            Attempt::Reused(session) => {
                self.sessions.forget(|s| Some(s.session_id) == session);
                Err(unknown())
            }
        }
    }

    /// A new pair of tokens for a refresh token of this client. See [`Identity::refresh`].
    ///
    /// # Errors
    /// [`super::ErrorCode::InvalidGrant`], or a failure of the server.
    pub async fn redeem_refresh_token(
        &self,
        client: &Client,
        token: &str,
        key: Option<Thumbprint>,
    ) -> Result<Granted, OAuthError> {
        client.may(REFRESH)?;
        let (tokens, scope, key) = self.rotate(token, Some(client.id.clone()), key).await?;
        Ok(Granted { tokens, scope: scope.unwrap_or_default(), bound: key.is_some() })
    }

    /// Ends the session of an access or refresh token, with its device and keys, as signing out does. Whoever
    /// holds a token may end it: that helps those who find one. A token that is not good is ignored.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn revoke_token(&self, token: &str) -> Result<(), IdentityError> {
        if self.revoke_system_token(token).await? {
            return Ok(());
        }
        let hash = token::hash(token);
        let grant = self.store.read_now(|tx| match sessions::by_access_token(tx, &hash)? {
            None => sessions::by_refresh_token(tx, &hash),
            found => Ok(found),
        })?;
        let Some(grant) = grant.filter(|grant| grant.standing != Standing::Spent) else { return Ok(()) };
        let device = grant.device_id.clone();
        let actor =
            Actor { user: grant.user, user_id: grant.user_id, device: Some(grant.device_id), address: None };
        self.remove_devices(&actor, Action::SignOut, move |_| Ok(vec![device])).await
    }

    /// Whether a session was opened by OAuth.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn is_oauth_session(&self, session: i64) -> Result<bool, IdentityError> {
        Ok(self.store.read_now(|tx| clients::of_session(tx, session))?.is_some())
    }
}

/// Why a code is not good for this attempt.
fn unfit(
    row: &CodeRow,
    now: Timestamp,
    client: &str,
    redirect_uri: &str,
    verifier: &str,
    key: Option<Thumbprint>,
) -> Option<&'static str> {
    if row.code.expires_at <= now {
        return Some("code: has ended");
    }
    if row.code.client_id != client {
        return Some("code: was given to another client");
    }
    if row.code.redirect_uri != redirect_uri {
        return Some("redirect_uri: is not that of the authorisation request");
    }
    if row.code.thumbprint.is_some() && row.code.thumbprint != key {
        return Some("DPoP: is not by the key of the authorisation request");
    }
    if !proves(verifier, &row.code.challenge) {
        return Some("code_verifier: does not fit the code challenge");
    }
    None
}

/// RFC 7636 section 4.6, for `S256`.
fn proves(verifier: &str, challenge: &str) -> bool {
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    (43..=128).contains(&verifier.len())
        && verifier.chars().all(unreserved)
        && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge
}

fn refusal(at: Timestamp, row: &CodeRow, client: &str, why: &str) -> Entry {
    let entry = Entry::new(at, row.user_id.as_str(), Action::SignIn)
        .device(&*row.code.device_id)
        .outcome(Outcome::Refused);
    Authentication::of_text(&row.code.method, at)
        .describe(entry)
        .with("client", client)
        .with("grant", CODE)
        .with("why", why)
}

/// Revokes the session that a code opened. Its number, if it was in force.
fn reused(tx: &mut WriteTx<'_>, at: Timestamp, row: &CodeRow) -> Result<Option<i64>, StoreError> {
    let Some(session) = row.session else { return Ok(None) };
    if !sessions::revoke(tx, session)? {
        return Ok(None);
    }
    let entry = Entry::new(at, row.user_id.as_str(), Action::TokenReused)
        .device(&*row.code.device_id)
        .outcome(Outcome::Refused)
        .with("client", &*row.code.client_id)
        .with("session", session.to_string())
        .with("token", "code");
    wardline_audit::append(tx, &entry)?;
    Ok(Some(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK", challenge));
        assert!(!proves(challenge, challenge));
        assert!(!proves("", challenge));
    }
}
