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

    /// Seals `secret` for `user_id`; the answer is the nonce (24 bytes) followed by the ciphertext and its tag.
    pub(super) fn seal(
        &self,
        user_id: &str,
        secret: &str,
        random: &dyn Random,
    ) -> Result<Vec<u8>, KeyServiceError> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let aad = format!("{PURPOSE}{user_id}");
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: secret.as_bytes(), aad: aad.as_bytes() })
            .map_err(|_| KeyServiceError::Unsealable)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`SealingKey::seal`] made for the same person; anything else is [`KeyServiceError::Unsealable`].
    pub(super) fn open(&self, user_id: &str, sealed: &[u8]) -> Result<Zeroizing<String>, KeyServiceError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(KeyServiceError::Unsealable)?;
        let aad = format!("{PURPOSE}{user_id}");
        let secret = self
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: aad.as_bytes() })
            .map_err(|_| KeyServiceError::Unsealable)?;
        String::from_utf8(secret).map(Zeroizing::new).map_err(|_| KeyServiceError::Unsealable)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}
