//! This server's key for `private_key_jwt`.

use std::sync::Arc;

use jsonwebtoken::{
    EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde_json::json;
use wardline_domain::Timestamp;

use super::jwt::AlgorithmName;

/// How long an assertion lasts, in seconds.
const LIFETIME_S: i64 = 120;

/// A private key and what is published of it.
#[derive(Clone)]
pub struct ClientKey(Arc<Parts>);

struct Parts {
    key: EncodingKey,
    algorithm: AlgorithmName,
    public: Jwk,
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKey").field("kid", &self.0.public.common.key_id).finish_non_exhaustive()
    }
}

impl ClientKey {
    /// Out of a PEM file, for signatures of this algorithm. Its id is `key_id` or else its RFC 7638 thumbprint.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_pem(pem: &[u8], algorithm: AlgorithmName, key_id: Option<String>) -> Result<Self, String> {
        let key =
            if algorithm.is_rsa() { EncodingKey::from_rsa_pem(pem) } else { EncodingKey::from_ec_pem(pem) };
        let key = key.map_err(|_| format!("is not a PEM key for {}", algorithm.as_str()))?;
        let mut public = Jwk::from_encoding_key(&key, algorithm.algorithm())
            .map_err(|_| format!("is not a key for {}", algorithm.as_str()))?;
        let id = match key_id {
            Some(id) => id,
            None => public.thumbprint(ThumbprintHash::SHA256).map_err(|_| "has no thumbprint".to_owned())?,
        };
        public.common.key_id = Some(id);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self(Arc::new(Parts { key, algorithm, public })))
    }

    /// A new assertion that this server is `client_id`, for the endpoint `audience` (RFC 7523 section 3).
    pub(super) fn assertion(
        &self,
        client_id: &str,
        audience: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<String, String> {
        let mut header = Header::new(self.0.algorithm.algorithm());
        header.kid.clone_from(&self.0.public.common.key_id);
        let at = now.as_millis() / 1000;
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": id, "iat": at, "exp": at + LIFETIME_S,
        });
        jsonwebtoken::encode(&header, &claims, &self.0.key)
            .map_err(|_| "the assertion cannot be signed".to_owned())
    }
}

/// What is published of some keys, as a JSON Web Key Set (RFC 7517).
#[must_use]
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a ClientKey>) -> JwkSet {
    let mut set = JwkSet { keys: Vec::new() };
    for key in keys {
        if !set.keys.contains(&key.0.public) {
            set.keys.push(key.0.public.clone());
        }
    }
    set
}
