//! X.509 certificates (RFC 5280): the organisation's own, and one for each identity.

use super::der::{
    bits, explicit, implicit, integer, null, octets, oid, read, sequence, set, time, utf8, value,
};
use sha2::{Digest as _, Sha256};

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];

/// What the signed part of a certificate says.
pub(super) struct Said<'a> {
    /// Who signs: an encoded Name.
    pub(super) issuer: &'a [u8],
    /// The signer's key identifier.
    pub(super) issuer_key: &'a [u8],
    /// Whose it is: an encoded Name.
    pub(super) subject: &'a [u8],
    /// The subject's public key, as PKCS #1 has it.
    pub(super) public: &'a [u8],
    /// From when to when, `YYYYMMDDHHMMSSZ`.
    pub(super) valid: (&'a str, &'a str),
    /// The Matrix URI of the user, or `None` for the organisation's own certificate.
    pub(super) user: Option<&'a str>,
}

/// A Name of one common name.
pub(super) fn name(common: &str) -> Vec<u8> {
    sequence(&[&set(&sequence(&[&oid(COMMON_NAME), &utf8(common)]))])
}

/// The public key as certificates carry it.
fn public_key_info(public: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[&oid(RSA_ENCRYPTION), &null()]), &bits(0, public)])
}

/// The identifier of a public key: the first 20 bytes of its SHA-256.
pub(super) fn key_id(public: &[u8]) -> Vec<u8> {
    Sha256::digest(public_key_info(public))[..20].to_vec()
}

fn extension(id: &[u8], critical: bool, content: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    sequence(&[&oid(id), critical, &octets(content)])
}

/// The part of a certificate that is signed.
pub(super) fn to_be_signed(said: &Said<'_>) -> Vec<u8> {
    let own_key = key_id(said.public);
    let mut extensions = vec![
        extension(SUBJECT_KEY_ID, false, &octets(&own_key)),
        extension(AUTHORITY_KEY_ID, false, &sequence(&[&implicit(0, said.issuer_key)])),
    ];
    match said.user {
        None => {
            // An authority, of end entities only; its key signs certificates and lists of revoked ones.
            let constraints = sequence(&[&value(0x01, &[0xff]), &integer(&[0])]);
            extensions.push(extension(BASIC_CONSTRAINTS, true, &constraints));
            extensions.push(extension(KEY_USAGE, true, &bits(1, &[0x06])));
        }
        Some(user) => {
            extensions.push(extension(KEY_USAGE, true, &bits(7, &[0x80])));
            let names = sequence(&[&implicit(6, user.as_bytes())]);
            extensions.push(extension(SUBJECT_ALT_NAME, false, &names));
        }
    }
    let serial = Sha256::digest([said.public, said.subject, said.valid.0.as_bytes()].concat());
    sequence(&[
        &explicit(0, &integer(&[2])),
        &integer(&serial[..16]),
        &signature_algorithm(),
        said.issuer,
        &sequence(&[&time(said.valid.0), &time(said.valid.1)]),
        said.subject,
        &public_key_info(said.public),
        &explicit(3, &sequence(&[&extensions.concat()])),
    ])
}

fn signature_algorithm() -> Vec<u8> {
    sequence(&[&oid(SHA256_WITH_RSA), &null()])
}

/// A certificate of a signed part and its signature.
pub(super) fn certificate(to_be_signed: &[u8], signature: &[u8]) -> Vec<u8> {
    sequence(&[to_be_signed, &signature_algorithm(), &bits(0, signature)])
}

/// What is needed of a certificate to sign with its key.
pub(super) struct Parts {
    /// Its subject, an encoded Name.
    pub(super) subject: Vec<u8>,
    /// The identifier of its key.
    pub(super) key_id: Vec<u8>,
    /// The end of its validity, `YYYYMMDDHHMMSSZ`.
    pub(super) until: String,
    /// Its public key, as PKCS #1 has it.
    pub(super) public: Vec<u8>,
}

/// Takes a certificate apart. `None` if it is none, or has no subject key identifier.
pub(super) fn parts(certificate: &[u8]) -> Option<Parts> {
    let (0x30, whole, _) = read(certificate)? else { return None };
    let (0x30, mut rest, _) = read(whole)? else { return None };
    let mut fields = Vec::new();
    while let Some((tag, content, after)) = read(rest) {
        fields.push((tag, content));
        rest = after;
    }
    let [(0xa0, _), (0x02, _), (0x30, _), (0x30, _), (0x30, valid), (0x30, subject), (0x30, key), more @ ..] =
        fields.as_slice()
    else {
        return None;
    };
    let (_, _, after) = read(valid)?;
    let (end_tag, end, _) = read(after)?;
    let end = std::str::from_utf8(end).ok()?;
    let end = match (end_tag, end.get(..2)?) {
        (0x17, year) if year < "50" => format!("20{end}"),
        (0x17, _) => format!("19{end}"),
        _ => end.to_owned(),
    };
    let (_, _, bit_string) = read(key)?;
    let (0x03, public, _) = read(bit_string)? else { return None };
    let public = public.get(1..)?.to_vec();
    let extensions = more.iter().find(|(tag, _)| *tag == 0xa3).map(|(_, content)| *content)?;
    let key_id = subject_key_id(extensions)?;
    Some(Parts { subject: sequence(&[subject]), key_id, until: end, public })
}

fn subject_key_id(extensions: &[u8]) -> Option<Vec<u8>> {
    let (_, mut rest, _) = read(extensions)?;
    while let Some((_, extension, after)) = read(rest) {
        let (_, id, mut value) = read(extension)?;
        if id == SUBJECT_KEY_ID {
            let (mut tag, mut content, next) = read(value)?;
            if tag == 0x01 {
                value = next;
                (tag, content, _) = read(value)?;
            }
            return match (tag, read(content)?) {
                (0x04, (0x04, id, _)) => Some(id.to_vec()),
                _ => None,
            };
        }
        rest = after;
    }
    None
}
