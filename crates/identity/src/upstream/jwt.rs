//! What makes a token of a provider acceptable. Specification: RFC 7515, 7519, 8725; OpenID Connect Core 3.1.3.7.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use serde_json::{Map, Value};
use wardline_domain::Timestamp;

use super::{Claims, UpstreamError};

/// Clocks may differ by this much, in seconds.
pub(super) const LEEWAY_S: i64 = 60;
/// The longest token, in bytes.
pub(super) const MAX_TOKEN: usize = 64 * 1024;

macro_rules! algorithms {
    ($($name:ident),*) => {
        /// A signature algorithm with a public key. There are no others for tokens of providers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are those of RFC 7518 section 3.1")]
        pub enum AlgorithmName { $($name),* }

        impl AlgorithmName {
            /// The algorithm of this name in RFC 7518.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }

            /// Its name in RFC 7518.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            pub(super) const fn algorithm(self) -> Algorithm {
                match self { $(Self::$name => Algorithm::$name),* }
            }
        }
    };
}

algorithms!(RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384);

impl AlgorithmName {
    pub(super) const fn is_rsa(self) -> bool {
        !matches!(self, Self::ES256 | Self::ES384)
    }
}

/// The parts of a signed token.
#[derive(Debug)]
pub(super) struct Token<'a> {
    signed: &'a str,
    signature: &'a str,
    pub(super) algorithm: AlgorithmName,
    pub(super) key_id: Option<String>,
    pub(super) kind: Option<String>,
    claims: Map<String, Value>,
}

fn bad(why: &'static str) -> UpstreamError {
    UpstreamError::refused(why, "Your organisation's sign-in sent an answer that cannot be trusted.")
}

impl<'a> Token<'a> {
    /// Takes a token apart. Nothing in it is believed yet.
    pub(super) fn parse(text: &'a str) -> Result<Self, UpstreamError> {
        if text.len() > MAX_TOKEN {
            return Err(bad("token_too_long"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or_else(|| bad("token_malformed"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| bad("token_malformed"))?;
        let header = object(header)?;
        let name = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(bad("token_malformed"));
        }
        Ok(Self {
            signed,
            signature,
            algorithm: AlgorithmName::parse(name).ok_or_else(|| bad("token_algorithm"))?,
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            kind: header.get("typ").and_then(Value::as_str).map(str::to_ascii_lowercase),
            claims: object(payload)?,
        })
    }

    /// Its claims, if the signature is one of `key` with an algorithm that is allowed.
    pub(super) fn verified(self, key: &Jwk, allowed: &[AlgorithmName]) -> Result<Claims, UpstreamError> {
        if !allowed.contains(&self.algorithm) {
            return Err(bad("token_algorithm"));
        }
        let key = DecodingKey::from_jwk(key).map_err(|_| bad("token_key"))?;
        let algorithm = self.algorithm.algorithm();
        match jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), &key, algorithm) {
            Ok(true) => Ok(Claims(self.claims)),
            _ => Err(bad("token_signature")),
        }
    }
}

fn object(part: &str) -> Result<Map<String, Value>, UpstreamError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| bad("token_malformed"))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(bad("token_malformed")),
    }
}

/// Checks issuer, audience and times of any token of the provider.
pub(super) fn check_common(
    claims: &Claims,
    issuer: &str,
    client_id: &str,
    now: Timestamp,
) -> Result<(), UpstreamError> {
    if claims.text("iss") != Some(issuer) {
        return Err(bad("token_issuer"));
    }
    let audience: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&client_id) {
        return Err(bad("token_audience"));
    }
    let party = claims.text("azp");
    if party.is_some_and(|party| party != client_id) || (audience.len() > 1 && party.is_none()) {
        return Err(bad("token_party"));
    }
    let now = now.as_millis() / 1000;
    if claims.number("exp").is_some_and(|at| at + LEEWAY_S <= now) {
        return Err(bad("token_expired"));
    }
    if claims.number("nbf").is_some_and(|at| at - LEEWAY_S > now) {
        return Err(bad("token_not_yet"));
    }
    match claims.number("iat") {
        Some(at) if at - LEEWAY_S <= now => Ok(()),
        _ => Err(bad("token_issued_at")),
    }
}

/// Checks what an ID token has on top: an end, and the nonce of this sign-in.
pub(super) fn check_id_token(
    claims: &Claims,
    nonce: &str,
    max_age_s: Option<u32>,
    now: Timestamp,
) -> Result<(), UpstreamError> {
    if claims.number("exp").is_none() {
        return Err(bad("token_expired"));
    }
    if claims.text("sub").is_none_or(str::is_empty) {
        return Err(bad("token_subject"));
    }
    if claims.text("nonce") != Some(nonce) {
        return Err(bad("token_nonce"));
    }
    if let Some(max_age) = max_age_s {
        let age = claims.number("auth_time").map(|at| now.as_millis() / 1000 - at);
        if age.is_none_or(|age| age > i64::from(max_age) + LEEWAY_S) {
            let text = "You signed in to your organisation too long ago. Sign in again.";
            return Err(UpstreamError::refused("auth_time", text));
        }
    }
    Ok(())
}
