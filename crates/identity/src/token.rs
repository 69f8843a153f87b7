//! Access and refresh tokens: 32 random bytes each, kept as a hash.

use sha2::{Digest, Sha256};
use wardline_domain::Random;

/// SHA-256 of a token: what is stored and compared.
pub(crate) type TokenHash = [u8; 32];

/// A new access token and its hash.
pub(crate) fn access(random: &dyn Random) -> (String, TokenHash) {
    with_prefix("wl_", random)
}

/// A new refresh token and its hash.
pub(crate) fn refresh(random: &dyn Random) -> (String, TokenHash) {
    with_prefix("wlr_", random)
}

/// What the access token of a system without a person begins with.
pub(crate) const SYSTEM: &str = "wls_";

/// A new access token of a system without a person, and its hash.
pub(crate) fn system(random: &dyn Random) -> (String, TokenHash) {
    with_prefix(SYSTEM, random)
}

/// The prefix lets secret scanners recognise a leaked token.
fn with_prefix(prefix: &str, random: &dyn Random) -> (String, TokenHash) {
    let token = format!("{prefix}{}", random.token(32));
    let hash = hash(&token);
    (token, hash)
}

/// The hash under which a token is stored.
pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}
