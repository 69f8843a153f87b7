//! Registration by somebody who knows the operator's shared secret, compatible with Synapse's
//! `/_synapse/admin/v1/register`, so that existing tools work.

use std::collections::HashMap;

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sha1::Sha1;
use wardline_domain::Timestamp;

use crate::{Identity, IdentityError, Proven};

/// How long a nonce lasts.
const NONCE_LIFETIME_MS: i64 = 60_000;
/// Nonces outstanding at one time; more push the oldest out.
const MAX_NONCES: usize = 1000;

/// Nonces given out, each good for one attempt, with the time they end.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, Timestamp>>);

/// A request to make an account, with the proof that its sender knows the shared secret.
#[derive(Clone, Copy)]
pub struct SharedSecretRequest<'a> {
    /// A nonce given out by [`Identity::new_nonce`].
    pub nonce: &'a str,
    /// The localpart.
    pub username: &'a str,
    /// The password.
    pub password: &'a str,
    /// Whether the account may use the administration API.
    pub admin: bool,
    /// Synapse's kind of user; only part of the proof here.
    pub user_type: Option<&'a str>,
    /// HMAC-SHA1 in hexadecimal over nonce, username, password, `admin` or `notadmin` and the user type if
    /// there is one, with a zero byte between them.
    pub mac: &'a str,
}

impl std::fmt::Debug for SharedSecretRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSecretRequest").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Identity {
    /// A nonce for one registration within a minute.
    #[must_use]
    pub fn new_nonce(&self) -> String {
        let nonce = self.random.token(24);
        let now = self.now();
        let mut nonces = self.nonces.0.lock();
        nonces.retain(|_, ends| *ends > now);
        if nonces.len() >= MAX_NONCES {
            let oldest = nonces.iter().min_by_key(|(_, ends)| **ends).map(|(nonce, _)| nonce.clone());
            oldest.map(|nonce| nonces.remove(&nonce));
        }
        nonces.insert(nonce.clone(), now.plus_millis(NONCE_LIFETIME_MS));
        nonce
    }

    /// Makes an account for somebody who knows `secret`. The nonce is spent whatever the outcome.
    ///
    /// # Errors
    /// [`IdentityError::SharedSecret`], or what [`Identity::create_account`] refuses.
    pub async fn register_with_secret(
        &self,
        secret: &str,
        request: SharedSecretRequest<'_>,
    ) -> Result<Proven, IdentityError> {
        let ends = self.nonces.0.lock().remove(request.nonce);
        if ends.is_none_or(|ends| ends <= self.now()) {
            return Err(IdentityError::SharedSecret("nonce: unknown or expired"));
        }
        let given =
            hex::decode(request.mac).map_err(|_| IdentityError::SharedSecret("mac: not hexadecimal"))?;
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes())
            .map_err(|_| IdentityError::SharedSecret("mac: wrong"))?;
        let admin = if request.admin { "admin" } else { "notadmin" };
        let parts = [request.nonce, request.username, request.password, admin];
        for (n, part) in parts.into_iter().chain(request.user_type).enumerate() {
            if n > 0 {
                mac.update(b"\0");
            }
            mac.update(part.as_bytes());
        }
        // Compares in constant time.
        mac.verify_slice(&given).map_err(|_| IdentityError::SharedSecret("mac: wrong"))?;
        self.create_account(request.username, Some(request.password), request.admin).await
    }
}
