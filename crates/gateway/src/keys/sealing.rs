//! The key that seals: XChaCha20-Poly1305 under a secret kept outside the database.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use wardline_domain::Random;
use zeroize::Zeroizing;

use super::{KeyServiceError, OpenError};

/// Prefix of the associated data, so that a sealed recovery key can never pass for another kind of secret.
const PURPOSE: &str = "wardline recovery key 1\0";
const NONCE_BYTES: usize = 24;

/// Seals recovery keys and opens them again. [`SealingKey`] does it in this process with a secret out of a file or the
/// environment. A hardware module (PKCS #11) or a key management service is another implementation: it keeps the secret
/// to itself and is called for each of the two operations, which are rare (a new device, a new recovery key).
///
/// What an implementation must do: bind what it seals to `user_id`, so that it opens for nobody else (associated data of
/// an AEAD, or the encryption context of a service); give back other bytes for every call; open what it sealed under an
/// earlier secret for as long as such keys are kept. The calls are made on a thread that may block.
pub trait Sealer: Send + Sync {
    /// Seals `secret` for `user_id`.
    ///
    /// # Errors
    /// [`KeyServiceError::Unsealable`] if it cannot; nothing is kept then.
    fn seal(&self, user_id: &str, secret: &str, random: &dyn Random) -> Result<Vec<u8>, KeyServiceError>;

    /// Opens what [`Sealer::seal`] made for the same person.
    ///
    /// # Errors
    /// [`KeyServiceError::Unsealable`] for anything else.
    fn open(&self, user_id: &str, sealed: &[u8]) -> Result<Zeroizing<String>, KeyServiceError>;
}

/// The secret under which recovery keys are sealed. Never printed; wiped from memory when dropped.
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    /// Takes 32 secret bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads 64 hexadecimal digits; white space around them is ignored.
    ///
    /// # Errors
    /// [`OpenError::MalformedKey`] for anything else. The message never holds key material.
    pub fn from_text(text: &str) -> Result<Self, OpenError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).map_err(|_| OpenError::MalformedKey)?;
        Ok(Self(bytes))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl Sealer for SealingKey {
    /// The answer is the nonce (24 bytes) followed by the ciphertext and its tag.
    fn seal(&self, user_id: &str, secret: &str, random: &dyn Random) -> Result<Vec<u8>, KeyServiceError> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let aad = format!("{PURPOSE}{user_id}");
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: secret.as_bytes(), aad: aad.as_bytes() })
            .map_err(|_| KeyServiceError::Unsealable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, user_id: &str, sealed: &[u8]) -> Result<Zeroizing<String>, KeyServiceError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(KeyServiceError::Unsealable)?;
        let aad = format!("{PURPOSE}{user_id}");
        let secret = self
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: aad.as_bytes() })
            .map_err(|_| KeyServiceError::Unsealable)?;
        String::from_utf8(secret).map(Zeroizing::new).map_err(|_| KeyServiceError::Unsealable)
    }
}
