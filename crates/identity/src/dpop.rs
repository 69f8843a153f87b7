//! Proof of possession: tokens that are good only with a key that the client keeps (DPoP).
//!
//! Specification: RFC 9449; thumbprints: RFC 7638. Every proof must carry a nonce of this server, so that none can be
//! made in advance, and is good once.

use std::{collections::HashSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::Jwk, jwk::ThumbprintHash};
use parking_lot::Mutex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;
use wardline_domain::{Clock, Random};

/// The signatures that are taken, by their names in JOSE.
pub const DPOP_ALGORITHMS: [&str; 5] = ["ES256", "ES384", "EdDSA", "PS256", "RS256"];
/// A nonce is good in the period in which it was given and the next one.
const NONCE_PERIOD_MS: i64 = 2 * 60 * 1000;
/// How far the client's clock may be away, in seconds. The nonce says how old a proof can be.
const CLOCK_SKEW_S: i64 = 5 * 60;
/// The longest proof, in bytes.
const MAX_PROOF: usize = 8 * 1024;
/// Proofs that are remembered for a period; more are refused until it is over.
const MAX_SEEN: usize = 1_000_000;

/// The SHA-256 thumbprint of a client's public key.
pub type Thumbprint = [u8; 32];

/// Why a proof is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// It is wrong; the text says how.
    #[error("DPoP: {0}")]
    Invalid(&'static str),
    /// It must be made again with this nonce.
    #[error("DPoP: the proof must carry the nonce of this answer")]
    UseNonce(String),
}

/// The header of a proof, as far as it is looked at before the signature.
#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    jwk: serde_json::Value,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// The proofs that were used in two periods, the older of which is forgotten with the next.
#[derive(Debug, Default)]
struct Seen {
    period: i64,
    now: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
}

/// Checks proofs.
#[derive(Debug)]
pub struct Dpop {
    clock: Arc<dyn Clock>,
    key: [u8; 32],
    seen: Mutex<Seen>,
}

impl Dpop {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: &dyn Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self { clock, key, seen: Mutex::default() }
    }

    fn period(&self) -> i64 {
        self.clock.now().as_millis().div_euclid(NONCE_PERIOD_MS)
    }

    fn nonce_of(&self, period: i64) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return String::new() };
        mac.update(&period.to_be_bytes());
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..18])
    }

    /// The nonce for proofs from now on.
    #[must_use]
    pub fn nonce(&self) -> String {
        self.nonce_of(self.period())
    }

    /// Checks a proof for a request of `method` to `url` (its query does not matter), with the access token that comes
    /// with it, if one does. The thumbprint of the client's key.
    ///
    /// # Errors
    /// [`DpopError`]; a proof is good once.
    pub fn check(
        &self,
        proof: &str,
        method: &str,
        url: &str,
        access_token: Option<&str>,
    ) -> Result<Thumbprint, DpopError> {
        let (thumbprint, claims) = verify(proof)?;
        if claims.htm != method {
            return Err(DpopError::Invalid("htm is not the method of this request"));
        }
        if without_query(&claims.htu) != without_query(url) || without_query(url).is_none() {
            return Err(DpopError::Invalid("htu is not the address of this request"));
        }
        let hash = access_token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes())));
        if claims.ath != hash {
            return Err(DpopError::Invalid("ath is not the hash of the access token"));
        }
        let period = self.period();
        let fresh = [period, period - 1].map(|period| self.nonce_of(period));
        if !claims.nonce.is_some_and(|nonce| fresh.contains(&nonce)) {
            return Err(DpopError::UseNonce(self.nonce()));
        }
        let now = self.clock.now().as_millis() / 1000;
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double")]
        if (claims.iat - now as f64).abs() > CLOCK_SKEW_S as f64 {
            return Err(DpopError::Invalid("iat is too far from the server's time"));
        }
        self.use_up(period, &thumbprint, &claims.jti)?;
        Ok(thumbprint)
    }

    fn use_up(&self, period: i64, thumbprint: &Thumbprint, jti: &str) -> Result<(), DpopError> {
        let id: [u8; 32] =
            Sha256::new().chain_update(thumbprint).chain_update(jti.as_bytes()).finalize().into();
        let mut seen = self.seen.lock();
        if seen.period != period {
            let last = std::mem::take(&mut seen.now);
            seen.before = if seen.period == period - 1 { last } else { HashSet::new() };
            seen.period = period;
        }
        if seen.before.contains(&id) || seen.now.len() >= MAX_SEEN || !seen.now.insert(id) {
            return Err(DpopError::Invalid("the proof was used before"));
        }
        Ok(())
    }
}

/// Checks form and signature.
fn verify(proof: &str) -> Result<(Thumbprint, Claims), DpopError> {
    let malformed = || DpopError::Invalid("the proof is not a JWT that can be read");
    if proof.len() > MAX_PROOF {
        return Err(malformed());
    }
    let first = proof.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(first).map_err(|_| malformed())?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| malformed())?;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(DpopError::Invalid("typ must be dpop+jwt"));
    }
    let algorithm: Algorithm = match DPOP_ALGORITHMS.contains(&&*header.alg) {
        true => header.alg.parse().map_err(|_| malformed())?,
        false => return Err(DpopError::Invalid("alg is not one that this server takes")),
    };
    if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| header.jwk.get(private).is_some()) {
        return Err(DpopError::Invalid("jwk must be a public key"));
    }
    let jwk: Jwk =
        serde_json::from_value(header.jwk).map_err(|_| DpopError::Invalid("jwk cannot be read"))?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| DpopError::Invalid("jwk cannot be read"))?;
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Claims>(proof, &key, &validation)
        .map_err(|_| DpopError::Invalid("the signature or a claim is wrong"))?;
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).ok();
    let thumbprint = thumbprint.and_then(|text| parse_thumbprint(&text)).ok_or_else(malformed)?;
    if token.claims.jti.is_empty() {
        return Err(DpopError::Invalid("jti is required"));
    }
    Ok((thumbprint, token.claims))
}

/// A thumbprint as `dpop_jkt` and `cnf.jkt` write it.
#[must_use]
pub fn parse_thumbprint(text: &str) -> Option<Thumbprint> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The same as text.
#[must_use]
pub fn show_thumbprint(thumbprint: &Thumbprint) -> String {
    URL_SAFE_NO_PAD.encode(thumbprint)
}

/// An address as both sides write it, for comparison (RFC 9449 section 4.3, rule 9).
fn without_query(url: &str) -> Option<String> {
    let mut url = Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url.into())
}
