//! The authority itself: its key and certificate on the disk, and the signing of one identity.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{fs, io};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA512, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use wardline_domain::Clock;

use super::certificate::{self, Signer, Validity};
use super::cms;

/// Keys of identities that are made ahead, so that nobody waits for one: making an RSA key takes a tenth of a second or
/// more, signing with it a millisecond.
const AHEAD: usize = 4;
/// How long a certificate that is made at the first start is good for, in days: ten years.
const GOOD_FOR_DAYS: u32 = 3653;

/// Why the authority cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The cryptographic library refused.
    #[error("the identity could not be signed: {0}")]
    Signing(String),
    /// A user id has no Matrix URI.
    #[error("not a user id")]
    UserId,
}

/// A signature of an identity, as it stands in the `signatures` of a master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentitySignature {
    /// Its name: `io.element.x509:` and the identifier of the organisation's key.
    pub key_id: String,
    /// CMS `SignedData` in PEM.
    pub signature: String,
}

/// The organisation's certificate authority. It is read, or made, when it is first needed.
pub struct Authority {
    name: String,
    certificate_file: PathBuf,
    key_file: PathBuf,
    clock: Arc<dyn Clock>,
    opened: OnceLock<Signer>,
    /// Held by whoever reads or makes the files: the first of many who come at once.
    opening: Mutex<()>,
    /// Keys that nobody has yet.
    ahead: Mutex<Vec<KeyPair>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority of an organisation of this name, in two files: a certificate and its key (PKCS #8; ECDSA or RSA), both
    /// PEM. If neither is there they are made when they are first needed.
    #[must_use]
    pub fn new(name: String, certificate_file: PathBuf, key_file: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let (opened, opening, ahead) = (OnceLock::new(), Mutex::default(), Mutex::default());
        Self { name, certificate_file, key_file, clock, opened, opening, ahead }
    }

    /// Does the slow part of signing beforehand: opens or makes the authority and has at least one key ready for the next
    /// identity; `full`: as many as it keeps. Blocks on the processor for a second or more.
    ///
    /// # Errors
    /// [`TrustError`] for files that cannot be used.
    pub fn prepare(&self, full: bool) -> Result<(), TrustError> {
        self.opened()?;
        while self.ahead.lock().len() < if full { AHEAD } else { 1 } {
            let key = new_key()?;
            self.ahead.lock().push(key);
        }
        Ok(())
    }

    /// The organisation's name, as clients show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The certificate that clients are to trust, in PEM. Blocks on the disk.
    ///
    /// # Errors
    /// [`TrustError`] for files that cannot be used.
    pub fn certificate_pem(&self) -> Result<String, TrustError> {
        Ok(self.opened()?.pem.clone())
    }

    /// The name of the signatures that this authority makes. Blocks on the disk.
    ///
    /// # Errors
    /// [`TrustError`] for files that cannot be used.
    pub fn signature_name(&self) -> Result<String, TrustError> {
        Ok(format!("io.element.x509:{}", STANDARD_NO_PAD.encode(&self.opened()?.key_id)))
    }

    /// Signs the master key of a user: its canonical JSON without signatures. Blocks on the processor, for long only if no
    /// key was [prepared](Self::prepare).
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn sign(&self, user_id: &str, master_key: &str) -> Result<IdentitySignature, TrustError> {
        let signer = self.opened()?;
        let uri = matrix_uri(user_id).ok_or(TrustError::UserId)?;
        let ahead = self.ahead.lock().pop();
        let key = ahead.map_or_else(new_key, Ok)?;
        let certificate = certificate::of_identity(signer, user_id, uri, &key, self.clock.now())
            .map_err(|error| TrustError::Signing(error.to_string()))?;
        let refused = |_| TrustError::Signing("RSASSA-PSS".to_owned());
        let own = RsaKeyPair::from_pkcs8(key.serialized_der())
            .map_err(|refused| TrustError::Signing(refused.to_string()))?;
        let mut signature = vec![0; own.public_modulus_len()];
        own.sign(&RSA_PSS_SHA512, &SystemRandom::new(), master_key.as_bytes(), &mut signature)
            .map_err(refused)?;
        let key_id = certificate::key_id(&key);
        Ok(IdentitySignature {
            key_id: self.signature_name()?,
            signature: cms::signed_data(&certificate, &key_id, &signature),
        })
    }

    fn opened(&self) -> Result<&Signer, TrustError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let _opening = self.opening.lock();
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        if !self.certificate_file.exists() && !self.key_file.exists() {
            self.make()?;
        }
        let opened = self.read()?;
        Ok(self.opened.get_or_init(|| opened))
    }

    fn read(&self) -> Result<Signer, TrustError> {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|source| TrustError::File { path: path.to_owned(), source })
        };
        let wrong = |path: &Path, reason| TrustError::Malformed { path: path.to_owned(), reason };
        let key = KeyPair::from_pem(&text(&self.key_file)?).map_err(|_| {
            wrong(&self.key_file, "not an ECDSA or RSA key in PKCS #8 PEM (-----BEGIN PRIVATE KEY-----)")
        })?;
        let certificate = text(&self.certificate_file)?;
        Signer::read(&certificate, key).map_err(|reason| wrong(&self.certificate_file, reason))
    }

    /// Makes a key and the certificate that it signs itself. The key is on the disk before the certificate is.
    fn make(&self) -> Result<(), TrustError> {
        let valid = Validity { from: self.clock.now(), days: GOOD_FOR_DAYS };
        let (key, certificate) = certificate::of_authority(&self.name, &valid)
            .map_err(|error| TrustError::Signing(error.to_string()))?;
        keep(&self.key_file, &key)?;
        keep(&self.certificate_file, &certificate)
    }
}

/// A key for one identity: clients check signatures by RSASSA-PSS only.
fn new_key() -> Result<KeyPair, TrustError> {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        .map_err(|error| TrustError::Signing(error.to_string()))
}

/// The URI of a user (Matrix specification, appendix "URIs"): `matrix:u/amara:riverside.example`.
fn matrix_uri(user_id: &str) -> Option<String> {
    let mut uri = "matrix:u/".to_owned();
    for byte in user_id.strip_prefix('@')?.bytes() {
        match byte {
            // What may stand in a segment of a path (RFC 3986, "pchar").
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b','
            | b';' | b'=' | b':' | b'@' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    Some(uri)
}

/// Writes a file that only its owner may read, whole or not at all.
fn keep(path: &Path, text: &str) -> Result<(), TrustError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let beside = path.with_extension("new");
    let written = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    written().map_err(|source| TrustError::File { path: path.to_owned(), source })
}
