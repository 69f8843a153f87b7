//! How a system without a person proves who it is: a signed assertion (`private_key_jwt`).
//!
//! Specification: SMART App Launch 2.2, "Client Authentication: Asymmetric (public key)"; RFC 7523 section 3.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use serde_json::{Map, Value};
use wardline_domain::Timestamp;

/// The signatures that are taken, by their names in JOSE.
pub const ASSERTION_ALGORITHMS: [&str; 2] = ["RS384", "ES384"];
/// How long before its end an assertion may be made, in seconds.
const LONGEST_S: i64 = 5 * 60;
/// By how much the clock of a system may go ahead, in seconds, where an assertion says when it begins.
const LEEWAY_S: i64 = 60;
/// The longest assertion, in bytes.
const MAX_ASSERTION: usize = 8 * 1024;
/// The longest id of an assertion, in bytes.
const MAX_ID: usize = 255;

/// An assertion that was taken apart. Nothing in it is believed yet but the name of the one who claims to have made it.
#[derive(Debug)]
pub(super) struct Assertion<'a> {
    signed: &'a str,
    signature: &'a str,
    algorithm: Algorithm,
    key_id: String,
    /// `jku`: where it says that its key is.
    pub(super) keys_uri: Option<String>,
    claims: Map<String, Value>,
}

/// What a good assertion says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proved {
    /// Its id, which is good once.
    pub(super) id: String,
    /// When it ends.
    pub(super) expires_at: Timestamp,
}

/// Why an assertion is not taken.
pub(super) type Refused = &'static str;

impl<'a> Assertion<'a> {
    /// Takes an assertion apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, Refused> {
        const MALFORMED: Refused = "client_assertion: is not a JWT that can be read";
        if text.len() > MAX_ASSERTION {
            return Err("client_assertion: is too long");
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
        };
        let (header, claims) = (object(header).ok_or(MALFORMED)?, object(claims).ok_or(MALFORMED)?);
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err("client_assertion: has header parameters that are not understood");
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        if text("typ").is_some_and(|kind| !kind.eq_ignore_ascii_case("JWT")) {
            return Err("client_assertion: typ must be JWT");
        }
        let algorithm = match text("alg") {
            Some("RS384") => Algorithm::RS384,
            Some("ES384") => Algorithm::ES384,
            _ => return Err("client_assertion: alg must be RS384 or ES384"),
        };
        let key_id = text("kid").filter(|id| !id.is_empty());
        let key_id = key_id.ok_or("client_assertion: kid is required")?.to_owned();
        let keys_uri = text("jku").map(ToOwned::to_owned);
        Ok(Self { signed, signature, algorithm, key_id, keys_uri, claims })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// The `client_id` of the one who claims to have made it.
    pub(super) fn client(&self) -> Result<&str, Refused> {
        match (self.text("iss"), self.text("sub")) {
            (Some(issuer), Some(subject)) if issuer == subject && !issuer.is_empty() => Ok(issuer),
            _ => Err("client_assertion: iss and sub must both be the client_id"),
        }
    }

    /// The key of the set by which it says to be signed.
    pub(super) fn key<'k>(&self, keys: &'k JwkSet) -> Option<&'k Jwk> {
        let fits = |key: &&Jwk| match &key.algorithm {
            AlgorithmParameters::RSA(_) => self.algorithm == Algorithm::RS384,
            AlgorithmParameters::EllipticCurve(it) => {
                self.algorithm == Algorithm::ES384 && it.curve == EllipticCurve::P384
            }
            _ => false,
        };
        keys.keys.iter().filter(fits).find(|key| key.common.key_id.as_ref() == Some(&self.key_id))
    }

    /// Checks signature, audience and times.
    pub(super) fn check(&self, key: &Jwk, audience: &str, now: Timestamp) -> Result<Proved, Refused> {
        let key = DecodingKey::from_jwk(key).map_err(|_| "client_assertion: its key cannot be used")?;
        let signed = self.signed.as_bytes();
        if !matches!(jsonwebtoken::crypto::verify(self.signature, signed, &key, self.algorithm), Ok(true)) {
            return Err("client_assertion: the signature is wrong");
        }
        let meant = match self.claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(all)) => all.iter().any(|one| one == audience),
            _ => false,
        };
        if !meant {
            return Err("client_assertion: aud must be the address of the token endpoint");
        }
        let now = now.as_millis().div_euclid(1000);
        let seconds = |name: &str| self.claims.get(name).and_then(Value::as_i64);
        let end = seconds("exp").ok_or("client_assertion: exp is required, in whole seconds")?;
        if end <= now {
            return Err("client_assertion: has ended (exp)");
        }
        if end - now > LONGEST_S {
            return Err("client_assertion: exp must be at most five minutes away");
        }
        let early = |name: &str| seconds(name).is_some_and(|at| at.saturating_sub(LEEWAY_S) > now);
        if early("nbf") || early("iat") {
            return Err("client_assertion: is not good yet (nbf, iat)");
        }
        let id = self.text("jti").filter(|id| (1..=MAX_ID).contains(&id.len()));
        let id = id.ok_or("client_assertion: jti is required, at most 255 bytes")?.to_owned();
        Ok(Proved { id, expires_at: Timestamp(end.saturating_mul(1000)) })
    }
}
