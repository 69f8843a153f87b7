//! The signature of an identity: CMS `SignedData` (RFC 5652) over the canonical JSON of a master key, RSASSA-PSS with
//! SHA-512, without the signed content and without attributes.

use super::der::{explicit, implicit, integer, octets, oid, sequence, set};
use super::pem;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// The length of the salt, in bytes: that of the hash.
const SALT: u8 = 64;

/// The signature by the key of `certificate`, whose identifier is `key_id`.
pub(super) fn signed_data(certificate: &[u8], key_id: &[u8], signature: &[u8]) -> String {
    let sha512 = sequence(&[&oid(SHA512)]);
    let algorithm = sequence(&[
        &oid(RSASSA_PSS),
        &sequence(&[
            &explicit(0, &sha512),
            &explicit(1, &sequence(&[&oid(MGF1), &sha512])),
            &explicit(2, &integer(&[SALT])),
        ]),
    ]);
    let signer = sequence(&[&integer(&[3]), &implicit(0, key_id), &sha512, &algorithm, &octets(signature)]);
    let signed = sequence(&[
        &integer(&[3]),
        &set(&sha512),
        &sequence(&[&oid(DATA)]),
        // The tag stands in place of the set's own.
        &explicit(0, certificate),
        &set(&signer),
    ]);
    pem::encode("CMS", &sequence(&[&oid(SIGNED_DATA), &explicit(0, &signed)]))
}
