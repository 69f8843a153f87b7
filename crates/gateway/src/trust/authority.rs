//! The authority itself: its key and certificate on the disk, and the signing of one identity.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::{fs, io};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaKeyPair, RsaSignatureEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use wardline_domain::Clock;

use super::certificate::{Parts, Said, certificate, key_id, name, parts, to_be_signed};
use super::{cms, pem};

/// How long a certificate that is made at the first start is good for, in days: ten years.
const GOOD_FOR_DAYS: i64 = 3653;
/// The clocks of devices may be behind by this much, in hours.
const SLOW_CLOCKS_HOURS: i64 = 24;

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
    #[error("the identity could not be signed")]
    Signing,
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
    opened: OnceLock<Opened>,
    /// Held by whoever reads or makes the files: the first of many who come at once.
    opening: Mutex<()>,
}

struct Opened {
    key: RsaKeyPair,
    certificate: Vec<u8>,
    /// The certificate's subject as an encoded Name.
    subject: Vec<u8>,
    /// The identifier of its key.
    key_id: Vec<u8>,
    /// Until when it is good.
    until: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority of an organisation of this name, in two files: a certificate and its RSA key (PKCS #8), both PEM. If
    /// neither is there they are made when they are first needed.
    #[must_use]
    pub fn new(name: String, certificate_file: PathBuf, key_file: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { name, certificate_file, key_file, clock, opened: OnceLock::new(), opening: Mutex::new(()) }
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
        Ok(pem::encode("CERTIFICATE", &self.opened()?.certificate))
    }

    /// The name of the signatures that this authority makes. Blocks on the disk.
    ///
    /// # Errors
    /// [`TrustError`] for files that cannot be used.
    pub fn signature_name(&self) -> Result<String, TrustError> {
        Ok(format!("io.element.x509:{}", STANDARD_NO_PAD.encode(&self.opened()?.key_id)))
    }

    /// Signs the master key of a user: its canonical JSON without signatures. Blocks on the processor.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn sign(&self, user_id: &str, master_key: &str) -> Result<IdentitySignature, TrustError> {
        let opened = self.opened()?;
        let own = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| TrustError::Signing)?;
        let public = own.public_key().as_ref();
        let subject = name(user_id);
        let uri = matrix_uri(user_id).ok_or(TrustError::UserId)?;
        let now = self.instant(-SLOW_CLOCKS_HOURS);
        let said = to_be_signed(&Said {
            issuer: &opened.subject,
            issuer_key: &opened.key_id,
            subject: &subject,
            public,
            valid: (&now, &opened.until),
            user: Some(&uri),
        });
        let signed = signature(&opened.key, &RSA_PKCS1_SHA256, &said)?;
        let certificate = certificate(&said, &signed);
        let signed = signature(&own, &RSA_PSS_SHA512, master_key.as_bytes())?;
        Ok(IdentitySignature {
            key_id: self.signature_name()?,
            signature: cms::signed_data(&certificate, &key_id(public), &signed),
        })
    }

    fn opened(&self) -> Result<&Opened, TrustError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let _opening = self.opening.lock();
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = match (self.certificate_file.exists(), self.key_file.exists()) {
            (false, false) => self.make()?,
            _ => self.read()?,
        };
        Ok(self.opened.get_or_init(|| opened))
    }

    fn read(&self) -> Result<Opened, TrustError> {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|source| TrustError::File { path: path.to_owned(), source })
        };
        let wrong = |path: &Path, reason| TrustError::Malformed { path: path.to_owned(), reason };
        let key = pem::decode("PRIVATE KEY", &text(&self.key_file)?)
            .and_then(|der| RsaKeyPair::from_pkcs8(&der).ok())
            .ok_or_else(|| {
                wrong(&self.key_file, "not an RSA key in PKCS #8 PEM (-----BEGIN PRIVATE KEY-----)")
            })?;
        let certificate = pem::decode("CERTIFICATE", &text(&self.certificate_file)?)
            .ok_or_else(|| wrong(&self.certificate_file, "not a certificate in PEM"))?;
        let Parts { subject, key_id, until, public } = parts(&certificate).ok_or_else(|| {
            wrong(&self.certificate_file, "not an RSA certificate with a subject key identifier")
        })?;
        if public != key.public_key().as_ref() {
            return Err(wrong(&self.certificate_file, "not the certificate of the key"));
        }
        Ok(Opened { key, certificate, subject, key_id, until })
    }

    /// Makes a key and the certificate that it signs itself. The key is on the disk before the certificate is.
    fn make(&self) -> Result<Opened, TrustError> {
        let key = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| TrustError::Signing)?;
        let public = key.public_key().as_ref().to_vec();
        let (subject, key_id) = (name(&self.name), key_id(&public));
        let (from, until) = (self.instant(-SLOW_CLOCKS_HOURS), self.instant(GOOD_FOR_DAYS * 24));
        let said = to_be_signed(&Said {
            issuer: &subject,
            issuer_key: &key_id,
            subject: &subject,
            public: &public,
            valid: (&from, &until),
            user: None,
        });
        let certificate = certificate(&said, &signature(&key, &RSA_PKCS1_SHA256, &said)?);
        let der: Pkcs8V1Der<'_> = key.as_der().map_err(|_| TrustError::Signing)?;
        keep(&self.key_file, &pem::encode("PRIVATE KEY", der.as_ref()))?;
        keep(&self.certificate_file, &pem::encode("CERTIFICATE", &certificate))?;
        Ok(Opened { key, certificate, subject, key_id, until })
    }

    /// The instant so many hours from now, as certificates have it.
    fn instant(&self, hours: i64) -> String {
        let at = Timestamp::from_millisecond(self.clock.now().plus_millis(hours * 3_600_000).as_millis())
            .unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%SZ").to_string()
    }
}

fn signature(
    key: &RsaKeyPair,
    encoding: &'static RsaSignatureEncoding,
    message: &[u8],
) -> Result<Vec<u8>, TrustError> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message, &mut signature).map_err(|_| TrustError::Signing)?;
    Ok(signature)
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
