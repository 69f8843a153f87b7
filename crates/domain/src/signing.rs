//! Signed JSON (Matrix appendices, "Signing JSON") with ed25519 keys.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use ruma::signatures::{Ed25519KeyPair, KeyPair as _, verify_canonical_json_bytes};
use ruma::{OwnedServerName, SigningKeyAlgorithm};

use crate::canonical::{self, CanonicalError, Members, Value};

/// Standard base64 that accepts padding but never writes it, as Matrix's "Unpadded Base64" asks of readers.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The fixed head of a PKCS#8 document (RFC 8410 section 7) that holds an ed25519 seed of 32 bytes.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Why something could not be signed, or a signature is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The object has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// The key is not 32 bytes of ed25519 key in base64, or its text form is malformed.
    #[error("malformed signing key: {0}")]
    Key(String),
    /// There is no signature by this entity with this key.
    #[error("no signature by {entity} with {key_id}")]
    Missing {
        /// The server or user.
        entity: String,
        /// The key, for example `ed25519:ABCDEF`.
        key_id: String,
    },
    /// The signature does not belong to the object and the key.
    #[error("the signature by {entity} with {key_id} is not valid")]
    Invalid {
        /// The server or user.
        entity: String,
        /// The key, for example `ed25519:ABCDEF`.
        key_id: String,
    },
}

/// A server's signing key, with the names that its signatures carry.
pub struct Signer {
    server_name: OwnedServerName,
    key_id: String,
    seed: [u8; 32],
    key: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("server_name", &self.server_name)
            .field("key_id", &self.key_id)
            .finish()
    }
}

impl Signer {
    /// A signer from 32 secret random bytes. `version` names the key: its id is `ed25519:<version>`.
    ///
    /// # Errors
    /// [`SigningError::Key`] if `version` is not one or more of `a-z A-Z 0-9 _`.
    pub fn from_seed(
        server_name: OwnedServerName,
        version: &str,
        seed: [u8; 32],
    ) -> Result<Self, SigningError> {
        if version.is_empty() || !version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(SigningError::Key("the version must be of a-z A-Z 0-9 _".to_owned()));
        }
        let mut document = PKCS8_HEAD.to_vec();
        document.extend_from_slice(&seed);
        let key = Ed25519KeyPair::from_der(&document, version.to_owned())
            .map_err(|e| SigningError::Key(e.to_string()))?;
        Ok(Self { server_name, key_id: format!("ed25519:{version}"), seed, key })
    }

    /// Reads what [`Signer::to_text`] wrote.
    ///
    /// # Errors
    /// [`SigningError::Key`]. The message never holds key material.
    pub fn from_text(server_name: OwnedServerName, text: &str) -> Result<Self, SigningError> {
        let mut words = text.split_whitespace();
        let (Some("ed25519"), Some(version), Some(seed), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(SigningError::Key("expected `ed25519 <version> <base64>`".to_owned()));
        };
        let seed = decode_32(seed)?;
        Self::from_seed(server_name, version, seed)
    }

    /// The secret key as one line of text: `ed25519 <version> <seed in base64>`, for a file only the server reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("ed25519 {} {}", self.key.version(), STANDARD_NO_PAD.encode(self.seed))
    }

    /// The server that signs.
    #[must_use]
    pub fn server_name(&self) -> &OwnedServerName {
        &self.server_name
    }

    /// The id of the key, for example `ed25519:a1`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The public key in unpadded base64, as published under `/_matrix/key/v2/server`.
    #[must_use]
    pub fn public_key(&self) -> String {
        STANDARD_NO_PAD.encode(self.key.public_key())
    }

    /// The signature of `bytes`, in unpadded base64.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> String {
        self.key.sign(bytes).base64()
    }

    /// Signs a JSON object: adds this server's signature to its `signatures` and gives it back as canonical JSON.
    /// `unsigned` is kept and not signed.
    ///
    /// # Errors
    /// [`SigningError::Canonical`] if the object has no canonical form.
    pub fn sign_json(&self, object: &str) -> Result<String, SigningError> {
        let mut members = canonical::parse_object(object)?;
        let signature = Value::String(self.sign(bytes_to_sign(&members).as_bytes()).into());
        let mut all = take_object(&mut members, "signatures");
        let mut own = take_object(&mut all, self.server_name.as_str());
        put(&mut own, &self.key_id, signature);
        put(&mut all, self.server_name.as_str(), Value::Object(own));
        put(&mut members, "signatures", Value::Object(all));
        Ok(Value::Object(members).to_canonical())
    }
}

/// Checks that `object` (a JSON object with `signatures`) carries a valid signature of `entity` (a user id or a
/// server name) made with the key `key_id` (for example `ed25519:DEVICEID`), whose public part is
/// `public_key` in base64. Used for device keys, cross-signing keys and one-time keys.
///
/// # Errors
/// [`SigningError`] says whether the object, the key or the signature is at fault.
pub fn verify_signed_json(
    public_key: &str,
    key_id: &str,
    entity: &str,
    object: &str,
) -> Result<(), SigningError> {
    let members = canonical::parse_object(object)?;
    let missing = || SigningError::Missing { entity: entity.to_owned(), key_id: key_id.to_owned() };
    let invalid = || SigningError::Invalid { entity: entity.to_owned(), key_id: key_id.to_owned() };
    let signature = members
        .iter()
        .find(|(key, _)| key == "signatures")
        .and_then(|(_, all)| all.get(entity)?.get(key_id)?.as_str())
        .ok_or_else(missing)?;
    let signature = LENIENT.decode(signature).map_err(|_| invalid())?;
    let key = decode_32(public_key)?;
    let signed = bytes_to_sign(&members);
    verify_canonical_json_bytes(&SigningKeyAlgorithm::Ed25519, &key, &signature, signed.as_bytes())
        .map_err(|_| invalid())
}

/// The object as it is signed: without `signatures` and `unsigned`.
fn bytes_to_sign(members: &Members<'_>) -> String {
    let mut out = String::new();
    let signed = members.iter().filter(|(key, _)| key != "signatures" && key != "unsigned");
    canonical::write_object(&mut out, signed.map(|(key, value)| (key.as_ref(), value)));
    out
}

/// Takes the object under `key` out; empty if there is none.
fn take_object<'a>(members: &mut Members<'a>, key: &str) -> Members<'a> {
    match members.binary_search_by(|(k, _)| k.as_ref().cmp(key)) {
        Ok(at) => match members.remove(at).1 {
            Value::Object(object) => object,
            _ => Vec::new(),
        },
        Err(_) => Vec::new(),
    }
}

/// Sets the value under `key`, keeping the order of keys.
fn put<'a>(members: &mut Members<'a>, key: &str, value: Value<'a>) {
    match members.binary_search_by(|(k, _)| k.as_ref().cmp(key)) {
        Ok(at) => members[at].1 = value,
        Err(at) => members.insert(at, (key.to_owned().into(), value)),
    }
}

fn decode_32(base64: &str) -> Result<[u8; 32], SigningError> {
    let bytes = LENIENT.decode(base64).map_err(|_| SigningError::Key("not base64".to_owned()))?;
    bytes.try_into().map_err(|_| SigningError::Key("not 32 bytes".to_owned()))
}
