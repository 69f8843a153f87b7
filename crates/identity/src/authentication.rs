//! How and how surely somebody proved who they are.
//!
//! An [`Authentication`] is made by a [`crate::oauth::SignInMethod`], travels with the person through the pages, the
//! code and the token, and is kept with the session that it opened and in its audit entry.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use wardline_audit::Entry;
use wardline_domain::Timestamp;

/// The authenticator assurance level (NIST SP 800-63B, and the `acr` of NHS CIS2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// One factor, such as a password.
    #[default]
    Aal1,
    /// Two factors, such as a password and a code.
    Aal2,
    /// Two factors, one of them hardware that cannot be phished, such as a passkey bound to its device or a smartcard.
    Aal3,
}

impl Assurance {
    /// The stable name, as stored and audited.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
            Self::Aal3 => "aal3",
        }
    }
}

/// In which of their roles somebody signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedInRole {
    /// The id of the role in its register (CIS2: `person_roleid`).
    pub id: String,
    /// What the role is (CIS2: `role_code`, such as `S8000:G8000:R8000`).
    pub code: String,
    /// Its name, as the register says it.
    pub name: String,
}

/// One act of proving who one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The stable name of the method, such as `password` or `oidc:trust`.
    pub method: String,
    /// How sure it is.
    #[serde(default)]
    pub assurance: Assurance,
    /// When it was: with another system, when that system says it was.
    pub at: Timestamp,
    /// The network address of the browser or client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The role that the person chose, where their identity provider knows roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<SignedInRole>,
    /// The ODS code of the organisation that the person signed in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The sign-in at an identity provider that this follows from: its number here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<i64>,
    /// When the session ends that follows from it, however much it is used; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// After how many milliseconds without use the session ends that follows from it; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<i64>,
}

impl Authentication {
    /// One by a method of this server, with nothing more said.
    #[must_use]
    pub fn local(method: impl Into<String>, assurance: Assurance, at: Timestamp) -> Self {
        Self {
            method: method.into(),
            assurance,
            at,
            address: None,
            role: None,
            organisation: None,
            upstream: None,
            ends_at: None,
            idle_ms: None,
        }
    }

    /// The same from this address.
    #[must_use]
    pub fn from_address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address.or(self.address);
        self
    }

    /// Whether a session that follows from this and was last used at `used_at` must not go on.
    pub(crate) fn outlived(&self, used_at: Timestamp, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|at| at <= now)
            || self.idle_ms.is_some_and(|ms| now.millis_since(used_at) >= ms)
    }

    /// As it is stored.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| self.method.clone())
    }

    /// Out of its column; rows of earlier versions have only the name of the method, and were made at `at`.
    pub(crate) fn of_text(text: &str, at: Timestamp) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::local(text, Assurance::Aal1, at))
    }

    /// What the audit says of it.
    pub(crate) fn describe(&self, entry: Entry) -> Entry {
        let mut entry = entry.with("method", &*self.method).with("assurance", self.assurance.as_str());
        if let Some(role) = &self.role {
            entry = entry.with("role", &*role.code).with("role_id", &*role.id);
        }
        if let Some(organisation) = &self.organisation {
            entry = entry.with("ods", &**organisation);
        }
        with_address(entry, self.address)
    }
}

/// The entry with the network address that the request came from, if that is known.
pub(crate) fn with_address(entry: Entry, address: Option<IpAddr>) -> Entry {
    match address {
        Some(address) => entry.with("address", address.to_canonical().to_string()),
        None => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_comes_back_and_an_earlier_row_is_understood() {
        let mut whole = Authentication::local("oidc:trust", Assurance::Aal3, Timestamp(7));
        whole.address = Some("192.0.2.1".parse().unwrap());
        whole.role = Some(SignedInRole { id: "1".into(), code: "S:G:R".into(), name: "Nurse".into() });
        whole.organisation = Some("RX1".into());
        whole.upstream = Some(3);
        assert_eq!(Authentication::of_text(&whole.to_text(), Timestamp(9)), whole);
        let old = Authentication::of_text("password", Timestamp(9));
        assert_eq!(old, Authentication::local("password", Assurance::Aal1, Timestamp(9)));
    }
}
