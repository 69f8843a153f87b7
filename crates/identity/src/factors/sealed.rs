//! What a page carries between two steps of a sign-in: sealed, so that the browser can neither read nor change it, and
//! good for a few minutes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wardline_domain::Timestamp;
use wardline_store::StoreError;

use crate::{Identity, IdentityError};

/// How long a step may take.
const LIFETIME_MS: i64 = 10 * 60 * 1000;

#[derive(Serialize, Deserialize)]
struct Carried<T> {
    value: T,
    ends: i64,
}

impl Identity {
    /// Seals a value for the step `purpose` (a stable name).
    pub(crate) fn seal<T: Serialize>(&self, purpose: &str, value: T) -> Result<String, IdentityError> {
        let ends = self.now().plus_millis(LIFETIME_MS).as_millis();
        let plain = serde_json::to_vec(&Carried { value, ends })
            .map_err(|error| StoreError::Malformed(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(self.cipher.seal("pages", purpose, &plain)?))
    }

    /// Opens what [`Self::seal`] made for the same step. `None`: it is not of ours, of another step, or too old.
    pub(crate) fn unseal<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Option<T> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.cipher.open("pages", purpose, &sealed).ok()?;
        let carried: Carried<T> = serde_json::from_slice(&plain).ok()?;
        (Timestamp(carried.ends) > self.now()).then_some(carried.value)
    }
}
