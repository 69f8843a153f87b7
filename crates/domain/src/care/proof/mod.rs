//! The provable chain of a request: every transition as a signed link that names the hash of the link before, and a
//! seal over the whole. Whoever has the server's published key finds any change or gap, without the server.
//!
//! A link and the seal are JSON objects signed as Matrix signs JSON (appendices, "Signing JSON"), so that tools that are
//! not ours can check them. The hash of a link is SHA-256 of its canonical JSON, signature included. The format is
//! described in `docs/protocol/request-proof.md`.

mod bundle;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

use sha2::{Digest, Sha256};

pub use sign::{NewLink, SignedLink, bundle, sign_link};
pub use verify::{Link, ProofError, Proven, own_keys, verify};

/// The `format` of a bundle.
pub const FORMAT: &str = "org.wardline.request.proof.v1";
const LINK: &str = "org.wardline.request.link";
const SEAL: &str = "org.wardline.request.seal";
/// What the first link names as the hash before it.
pub const START: [u8; 32] = [0; 32];

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
