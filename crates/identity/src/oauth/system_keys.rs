//! The public keys of systems: registered with them, or fetched from where they publish them.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};
use parking_lot::Mutex;
use serde_json::Value;
use url::{Host, Url};
use wardline_domain::Timestamp;
use wardline_outgoing::Outgoing;

/// How long fetched keys are used before they are fetched again, in milliseconds.
const FRESH_MS: i64 = 60 * 60 * 1000;
/// Keys are not fetched again for an unknown key id more often than this, in milliseconds.
const AGAIN_MS: i64 = 30 * 1000;
/// The longest key set, in bytes.
const MAX_KEYS: usize = 64 * 1024;
/// The parts of a private key.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Key sets that were fetched, with when.
#[derive(Debug, Default)]
pub(crate) struct SystemKeys {
    /// Without it nothing is fetched.
    pub(crate) outgoing: Option<Outgoing>,
    fetched: Mutex<HashMap<String, (Timestamp, Arc<JwkSet>)>>,
}

/// The keys of a set that could have signed an assertion. A set may have others too.
pub(super) fn readable(set: &Value) -> JwkSet {
    let keys = set.get("keys").and_then(Value::as_array).into_iter().flatten();
    JwkSet { keys: keys.filter_map(usable).collect() }
}

/// The key, if assertions can be checked by it: RSA of 2048 bits or more, or of the curve P-384, with a key id.
fn usable(key: &Value) -> Option<Jwk> {
    let key: Jwk = serde_json::from_value(key.clone()).ok()?;
    let fits = match &key.algorithm {
        // 2048 bits are 342 characters of base64.
        AlgorithmParameters::RSA(rsa) => rsa.n.trim_start_matches('A').len() >= 342,
        AlgorithmParameters::EllipticCurve(it) => it.curve == EllipticCurve::P384,
        _ => false,
    };
    let named = key.common.key_id.as_ref().is_some_and(|id| !id.is_empty());
    (fits && named && DecodingKey::from_jwk(&key).is_ok()).then_some(key)
}

/// Whether a key set that an administrator gives is one of public keys that can be used.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(set: &Value) -> Result<(), &'static str> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or("must be a JWK Set: an object with keys")?;
    if keys.iter().any(|key| PRIVATE.iter().any(|part| key.get(part).is_some())) {
        return Err("holds a private key: give the public ones only");
    }
    if set.to_string().len() > MAX_KEYS {
        return Err("is too long");
    }
    if readable(set).keys.is_empty() {
        return Err("has no key with a kid that is RSA of 2048 bits or more, or P-384");
    }
    Ok(())
}

/// Whether keys may be fetched from an address: over TLS, or from this machine.
pub(super) fn acceptable(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && text.len() <= 1000 && (url.scheme() == "https" || (here && url.scheme() == "http"))
}

impl SystemKeys {
    /// The keys at an address: fetched before if they are fresh and `enough`, else fetched now.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) async fn at(
        &self,
        address: &str,
        now: Timestamp,
        enough: impl Fn(&JwkSet) -> bool,
    ) -> Result<Arc<JwkSet>, &'static str> {
        let known = self.fetched.lock().get(address).cloned();
        if let Some((at, keys)) = known {
            let age = now.millis_since(at);
            if age < AGAIN_MS || (age < FRESH_MS && enough(&keys)) {
                return Ok(keys);
            }
        }
        let keys = Arc::new(self.fetch(address).await?);
        self.fetched.lock().insert(address.to_owned(), (now, Arc::clone(&keys)));
        Ok(keys)
    }

    async fn fetch(&self, address: &str) -> Result<JwkSet, &'static str> {
        const MISSING: &str = "the keys of the client cannot be fetched from its jwks_uri";
        let outgoing = self.outgoing.as_ref().ok_or(MISSING)?;
        let request = http::Request::get(address).header("accept", "application/json").body(Bytes::new());
        let answer = outgoing.send(request.map_err(|_| MISSING)?, MAX_KEYS).await;
        let answer = answer.ok().filter(|answer| answer.status().is_success()).ok_or(MISSING)?;
        let set: Value = serde_json::from_slice(answer.body()).map_err(|_| MISSING)?;
        Ok(readable(&set))
    }

    /// Forgets what was fetched from an address.
    pub(super) fn forget(&self, address: &str) {
        self.fetched.lock().remove(address);
    }
}
