//! Sign-in of a device that has no browser: it shows a code, and the person allows it on another device.
//!
//! Specification: RFC 8628.

use wardline_audit::{Action, Outcome};
use wardline_domain::{Timestamp, ruma::OwnedUserId};
use wardline_store::{
    UserNid,
    oauth::{
        browsers, clients,
        device_grants::{self, Decision, NewDeviceGrant},
    },
};

use super::{
    Client, ErrorCode, Granted, OAuthError, Visitor, client::DEVICE_CODE, exchange::bind, scope::Scope,
};
use crate::{Authentication, Identity, IdentityError, Proven, Thumbprint, sign_in::open_session, token};

/// How long a device waits for its person.
const LIFETIME_MS: i64 = 15 * 60 * 1000;
/// How long it must wait between two questions at first, and how much longer after each one that came too soon.
const INTERVAL_MS: i64 = 5000;
/// Letters that make no words and are not taken for others: 20^8 codes.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What a device that wants to sign in is given.
#[derive(Clone, Debug)]
pub struct DeviceAuthorization {
    /// What the device asks with.
    pub device_code: String,
    /// What it shows to the person, such as `BCDF-GHJK`.
    pub user_code: String,
    /// Seconds until both end.
    pub expires_in: i64,
    /// Seconds that the device must wait between two questions.
    pub interval: i64,
}

/// A device that waits for the person at the pages.
#[derive(Clone, Debug)]
pub struct WaitingDevice {
    /// The client on it.
    pub client: Client,
    /// Its future device id.
    pub device_id: String,
    /// The code that it shows.
    pub user_code: String,
    /// What is asked for.
    pub scope: String,
}

/// What a device's question came to, inside the transaction.
enum Asked {
    Opened(UserNid, String),
    Refused(ErrorCode, &'static str),
}

/// The code as it is stored: capital letters only, whatever was typed between them.
fn plain(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).take(9).collect()
}

fn shown(user_code: &str) -> String {
    let (first, last) = user_code.split_at_checked(4).unwrap_or((user_code, ""));
    format!("{first}-{last}")
}

impl Identity {
    /// Lets a device ask to be signed in.
    ///
    /// # Errors
    /// [`ErrorCode::UnauthorizedClient`], [`ErrorCode::InvalidScope`], or a failure of the server.
    pub async fn begin_device_grant(
        &self,
        client: &Client,
        scope: &str,
    ) -> Result<DeviceAuthorization, OAuthError> {
        client.may(DEVICE_CODE)?;
        let scope = Scope::parse(scope)?;
        let device_code = format!("wld_{}", self.random.token(32));
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        let user_code: String = bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 20)])).collect();
        let at = self.now();
        let grant = NewDeviceGrant {
            device_code_hash: token::hash(&device_code),
            user_code: user_code.clone(),
            client_id: client.id.clone(),
            device_id: scope.device_id.unwrap_or_else(|| format!("SMART-{}", self.random.token(12))),
            scope: scope.text,
            expires_at: at.plus_millis(LIFETIME_MS),
            interval_ms: INTERVAL_MS,
        };
        let added = self.store.write(move |tx| {
            clients::note_used(tx, &grant.client_id, at)?;
            device_grants::add(tx, &grant, at)
        });
        if !added.await? {
            return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, "try again"));
        }
        Ok(DeviceAuthorization {
            device_code,
            user_code: shown(&user_code),
            expires_in: LIFETIME_MS / 1000,
            interval: INTERVAL_MS / 1000,
        })
    }

    /// The device that shows this code and still waits.
    ///
    /// # Errors
    /// A failure of the server.
    pub fn waiting_device(&self, user_code: &str) -> Result<Option<WaitingDevice>, OAuthError> {
        let row = self.store.read_now(|tx| device_grants::by_user_code(tx, &plain(user_code)))?;
        let Some(row) = row.filter(|r| r.decision == Decision::Waiting && r.grant.expires_at > self.now())
        else {
            return Ok(None);
        };
        let client = self.client(&row.grant.client_id)?;
        Ok(Some(WaitingDevice {
            client,
            device_id: row.grant.device_id,
            user_code: shown(&row.grant.user_code),
            scope: row.grant.scope,
        }))
    }

    /// Notes what the person at the pages decided about a waiting device, and ends their visit. Whether the
    /// device still waited.
    ///
    /// # Errors
    /// A failure of the server.
    pub async fn decide_device(
        &self,
        visitor: &Visitor,
        device: &WaitingDevice,
        allow: bool,
    ) -> Result<bool, IdentityError> {
        let (at, cookie, user_code) = (self.now(), visitor.cookie_hash, plain(&device.user_code));
        let (user, method) = (visitor.proven.user, visitor.proven.authentication.to_text());
        let entry = visitor
            .actor()
            .entry(at, Action::ConsentGiven)
            .device(&device.device_id)
            .target(&device.client.id)
            .outcome(if allow { Outcome::Success } else { Outcome::Refused })
            .with("grant", DEVICE_CODE);
        let done = self.store.write(move |tx| {
            let decided = device_grants::decide(tx, &user_code, allow, user, &method)?;
            if decided {
                wardline_audit::append(tx, &entry)?;
            }
            browsers::forget(tx, &cookie)?;
            Ok(decided)
        });
        Ok(done.await?)
    }

    /// Redeems a device code, once somebody has allowed the device. With a `key` that the client has proved the tokens
    /// are bound to it.
    ///
    /// # Errors
    /// [`ErrorCode::AuthorizationPending`], [`ErrorCode::SlowDown`], [`ErrorCode::AccessDenied`],
    /// [`ErrorCode::ExpiredToken`], [`ErrorCode::InvalidGrant`], or a failure of the server.
    pub async fn redeem_device_code(
        &self,
        client: &Client,
        code: &str,
        key: Option<Thumbprint>,
    ) -> Result<Granted, OAuthError> {
        client.may(DEVICE_CODE)?;
        let hash = token::hash(code);
        let unknown = || OAuthError::invalid_grant("device_code: is unknown or was used before");
        let row = self.store.read_now(|tx| device_grants::by_device_code(tx, &hash))?.ok_or_else(unknown)?;
        if row.grant.client_id != client.id {
            return Err(OAuthError::invalid_grant("device_code: was given to another client"));
        }
        let who: Option<OwnedUserId> = match row.decision {
            Decision::Allowed(_, user_id, _) => Some(user_id),
            _ => None,
        };
        let Some(user_id) = who else { return Err(self.keep_waiting(hash).await?) };
        let (tokens, grant) = self.new_tokens(user_id, row.grant.device_id, true);
        let (at, scope) = (self.now(), row.grant.scope);
        let (client_id, name) = (client.id.clone(), client.name());
        let asked = self
            .store
            .write_with(move |tx| {
                let Some(row) = device_grants::by_device_code(tx, &hash)? else {
                    return Ok(Asked::Refused(ErrorCode::InvalidGrant, "device_code: was used before"));
                };
                device_grants::forget(tx, &hash)?;
                let Decision::Allowed(user, user_id, method) = row.decision else {
                    return Ok(Asked::Refused(ErrorCode::AccessDenied, "the person said no"));
                };
                if row.grant.expires_at <= at {
                    return Ok(Asked::Refused(ErrorCode::ExpiredToken, "device_code: has ended"));
                }
                let who = Proven::new(user, user_id, Authentication::of_text(&method, at));
                let device = row.grant.device_id;
                let more = [("client", &*client_id), ("grant", DEVICE_CODE)];
                let session = open_session(tx, at, &who, (&device, Some(&*name)), &grant, &more)?;
                clients::add_session(tx, session, &client_id, &row.grant.scope)?;
                bind(tx, session, key)?;
                Ok::<_, IdentityError>(Asked::Opened(user, device))
            })
            .await?;
        match asked {
            Asked::Opened(user, device) => {
                self.sessions.forget(|s| s.user_nid == user && s.device_id == *device);
                Ok(Granted { tokens, scope, bound: key.is_some() })
            }
            Asked::Refused(code, text) => Err(OAuthError::new(code, text)),
        }
    }

    /// Notes that a device asked before anybody allowed it; what it is told.
    async fn keep_waiting(&self, hash: [u8; 32]) -> Result<OAuthError, OAuthError> {
        let at = self.now();
        let (code, text) = self
            .store
            .write(move |tx| {
                let Some(row) = device_grants::by_device_code(tx, &hash)? else {
                    return Ok((ErrorCode::InvalidGrant, "device_code: is unknown"));
                };
                if row.grant.expires_at <= at {
                    device_grants::forget(tx, &hash)?;
                    return Ok((ErrorCode::ExpiredToken, "device_code: has ended"));
                }
                if row.decision == Decision::Refused {
                    device_grants::forget(tx, &hash)?;
                    return Ok((ErrorCode::AccessDenied, "the person said no"));
                }
                let early = row
                    .asked_at
                    .is_some_and(|asked: Timestamp| at.millis_since(asked) < row.grant.interval_ms);
                let interval = row.grant.interval_ms + if early { INTERVAL_MS } else { 0 };
                device_grants::note_asked(tx, &hash, at, interval)?;
                Ok(if early {
                    (ErrorCode::SlowDown, "wait five seconds longer between questions")
                } else {
                    (ErrorCode::AuthorizationPending, "nobody has allowed this device yet")
                })
            })
            .await?;
        Ok(OAuthError::new(code, text))
    }
}
