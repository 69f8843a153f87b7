//! The organisation's own identity: a certificate authority that vouches for the identities of its staff.
//!
//! A member of staff has one cryptographic identity, the master key of cross-signing. The organisation signs it with a
//! certificate that names the member (`io.element.x509`, as matrix-rust-sdk and matrix-js-sdk 43 read it: `caCertsPem`).
//! A client that trusts the organisation's certificate shows "Verified by …" with no comparison of emoji, and warns when
//! an identity changes without such a signature. The layout is in `docs/protocol/trust-identity.md`.
//!
//! **Invariant:** the certificate's key signs certificates only. Each identity is signed by a key of its own, which is
//! made for that one signature and forgotten: what is published can never be used to sign anything else.

mod authority;
mod certificate;
mod cms;
mod routes;

pub use authority::{Authority, IdentitySignature, TrustError};
pub use routes::router;

/// The textual form of an object (RFC 7468).
fn armoured(label: &str, der: Vec<u8>) -> String {
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, der), lines)
}
