//! Encryption by column: XChaCha20-Poly1305 for values, a keyed BLAKE3 hash to find them again.

use std::sync::Arc;

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use wardline_domain::Random;

use crate::StoreError;

const NONCE: usize = 24;

/// Seals and opens columns. Made of one 32-byte key that is kept outside the database; from it one key
/// for sealing and one for blind indexes are derived. Cheap to clone.
#[derive(Clone)]
pub struct ColumnCipher {
    shared: Arc<Shared>,
}

struct Shared {
    aead: XChaCha20Poly1305,
    index: [u8; 32],
    random: Arc<dyn Random>,
}

impl std::fmt::Debug for ColumnCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ColumnCipher(hidden)")
    }
}

impl ColumnCipher {
    /// A cipher over `key`, with nonces from `random`.
    #[must_use]
    pub fn new(key: &[u8; 32], random: Arc<dyn Random>) -> Self {
        let seal = zeroize::Zeroizing::new(blake3::derive_key("wardline 2026 column sealing", key));
        let index = blake3::derive_key("wardline 2026 column blind index", key);
        let aead = XChaCha20Poly1305::new(&Key::from(*seal));
        Self { shared: Arc::new(Shared { aead, index, random }) }
    }

    /// Seals a value for `column` (as `table.column`) of the row with key `row`: nonce and ciphertext. It
    /// opens only for the same column and row.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] for a value too large for the cipher (256 GiB).
    pub fn seal(&self, column: &str, row: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        self.shared.random.fill(&mut nonce);
        let aad = associated(column, row);
        let sealed = self
            .shared
            .aead
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| StoreError::Malformed(format!("{column}: a value cannot be sealed")))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what [`seal`](Self::seal) made for the same column and row.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] if the key is another one or the value was moved or changed.
    pub fn open(&self, column: &str, row: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let fail =
            || StoreError::Malformed(format!("{column}: a sealed value cannot be opened with this key"));
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(fail)?;
        let aad = associated(column, row);
        self.shared
            .aead
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| fail())
    }

    /// The blind index of a value: the same value in the same column always gives the same 32 bytes.
    #[must_use]
    pub fn index(&self, column: &str, value: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.shared.index);
        hasher.update(&associated(column, value));
        *hasher.finalize().as_bytes()
    }
}

/// Two texts as bytes that no other pair gives.
fn associated(column: &str, row: &str) -> Vec<u8> {
    [column.as_bytes(), &[0], row.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Counter(std::sync::atomic::AtomicU8);

    impl Random for Counter {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
    }

    fn cipher(key: u8) -> ColumnCipher {
        ColumnCipher::new(&[key; 32], Arc::new(Counter(0.into())))
    }

    #[test]
    fn opens_only_where_it_was_sealed() {
        let one = cipher(1);
        let sealed = one.seal("patients.record", "a", b"Okafor").unwrap();
        assert_eq!(one.open("patients.record", "a", &sealed).unwrap(), b"Okafor");
        assert!(one.open("patients.record", "b", &sealed).is_err());
        assert!(one.open("tasks.record", "a", &sealed).is_err());
        assert!(cipher(2).open("patients.record", "a", &sealed).is_err());
        assert!(one.open("patients.record", "a", &sealed[..20]).is_err());
        assert!(!sealed.windows(6).any(|w| w == b"Okafor"));
        assert_ne!(one.seal("patients.record", "a", b"Okafor").unwrap(), sealed, "each nonce is new");
    }

    #[test]
    fn an_index_depends_on_key_column_and_value() {
        let one = cipher(1);
        assert_eq!(one.index("a", "x"), one.index("a", "x"));
        assert_ne!(one.index("a", "x"), one.index("b", "x"));
        assert_ne!(one.index("a", "x"), one.index("a", "y"));
        assert_ne!(one.index("a", "x"), cipher(2).index("a", "x"));
    }
}
