//! What a client may ask for.
//!
//! Specification: Client-Server API, "Scope"; the unstable names are those of MSC2967.

use super::{ErrorCode, OAuthError};

const API: [&str; 2] = ["urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*"];
const DEVICE: [&str; 2] = ["urn:matrix:client:device:", "urn:matrix:org.matrix.msc2967.client:device:"];

/// A scope that this server grants: full access to the client-server API on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The tokens that are granted, as they were asked for, parted by spaces.
    pub(crate) text: String,
    /// The device.
    pub(crate) device_id: String,
}

impl Scope {
    /// Reads a scope. Tokens that this server does not know are left out, as RFC 6749 section 3.3 allows.
    pub(crate) fn parse(text: &str) -> Result<Self, OAuthError> {
        let refuse = |text: &str| OAuthError::new(ErrorCode::InvalidScope, format!("scope: {text}"));
        let mut granted: Vec<&str> = Vec::new();
        let mut device_id: Option<&str> = None;
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if let Some(id) = DEVICE.iter().find_map(|prefix| token.strip_prefix(prefix)) {
                if device_id.is_some_and(|other| other != id) {
                    return Err(refuse("names more than one device"));
                }
                device_id = Some(id);
            } else if !API.contains(&token) {
                continue;
            }
            if !granted.contains(&token) {
                granted.push(token);
            }
        }
        let device_id = device_id.ok_or_else(|| refuse("must have urn:matrix:client:device:<device_id>"))?;
        // Beside the unreserved characters those of base64: clients that sign in by QR code (MSC4108) name their
        // device by its key.
        let acceptable = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        if device_id.is_empty() || device_id.len() > 255 || !device_id.chars().all(acceptable) {
            return Err(refuse("the device id must be 1 to 255 of the characters a-z A-Z 0-9 - . _ ~ + / ="));
        }
        if !granted.iter().any(|token| API.contains(token)) {
            return Err(refuse("must have urn:matrix:client:api:*"));
        }
        Ok(Self { text: granted.join(" "), device_id: device_id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_one_device() {
        let text = "openid urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:* \
                    urn:matrix:client:device:AB.C~1 urn:matrix:org.matrix.msc2967.client:device:AB.C~1";
        let scope = Scope::parse(text).unwrap();
        assert_eq!(scope.device_id, "AB.C~1");
        assert_eq!(scope.text, text.strip_prefix("openid ").unwrap());
    }

    #[test]
    fn exactly_one_acceptable_device_and_the_api() {
        for text in [
            "",
            "urn:matrix:client:api:*",
            "urn:matrix:client:device:A",
            "urn:matrix:client:api:* urn:matrix:client:device:",
            "urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:client:device:B",
            "urn:matrix:client:api:* urn:matrix:client:device:A?B",
            "urn:matrix:client:api:read urn:matrix:client:device:A",
        ] {
            assert!(Scope::parse(text).is_err(), "{text}");
        }
        let long = format!("urn:matrix:client:api:* urn:matrix:client:device:{}", "a".repeat(256));
        assert!(Scope::parse(&long).is_err());
    }
}
