//! The shapes of uploaded keys.

use wardline_domain::canonical::{self, Members, Value};
use wardline_domain::ruma::UserId;
use wardline_domain::signing::verify_signed_json;
use wardline_store::cross_signing::{CrossSigningKey, Usage};

use super::KeyError;

fn invalid(field: &str, text: impl std::fmt::Display) -> KeyError {
    KeyError::Invalid(format!("{field}: {text}"))
}

/// Checks a device's keys (`DeviceKeys` of the specification) and, if it signed them, its signature; canonical JSON
/// without `unsigned`. Keys without a signature are for whoever reads them to refuse: some clients sign later.
pub(super) fn device_keys(json: &str, user: &UserId, device: &str) -> Result<String, KeyError> {
    const FIELD: &str = "device_keys";
    let mut members = canonical::parse_object(json).map_err(|error| invalid(FIELD, error))?;
    members.retain(|(key, _)| key != "unsigned");
    let keys = Value::Object(members);
    if text(&keys, "user_id") != Some(user.as_str()) {
        return Err(invalid("device_keys.user_id", "not the user who uploads"));
    }
    if text(&keys, "device_id") != Some(device) {
        return Err(invalid("device_keys.device_id", "not the device that uploads"));
    }
    match keys.get("algorithms") {
        Some(Value::Array(names)) if names.iter().all(|name| name.as_str().is_some()) => {}
        _ => return Err(invalid("device_keys.algorithms", "must be a list of names")),
    }
    let public =
        |algorithm: &str| keys.get("keys").and_then(|all| text(all, &format!("{algorithm}:{device}")));
    let Some(ed25519) = public("ed25519") else {
        return Err(invalid("device_keys.keys", "the ed25519 key of the device is missing"));
    };
    if public("curve25519").is_none() {
        return Err(invalid("device_keys.keys", "the curve25519 key of the device is missing"));
    }
    let json = keys.to_canonical();
    let own = format!("ed25519:{device}");
    if signatures_of(&json, user).iter().any(|(key, _)| *key == own) {
        verify_signed_json(ed25519, &own, user.as_str(), &json)
            .map_err(|error| KeyError::BadSignature(format!("device_keys: {error}")))?;
    }
    Ok(json)
}

/// The public identity keys in stored device keys: ed25519 and curve25519.
pub(super) fn identity(json: &str, device: &str) -> (Option<String>, Option<String>) {
    (public_key(json, &format!("ed25519:{device}")), public_key(json, &format!("curve25519:{device}")))
}

/// The public key of this id in stored keys.
pub(super) fn public_key(json: &str, key_id: &str) -> Option<String> {
    let value = Value::parse(json).ok()?;
    text(value.get("keys")?, key_id).map(str::to_owned)
}

/// Checks the shape of a cross-signing key. `field` names it in errors.
pub(super) fn cross_signing_key(
    field: &str,
    json: &str,
    user: &UserId,
    usage: Usage,
) -> Result<CrossSigningKey, KeyError> {
    let mut members = canonical::parse_object(json).map_err(|error| invalid(field, error))?;
    members.retain(|(key, _)| key != "unsigned");
    let key = Value::Object(members);
    if text(&key, "user_id") != Some(user.as_str()) {
        return Err(invalid(field, "user_id is not the user who uploads"));
    }
    match key.get("usage") {
        Some(Value::Array(usages)) if usages.iter().any(|name| name.as_str() == Some(usage.as_str())) => {}
        _ => return Err(invalid(field, format!("usage must contain {}", usage.as_str()))),
    }
    let Some(Value::Object(keys)) = key.get("keys") else {
        return Err(invalid(field, "keys is missing"));
    };
    let [(name, public)] = keys.as_slice() else {
        return Err(invalid(field, "keys must hold exactly one key"));
    };
    match (name.strip_prefix("ed25519:"), public.as_str()) {
        (Some(name), Some(public)) if name == public && !public.is_empty() => {
            Ok(CrossSigningKey { public: public.to_owned(), json: key.to_canonical() })
        }
        _ => Err(invalid(field, "keys must be named ed25519:<the public key>")),
    }
}

/// Whether two key objects are the same but for their signatures.
pub(super) fn same_key(one: &str, other: &str) -> bool {
    match (canonical::parse_object(one), canonical::parse_object(other)) {
        (Ok(one), Ok(other)) => signed_part(one) == signed_part(other),
        _ => false,
    }
}

fn signed_part(mut members: Members<'_>) -> Members<'_> {
    members.retain(|(key, _)| key != "signatures" && key != "unsigned");
    members
}

/// The signatures of `user` in an uploaded object: key id and signature.
pub(super) fn signatures_of(json: &str, user: &UserId) -> Vec<(String, String)> {
    let Ok(value) = Value::parse(json) else { return Vec::new() };
    let Some(Value::Object(of_user)) = value.get("signatures").and_then(|all| all.get(user.as_str())) else {
        return Vec::new();
    };
    of_user.iter().filter_map(|(id, value)| Some((id.to_string(), value.as_str()?.to_owned()))).collect()
}

fn text<'v>(value: &'v Value<'_>, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}
