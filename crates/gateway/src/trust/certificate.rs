//! X.509 certificates (RFC 5280): the organisation's own, and one for each identity.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData as _,
    SanType, SerialNumber,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use wardline_domain::Timestamp;
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;
use x509_parser::time::ASN1Time;

use super::armoured;

/// The clocks of devices may be behind by this much.
const SLOW_CLOCKS: Duration = Duration::from_secs(24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// From when and for how long a certificate is good.
pub(super) struct Validity {
    /// Its beginning.
    pub(super) from: Timestamp,
    /// Its length.
    pub(super) days: u32,
}

/// The authority's certificate, taken apart, with its key.
pub(super) struct Signer {
    /// The certificate as it stands in its file, without what surrounds it.
    pub(super) pem: String,
    /// The identifier of its key.
    pub(super) key_id: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
    until: ASN1Time,
}

impl Signer {
    /// The first certificate of a PEM text, with its key.
    ///
    /// # Errors
    /// What is wrong with the certificate.
    pub(super) fn read(text: &str, key: KeyPair) -> Result<Self, &'static str> {
        let (_, pem) = parse_x509_pem(text.as_bytes()).map_err(|_| "not a certificate in PEM")?;
        let certificate = pem.parse_x509().map_err(|_| "not a certificate in PEM")?;
        if certificate.public_key().raw != key.subject_public_key_info() {
            return Err("not the certificate of the key");
        }
        let key_id = certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
        let key_id = key_id.ok_or("a certificate without a subject key identifier")?;
        let until = certificate.validity().not_after;
        let issuer = Issuer::from_ca_cert_der(&pem.contents.as_slice().into(), key)
            .map_err(|_| "a certificate of an unusual form")?;
        Ok(Self { pem: armoured("CERTIFICATE", pem.contents), key_id, issuer, until })
    }
}

/// The identifier of a public key: the first 20 bytes of its SHA-256 (RFC 7093, method 1, over the whole structure).
pub(super) fn key_id(key: &KeyPair) -> Vec<u8> {
    CertificateParams::default().key_identifier(key)
}

/// The instant as certificates have it, to the second.
fn instant(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_millis() / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A new authority, of end entities only: its key and its certificate, in PEM. ECDSA with P-256, which clients accept in a
/// chain and which is made at once.
pub(super) fn of_authority(name: &str, valid: &Validity) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut said = params(name, valid.from);
    said.not_after = instant(valid.from) + DAY * valid.days;
    said.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    said.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    said.serial_number = Some(serial(&key, name));
    let certificate = said.self_signed(&key)?;
    Ok((key.serialize_pem(), certificate.pem()))
}

/// The certificate (DER) that says that `key` belongs to the user with this id and Matrix URI.
pub(super) fn of_identity(
    signer: &Signer,
    user_id: &str,
    uri: String,
    key: &KeyPair,
    now: Timestamp,
) -> Result<Vec<u8>, rcgen::Error> {
    let mut said = params(user_id, now);
    said.not_after = signer.until.to_datetime();
    // With the extensions that say so, among them the identifier of the key.
    said.is_ca = IsCa::ExplicitNoCa;
    said.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    said.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
    said.serial_number = Some(serial(key, user_id));
    Ok(said.signed_by(key, &signer.issuer)?.der().to_vec())
}

fn params(name: &str, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = instant(now) - SLOW_CLOCKS;
    params.use_authority_key_identifier_extension = true;
    params
}

/// A number that no other certificate of the authority has: keys are never used twice.
fn serial(key: &KeyPair, name: &str) -> SerialNumber {
    let digest = Sha256::new().chain_update(key.subject_public_key_info()).chain_update(name).finalize();
    let mut bytes = digest[..16].to_vec();
    // Positive, and not shorter than it should be.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from(bytes)
}
