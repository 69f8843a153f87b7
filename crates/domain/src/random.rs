//! Injected randomness.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Where random bytes come from: the operating system in the product, a seeded generator in tests.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills `buffer` with random bytes. For tokens and ids the source must be cryptographically secure.
    fn fill(&self, buffer: &mut [u8]);

    /// A URL-safe base64 token without padding that carries `bytes` random bytes.
    fn token(&self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        URL_SAFE_NO_PAD.encode(buffer)
    }

    /// A random (version 4) UUID in its usual lower-case form, RFC 9562 section 5.4.
    fn uuid(&self) -> String {
        let mut b = [0_u8; 16];
        self.fill(&mut b);
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let h = hex::encode(b);
        format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
    }
}
