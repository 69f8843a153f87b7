//! What a client may ask for.
//!
//! Specification: Client-Server API, "Scope"; the unstable names are those of MSC2967.

use wardline_domain::smart::{Context, SmartScope};

use super::{ErrorCode, OAuthError};

const API: [&str; 2] = ["urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*"];
const DEVICE: [&str; 2] = ["urn:matrix:client:device:", "urn:matrix:org.matrix.msc2967.client:device:"];

/// A scope that this server grants: full access to the client-server API on one device, or (SMART scopes alone) to part
/// of the FHIR API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The tokens that are granted, as they were asked for, parted by spaces.
    pub(crate) text: String,
    /// The device; `None` only for an application of the FHIR API alone that did not name one.
    pub(crate) device_id: Option<String>,
}

/// Whether a granted scope is one of the whole client-server API, not of part of the FHIR API alone.
#[must_use]
pub fn is_whole(scope: &str) -> bool {
    scope.split(' ').any(|token| API.contains(&token))
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
            } else if !API.contains(&token) && !is_of_person(token) {
                continue;
            }
            if !granted.contains(&token) {
                granted.push(token);
            }
        }
        let whole = granted.iter().any(|token| API.contains(token));
        if !whole && !granted.iter().any(|token| is_of_person(token)) {
            return Err(refuse("must have urn:matrix:client:api:*, or user/… scopes of SMART"));
        }
        let Some(device_id) = device_id else {
            if whole {
                return Err(refuse("must have urn:matrix:client:device:<device_id>"));
            }
            return Ok(Self { text: granted.join(" "), device_id: None });
        };
        // Beside the unreserved characters those of base64: clients that sign in by QR code (MSC4108) name their
        // device by its key.
        let acceptable = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        if device_id.is_empty() || device_id.len() > 255 || !device_id.chars().all(acceptable) {
            return Err(refuse("the device id must be 1 to 255 of the characters a-z A-Z 0-9 - . _ ~ + / ="));
        }
        Ok(Self { text: granted.join(" "), device_id: Some(device_id.to_owned()) })
    }
}

/// A SMART scope that a person can grant.
fn is_of_person(token: &str) -> bool {
    SmartScope::parse(token).is_some_and(|scope| scope.context() == Context::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_one_device() {
        let text = "openid urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:* \
                    urn:matrix:client:device:AB.C~1 urn:matrix:org.matrix.msc2967.client:device:AB.C~1";
        let scope = Scope::parse(text).unwrap();
        assert_eq!(scope.device_id.as_deref(), Some("AB.C~1"));
        assert_eq!(scope.text, text.strip_prefix("openid ").unwrap());
    }

    #[test]
    fn applications_of_the_fhir_api_alone_need_no_device() {
        let scope =
            Scope::parse("openid launch user/Task.rs user/Patient.read patient/*.rs system/*.cruds").unwrap();
        assert_eq!((scope.text.as_str(), scope.device_id.clone()), ("user/Task.rs user/Patient.read", None));
        assert!(!is_whole(&scope.text));
        let named = Scope::parse("user/Task.rs urn:matrix:client:device:A").unwrap();
        assert_eq!(named.device_id.as_deref(), Some("A"));
        let both = Scope::parse("user/Task.rs urn:matrix:client:api:* urn:matrix:client:device:A").unwrap();
        assert!(is_whole(&both.text));
        assert!(Scope::parse("user/Task.rs urn:matrix:client:api:*").is_err(), "no device");
        assert!(Scope::parse("system/*.rs").is_err(), "a person cannot grant it");
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
