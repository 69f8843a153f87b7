//! A provider's metadata and keys, cached. Specification: OpenID Connect Discovery 1.0; RFC 7517.

use std::sync::Arc;

use bytes::Bytes;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use wardline_domain::{Clock, Timestamp};
use wardline_outgoing::Outgoing;

use super::{
    AlgorithmName, Claims, UpstreamError,
    jwt::Token,
    provider::{ProviderConfig, acceptable_address},
};

/// How long metadata is used before it is fetched again.
const METADATA_MS: i64 = 60 * 60 * 1000;
/// How long keys are used before they are fetched again.
const KEYS_MS: i64 = 60 * 60 * 1000;
/// Keys are not fetched again for an unknown key id more often than this.
const KEYS_AGAIN_MS: i64 = 30 * 1000;
/// The longest answer, in bytes.
pub(super) const MAX_ANSWER: usize = 1 << 20;

/// What a provider says of itself, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) introspection_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

#[derive(Debug, Default)]
struct Cached {
    metadata: Option<(Timestamp, Arc<Metadata>)>,
    keys: Option<(Timestamp, Arc<JwkSet>)>,
}

/// The way to one provider.
#[derive(Debug)]
pub(super) struct Link {
    outgoing: Outgoing,
    pub(super) clock: Arc<dyn Clock>,
    cached: Mutex<Cached>,
}

fn unavailable(why: impl Into<String>) -> UpstreamError {
    UpstreamError::Unavailable(why.into())
}

/// An answer as JSON, whatever its status, and the status.
pub(super) struct Answer {
    pub(super) status: http::StatusCode,
    pub(super) body: Bytes,
}

impl Link {
    pub(super) fn new(outgoing: Outgoing, clock: Arc<dyn Clock>) -> Self {
        Self { outgoing, clock, cached: Mutex::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Sends a request to an address of the provider.
    pub(super) async fn send(&self, request: http::Request<Bytes>) -> Result<Answer, UpstreamError> {
        let sent = self.outgoing.send(request, MAX_ANSWER).await;
        let answer = sent.map_err(|error| unavailable(error.to_string()))?;
        Ok(Answer { status: answer.status(), body: answer.into_body() })
    }

    async fn json<T: serde::de::DeserializeOwned>(
        &self,
        address: &Url,
        what: &str,
    ) -> Result<T, UpstreamError> {
        let request = http::Request::get(address.as_str())
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| unavailable(format!("the address of its {what} cannot be used")))?;
        let answer = self.send(request).await?;
        if answer.status != http::StatusCode::OK {
            return Err(unavailable(format!("its {what} answered {}", answer.status)));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| unavailable(format!("its {what} is not as specified")))
    }

    /// What the provider says of itself.
    pub(super) async fn metadata(&self, provider: &ProviderConfig) -> Result<Arc<Metadata>, UpstreamError> {
        let now = self.now();
        let cached = self.cached.lock().metadata.clone();
        if let Some((at, metadata)) = &cached
            && now.millis_since(*at) < METADATA_MS
        {
            return Ok(Arc::clone(metadata));
        }
        match self.fetch_metadata(provider).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                self.cached.lock().metadata = Some((now, Arc::clone(&metadata)));
                Ok(metadata)
            }
            // What was true an hour ago is better than nobody signing in.
            Err(UpstreamError::Unavailable(_)) if cached.is_some() => {
                cached.map(|(_, metadata)| metadata).ok_or_else(|| unavailable("no metadata"))
            }
            Err(error) => Err(error),
        }
    }

    async fn fetch_metadata(&self, provider: &ProviderConfig) -> Result<Metadata, UpstreamError> {
        let base = provider.issuer.trim_end_matches('/');
        let address = address(&format!("{base}/.well-known/openid-configuration"))?;
        let metadata: Metadata = self.json(&address, "metadata").await?;
        if metadata.issuer != provider.issuer {
            return Err(unavailable("its metadata is another issuer's"));
        }
        let optional =
            [&metadata.userinfo_endpoint, &metadata.introspection_endpoint, &metadata.end_session_endpoint];
        let required = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        for text in required.into_iter().chain(optional.into_iter().flatten()) {
            self::address(text)?;
        }
        Ok(metadata)
    }

    /// The key of the provider that a token names. An unknown one makes the keys be fetched again: providers rotate
    /// them.
    async fn key(&self, provider: &ProviderConfig, token: &Token<'_>) -> Result<Jwk, UpstreamError> {
        let now = self.now();
        let cached = self.cached.lock().keys.clone();
        let mut fetched_at = None;
        if let Some((at, keys)) = cached {
            fetched_at = Some(at);
            let age = now.millis_since(at);
            if age < KEYS_MS
                && let Some(key) = pick(&keys, token)
            {
                return Ok(key);
            }
        }
        if fetched_at.is_none_or(|at| now.millis_since(at) >= KEYS_AGAIN_MS) {
            let metadata = self.metadata(provider).await?;
            let raw: Value = self.json(&address(&metadata.jwks_uri)?, "key set").await?;
            let keys = Arc::new(readable(&raw));
            self.cached.lock().keys = Some((now, Arc::clone(&keys)));
            if let Some(key) = pick(&keys, token) {
                return Ok(key);
            }
        }
        Err(UpstreamError::refused(
            "token_key",
            "Your organisation's sign-in sent an answer that cannot be trusted.",
        ))
    }

    /// The claims of a token that the provider signed; nothing else of it is checked.
    pub(super) async fn verify(
        &self,
        provider: &ProviderConfig,
        text: &str,
    ) -> Result<(Claims, Option<String>), UpstreamError> {
        let token = Token::parse(text)?;
        if !provider.algorithms.contains(&token.algorithm) {
            // Before its keys are asked for.
            return Err(UpstreamError::refused(
                "token_algorithm",
                "Your organisation's sign-in sent an answer that cannot be trusted.",
            ));
        }
        let key = self.key(provider, &token).await?;
        let kind = token.kind.clone();
        Ok((token.verified(&key, &provider.algorithms)?, kind))
    }
}

/// An address out of the metadata.
pub(super) fn address(text: &str) -> Result<Url, UpstreamError> {
    acceptable_address(text).ok_or_else(|| unavailable("one of its addresses is not https"))
}

/// The keys that are understood; a set may have others too.
fn readable(raw: &Value) -> JwkSet {
    let keys = raw.get("keys").and_then(Value::as_array).into_iter().flatten();
    JwkSet { keys: keys.filter_map(|key| serde_json::from_value(key.clone()).ok()).collect() }
}

/// The key for a token: the one of its key id, or without one the only one that fits.
fn pick(keys: &JwkSet, token: &Token<'_>) -> Option<Jwk> {
    let fits = |key: &&Jwk| {
        let for_signing = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
        for_signing && fits_family(key, token.algorithm)
    };
    let mut all = keys.keys.iter().filter(fits);
    match &token.key_id {
        Some(id) => all.find(|key| key.common.key_id.as_ref() == Some(id)).cloned(),
        None => {
            let only = all.next()?;
            all.next().is_none().then(|| only.clone())
        }
    }
}

fn fits_family(key: &Jwk, algorithm: AlgorithmName) -> bool {
    use jsonwebtoken::jwk::AlgorithmParameters;
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => algorithm.is_rsa(),
        AlgorithmParameters::EllipticCurve(_) => !algorithm.is_rsa(),
        _ => false,
    }
}
