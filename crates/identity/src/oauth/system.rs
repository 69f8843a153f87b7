//! Systems that use the FHIR API without a person behind them: who they are, and their tokens.
//!
//! Specification: SMART App Launch 2.2, "Backend Services"; RFC 6749 section 4.4. An administrator registers a system with its public keys
//! and the most that it may do; it proves by a signed assertion who it is and is given a token of five minutes, without a refresh
//! token. Such a token is good for the FHIR API alone.

use serde_json::Value;
use sha2::{Digest, Sha256};
use wardline_audit::{Action, Entry, Outcome};
use wardline_domain::{
    Timestamp,
    ruma::OwnedUserId,
    smart::{Context, SmartScope, common},
};
use wardline_store::{
    StoreError,
    oauth::systems::{self, SystemRow},
};

use super::{ErrorCode, OAuthError, assertion::Assertion, system_keys};
use crate::{Identity, IdentityError, token};

/// How long a token lasts, in milliseconds. The most that SMART allows.
const LIFETIME_MS: i64 = 5 * 60 * 1000;
/// What the local part of a system's user id begins with. No account can have it.
const MARK: char = '~';

/// A system that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemClient {
    /// Its `client_id`: 1 to 64 of the characters a-z 0-9 - .
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The most that it may ask for: `system/…` scopes, parted by spaces.
    pub scope: String,
    /// Its public keys, a JWK Set.
    pub keys: Option<Value>,
    /// Where it publishes them.
    pub keys_uri: Option<String>,
}

/// What the token endpoint gives a system.
#[derive(Clone, Debug)]
pub struct SystemToken {
    /// The access token.
    pub token: String,
    /// How long it lasts, in seconds.
    pub expires_in: i64,
    /// The granted scope.
    pub scope: String,
}

/// A system that has come with a good token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemSession {
    /// Its `client_id`.
    pub client: String,
    /// What it is called where people have user ids. It is no account: see [`is_system`].
    pub user_id: OwnedUserId,
    /// What its token is good for.
    pub scopes: Vec<SmartScope>,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Whether a user id is that of a system. No account has such an id.
#[must_use]
pub fn is_system(user: &wardline_domain::ruma::UserId) -> bool {
    user.localpart().starts_with(MARK)
}

/// The `system/…` scopes in a text, each once; `None` if any part of it is something else.
fn scopes(text: &str) -> Option<Vec<SmartScope>> {
    let parsed: Option<Vec<SmartScope>> = text.split(' ').map(SmartScope::parse).collect();
    parsed.filter(|all| all.iter().all(|scope| scope.context() == Context::System))
}

impl SystemClient {
    fn of(row: SystemRow) -> Result<Self, StoreError> {
        let keys = row.keys.map(|keys| serde_json::from_str(&keys)).transpose();
        let keys = keys.map_err(|error| StoreError::Malformed(format!("keys of a system: {error}")))?;
        Ok(Self { id: row.id, name: row.name, scope: row.scope, keys, keys_uri: row.keys_uri })
    }

    /// Checks what an administrator says of a system, and leaves each scope once, in the spelling of version 2.
    fn accept(mut self) -> Result<Self, IdentityError> {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if self.id.is_empty() || self.id.len() > 64 || !self.id.chars().all(fine) {
            return Err(IdentityError::Invalid("client_id", "must be 1 to 64 of the characters a-z 0-9 - ."));
        }
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(IdentityError::Invalid("name", "must be 1 to 100 printable characters"));
        }
        self.name = name.to_owned();
        let wrong = IdentityError::Invalid("scope", "must be system/… scopes of SMART, parted by spaces");
        let mut all = scopes(&self.scope).ok_or(wrong)?;
        all.sort();
        all.dedup();
        self.scope = written(&all);
        match (&self.keys, &self.keys_uri) {
            (Some(keys), None) => {
                system_keys::check(keys).map_err(|why| IdentityError::Invalid("jwks", why))?;
            }
            (None, Some(uri)) if system_keys::acceptable(uri) => {}
            (None, Some(_)) => return Err(IdentityError::Invalid("jwks_uri", "must be an https URL")),
            _ => {
                return Err(IdentityError::Invalid(
                    "jwks",
                    "there must be jwks or jwks_uri, and one of them",
                ));
            }
        }
        Ok(self)
    }
}

fn written(scopes: &[SmartScope]) -> String {
    scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

impl Identity {
    /// Registers a system, or changes the one with the same id: its tokens end then. `true` if it is new. `by` is the audit
    /// entry's beginning: the administrator who does it.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] names the field.
    pub async fn put_system_client(&self, by: Entry, client: SystemClient) -> Result<bool, IdentityError> {
        let client = client.accept()?;
        self.system_user(&client.id).map_err(|_| IdentityError::Invalid("client_id", "is too long"))?;
        let at = self.now();
        let row = SystemRow {
            id: client.id,
            name: client.name,
            scope: client.scope,
            keys: client.keys.map(|keys| keys.to_string()),
            keys_uri: client.keys_uri,
            created_at: at,
            changed_at: at,
            changed_by: by.actor.clone(),
        };
        if let Some(address) = &row.keys_uri {
            self.system_keys.forget(address);
        }
        self.store
            .write_with(move |tx| {
                let new = systems::find(tx, &row.id)?.is_none();
                systems::put(tx, &row)?;
                let change = if new { "registered" } else { "changed" };
                wardline_audit::append(
                    tx,
                    &by.target(&row.id).with("change", change).with("scope", &row.scope),
                )?;
                Ok::<_, IdentityError>(new)
            })
            .await
    }

    /// Removes a system; its tokens end at once. `by` as for [`Identity::put_system_client`].
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub async fn remove_system_client(&self, by: Entry, id: &str) -> Result<(), IdentityError> {
        let id = id.to_owned();
        self.store
            .write_with(move |tx| {
                if !systems::remove(tx, &id)? {
                    return Err(IdentityError::NotFound("client"));
                }
                Ok(wardline_audit::append(tx, &by.target(&id).with("change", "removed"))?)
            })
            .await
    }

    /// The systems that are registered, by id.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn system_clients(&self) -> Result<Vec<SystemClient>, IdentityError> {
        let rows = self.store.read_now(|tx| systems::all(tx))?;
        Ok(rows.into_iter().map(SystemClient::of).collect::<Result<_, _>>()?)
    }

    /// The system with this id.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`].
    pub fn system_client(&self, id: &str) -> Result<SystemClient, IdentityError> {
        let row = self.store.read_now(|tx| systems::find(tx, id))?;
        Ok(SystemClient::of(row.ok_or(IdentityError::NotFound("client"))?)?)
    }

    /// A token for the system that made this assertion. `said` is the `client_id` of the request, if it has one; `scope`
    /// what is asked for; `audience` the address of the token endpoint.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidClient`] if it is not proved who asks, [`ErrorCode::InvalidScope`] if nothing that is asked for
    /// may be granted, or a failure of the server. Refusals of a known system are audited.
    pub async fn redeem_assertion(
        &self,
        assertion: &str,
        said: Option<&str>,
        scope: &str,
        audience: &str,
    ) -> Result<SystemToken, OAuthError> {
        let refused = |why: &str| OAuthError::new(ErrorCode::InvalidClient, why);
        let parsed = Assertion::parse(assertion).map_err(refused)?;
        let id = parsed.client().map_err(refused)?.to_owned();
        if said.is_some_and(|said| said != id) {
            return Err(refused("client_id: is not that of the assertion"));
        }
        let unknown = "client_assertion: its client is not known here";
        let row = self.store.read_now(|tx| systems::find(tx, &id))?.ok_or_else(|| refused(unknown))?;
        let client = SystemClient::of(row)?;
        match self.grant(&client, &parsed, scope, audience).await {
            Err(OAuthError::Refused(code, why)) => {
                let at = self.now();
                let entry = Entry::new(at, self.system_user(&id)?.as_str(), Action::SystemToken)
                    .outcome(Outcome::Refused)
                    .with("error", code.as_str())
                    .with("why", &why);
                self.store.write(move |tx| wardline_audit::append(tx, &entry)).await?;
                Err(OAuthError::Refused(code, why))
            }
            done => done,
        }
    }

    async fn grant(
        &self,
        client: &SystemClient,
        assertion: &Assertion<'_>,
        scope: &str,
        audience: &str,
    ) -> Result<SystemToken, OAuthError> {
        let refused = |why: &str| OAuthError::new(ErrorCode::InvalidClient, why);
        if assertion.keys_uri.is_some() && assertion.keys_uri != client.keys_uri {
            return Err(refused("client_assertion: jku is not the jwks_uri of the client"));
        }
        let now = self.now();
        let keys = match (&client.keys, &client.keys_uri) {
            (Some(keys), _) => std::sync::Arc::new(system_keys::readable(keys)),
            (None, Some(address)) => {
                let enough = |keys: &_| assertion.key(keys).is_some();
                self.system_keys.at(address, now, enough).await.map_err(refused)?
            }
            (None, None) => return Err(refused("the client has no keys")),
        };
        let key = assertion.key(&keys);
        let key = key.ok_or_else(|| refused("client_assertion: kid is none of the client's keys"))?;
        let proved = assertion.check(key, audience, now).map_err(refused)?;
        let granted = granted(scope, &client.scope).ok_or_else(|| {
            let text = "scope: must be system/… scopes of SMART that the client was registered with";
            OAuthError::new(ErrorCode::InvalidScope, text)
        })?;
        let scope = written(&granted);
        let (token, hash) = token::system(&*self.random);
        let (id, given, user) = (client.id.clone(), scope.clone(), self.system_user(&client.id)?);
        self.store
            .write_with(move |tx| {
                let used: [u8; 32] = Sha256::digest(&proved.id).into();
                if !systems::use_assertion(tx, &id, &used, (now, proved.expires_at))? {
                    let why = "client_assertion: was used before (jti)";
                    return Err(OAuthError::new(ErrorCode::InvalidClient, why));
                }
                systems::add_token(tx, &id, &hash, &given, (now, now.plus_millis(LIFETIME_MS)))?;
                let entry = Entry::new(now, user.as_str(), Action::SystemToken).with("scope", &given);
                Ok(wardline_audit::append(tx, &entry)?)
            })
            .await?;
        Ok(SystemToken { token, expires_in: LIFETIME_MS / 1000, scope })
    }

    /// The system that comes with this token; `None` if it is no token of a system, or has ended.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn system_session(&self, token: &str) -> Result<Option<SystemSession>, IdentityError> {
        if !token.starts_with(token::SYSTEM) {
            return Ok(None);
        }
        let (hash, now) = (token::hash(token), self.now());
        let found = self.store.read_now(|tx| systems::by_token(tx, &hash, now))?;
        let Some((client, scope, expires_at)) = found else { return Ok(None) };
        let (user_id, scopes) = (self.system_user(&client)?, wardline_domain::smart::scopes_of(&scope));
        Ok(Some(SystemSession { client, user_id, scopes, expires_at }))
    }

    /// Ends a token of a system. Whether it was one.
    ///
    /// # Errors
    /// A failure of the server.
    pub(super) async fn revoke_system_token(&self, token: &str) -> Result<bool, IdentityError> {
        if !token.starts_with(token::SYSTEM) {
            return Ok(false);
        }
        let (hash, at, server) = (token::hash(token), self.now(), self.server_name.clone());
        self.store
            .write_with(move |tx| {
                if let Some(client) = systems::remove_token(tx, &hash)? {
                    let entry = Entry::new(at, format!("@{MARK}{client}:{server}"), Action::SystemToken);
                    wardline_audit::append(tx, &entry.with("change", "revoked"))?;
                }
                Ok::<_, IdentityError>(())
            })
            .await?;
        Ok(true)
    }

    fn system_user(&self, client: &str) -> Result<OwnedUserId, StoreError> {
        let user = self.user_of(&format!("{MARK}{client}"));
        user.ok_or_else(|| StoreError::Malformed("the id of a system is no part of a user id".to_owned()))
    }
}

/// What is asked for and may be granted. `None` if nothing may be, or something is asked for that is no scope of a system.
fn granted(asked: &str, allowed: &str) -> Option<Vec<SmartScope>> {
    let granted = common(&scopes(asked)?, &scopes(allowed)?);
    (!granted.is_empty()).then_some(granted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_granted_than_was_registered() {
        let text = |asked, allowed| granted(asked, allowed).map(|all| written(&all));
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(text("system/Task.rs", "system/*.rs"), of("system/Task.rs"));
        assert_eq!(text("system/Task.read system/Patient.rs", "system/Task.cruds"), of("system/Task.rs"));
        assert_eq!(text("system/Task.cud", "system/Task.rs"), None);
        assert_eq!(text("system/*.rs", "system/Task.rs"), of("system/Task.rs"));
        assert_eq!(text("system/Task.cruds", "system/*.rs system/Task.cu"), of("system/Task.crus"));
        assert_eq!(text("system/Task.rs user/Task.rs", "system/*.rs"), None);
        assert_eq!(text("openid", "system/*.rs"), None);
        assert_eq!(text("", "system/*.rs"), None);
    }
}
