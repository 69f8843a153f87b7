//! Application services: who they are and which names are theirs.
//!
//! Specification: Application Service API, "Registration".

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// The registration of an application service, as its file says it.
#[derive(Clone, Debug, Deserialize)]
pub struct Registration {
    /// Its name, unique on the server; it can never be changed.
    pub id: String,
    /// Where it takes transactions; `None`: it takes none.
    pub url: Option<String>,
    /// The token with which it speaks to the server.
    pub as_token: String,
    /// The token with which the server speaks to it.
    pub hs_token: String,
    /// The local part of the user that it acts as when it names nobody.
    pub sender_localpart: String,
    /// The names that are its own.
    #[serde(default)]
    pub namespaces: RawNamespaces,
    /// Whether its users are limited by how often they ask.
    #[serde(default)]
    pub rate_limited: Option<bool>,
    /// The networks that it reaches.
    #[serde(default)]
    pub protocols: Option<Vec<String>>,
    /// Whether it is told of receipts, typing and messages to devices.
    #[serde(default, alias = "de.sorunome.msc2409.push_ephemeral", alias = "push_ephemeral")]
    pub receive_ephemeral: bool,
    /// Whether it is told of device lists and key counts (MSC3202).
    #[serde(default, rename = "org.matrix.msc3202")]
    pub encrypted: bool,
    /// Whether it makes and deletes devices itself (MSC4190). It may do so in any case.
    #[serde(default, rename = "io.element.msc4190")]
    pub device_management: bool,
}

/// The namespaces of a registration as written.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RawNamespaces {
    /// Of user ids.
    #[serde(default)]
    pub users: Vec<RawNamespace>,
    /// Of room aliases.
    #[serde(default)]
    pub aliases: Vec<RawNamespace>,
    /// Of room ids.
    #[serde(default)]
    pub rooms: Vec<RawNamespace>,
}

/// One namespace as written.
#[derive(Clone, Debug, Deserialize)]
pub struct RawNamespace {
    /// Whether nobody else may make such a name.
    pub exclusive: bool,
    /// What the names look like, from their beginning.
    pub regex: String,
}

/// Why a registration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct RegistrationError {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// Names of one kind that are a service's own.
#[derive(Clone, Debug, Default)]
pub struct Names {
    all: Vec<(Regex, bool)>,
}

/// The largest compiled expression, in bytes.
const LARGEST: usize = 1 << 20;

impl Names {
    fn new(field: &'static str, raw: &[RawNamespace]) -> Result<Self, RegistrationError> {
        let one = |raw: &RawNamespace| {
            let regex = RegexBuilder::new(&format!("^(?:{})", raw.regex)).size_limit(LARGEST).build();
            let wrong = |_| RegistrationError { field, reason: format!("{:?} is no expression", raw.regex) };
            Ok((regex.map_err(wrong)?, raw.exclusive))
        };
        Ok(Self { all: raw.iter().map(one).collect::<Result<_, _>>()? })
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether `name` is one of them.
    #[must_use]
    pub fn have(&self, name: &str) -> bool {
        self.all.iter().any(|(regex, _)| regex.is_match(name))
    }

    /// Whether `name` is one of them that nobody else may make.
    #[must_use]
    pub fn own(&self, name: &str) -> bool {
        self.all.iter().any(|(regex, exclusive)| *exclusive && regex.is_match(name))
    }
}

/// The names that are a service's own.
#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    /// User ids.
    pub users: Names,
    /// Room aliases.
    pub aliases: Names,
    /// Room ids.
    pub rooms: Names,
}

impl Registration {
    /// Compiles the namespaces and checks the rest.
    ///
    /// # Errors
    /// [`RegistrationError`] names the field.
    pub fn namespaces(&self) -> Result<Namespaces, RegistrationError> {
        let wrong = |field, reason: &str| Err(RegistrationError { field, reason: reason.to_owned() });
        if self.id.is_empty() {
            return wrong("id", "must not be empty");
        }
        for (field, token) in [("as_token", &self.as_token), ("hs_token", &self.hs_token)] {
            if token.len() < 8 || !token.chars().all(|c| c.is_ascii_graphic()) {
                return wrong(field, "must have at least 8 printable characters");
            }
        }
        if self.sender_localpart.is_empty() {
            return wrong("sender_localpart", "must not be empty");
        }
        if let Some(url) = &self.url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return wrong("url", "must begin with http:// or https://");
        }
        Ok(Namespaces {
            users: Names::new("namespaces.users", &self.namespaces.users)?,
            aliases: Names::new("namespaces.aliases", &self.namespaces.aliases)?,
            rooms: Names::new("namespaces.rooms", &self.namespaces.rooms)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(regex: &str, exclusive: bool) -> Result<Names, RegistrationError> {
        Names::new("users", &[RawNamespace { exclusive, regex: regex.to_owned() }])
    }

    #[test]
    fn names_are_matched_from_their_beginning() {
        let names = names("@_pager_.*|@bot:a", true).unwrap();
        assert!(names.have("@_pager_7:a") && names.own("@bot:a"));
        assert!(!names.have("x@_pager_7:a") && !names.have("@other:a"));
    }

    #[test]
    fn names_that_are_shared_are_nobodys_own() {
        let names = names("@_.*", false).unwrap();
        assert!(names.have("@_x:a") && !names.own("@_x:a"));
    }

    #[test]
    fn an_expression_that_is_none_or_too_large_is_refused() {
        assert_eq!(names("(", true).unwrap_err().field, "users");
        assert!(names("(a{1000}){1000}", true).is_err());
    }
}
