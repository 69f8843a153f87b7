//! The signature of an identity: CMS `SignedData` (RFC 5652) over the canonical JSON of a master key, RSASSA-PSS with
//! SHA-512, without the signed content and without attributes.

use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, Tag};

use super::armoured;

const SIGNED_DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 2];
const DATA: &[u64] = &[1, 2, 840, 113_549, 1, 7, 1];
const SHA512: &[u64] = &[2, 16, 840, 1, 101, 3, 4, 2, 3];
const RSASSA_PSS: &[u64] = &[1, 2, 840, 113_549, 1, 1, 10];
const MGF1: &[u64] = &[1, 2, 840, 113_549, 1, 1, 8];
/// The length of the salt, in bytes: that of the hash.
const SALT: u8 = 64;
/// Of both structures: a signer who is named by the identifier of its key (section 5.3).
const VERSION: u8 = 3;

/// The signature by the key of `certificate` (DER), whose identifier is `key_id`.
pub(super) fn signed_data(certificate: &[u8], key_id: &[u8], signature: &[u8]) -> String {
    let der = yasna::construct_der(|writer| {
        writer.write_sequence(|info| {
            oid(info.next(), SIGNED_DATA);
            info.next().write_tagged(Tag::context(0), |writer| {
                writer.write_sequence(|data| {
                    data.next().write_u8(VERSION);
                    data.next().write_set(|algorithms| sha512(algorithms.next()));
                    data.next().write_sequence(|content| oid(content.next(), DATA));
                    data.next().write_tagged_implicit(Tag::context(0), |writer| {
                        writer.write_set(|certificates| certificates.next().write_der(certificate));
                    });
                    data.next().write_set(|signers| signer(signers.next(), key_id, signature));
                });
            });
        });
    });
    armoured("CMS", der)
}

/// `SignerInfo` (section 5.3).
fn signer(writer: DERWriter<'_>, key_id: &[u8], signature: &[u8]) {
    writer.write_sequence(|signer| {
        signer.next().write_u8(VERSION);
        signer.next().write_tagged_implicit(Tag::context(0), |writer| writer.write_bytes(key_id));
        sha512(signer.next());
        pss(signer.next());
        signer.next().write_bytes(signature);
    });
}

/// RSASSA-PSS with its parameters (RFC 4055, section 3.1).
fn pss(writer: DERWriter<'_>) {
    writer.write_sequence(|algorithm| {
        oid(algorithm.next(), RSASSA_PSS);
        algorithm.next().write_sequence(|parameters| {
            parameters.next().write_tagged(Tag::context(0), sha512);
            parameters.next().write_tagged(Tag::context(1), |writer| {
                writer.write_sequence(|mask| {
                    oid(mask.next(), MGF1);
                    sha512(mask.next());
                });
            });
            parameters.next().write_tagged(Tag::context(2), |writer| writer.write_u8(SALT));
        });
    });
}

fn sha512(writer: DERWriter<'_>) {
    writer.write_sequence(|algorithm| oid(algorithm.next(), SHA512));
}

fn oid(writer: DERWriter<'_>, arcs: &[u64]) {
    writer.write_oid(&ObjectIdentifier::from_slice(arcs));
}
