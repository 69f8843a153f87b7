//! Claims into a person.

use serde_json::{Map, Value};

use super::{UpstreamError, provider::ClaimNames};

/// The longest name that is taken over, in characters.
const MAX_NAME: usize = 200;

/// The claims of a token or of the userinfo endpoint.
#[derive(Clone, Debug, Default)]
pub struct Claims(pub(super) Map<String, Value>);

impl Claims {
    /// A claim as it is.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A claim that is a whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// Adds what `more` says and this does not: a signed claim is never replaced.
    pub(super) fn complete_with(&mut self, more: Claims) {
        for (name, value) in more.0 {
            self.0.entry(name).or_insert(value);
        }
    }

    /// A claim that is text or a number, as text; empty without it.
    fn word(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// A template with its `{claim}`s replaced, in one line without control characters.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                break;
            };
            filled.push_str(&self.word(name));
            rest = after;
        }
        filled.push_str(rest);
        let plain: String = filled.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What an account and a directory entry are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// The key at the provider.
    pub(super) subject: String,
    pub(super) localpart: String,
    pub(super) display_name: String,
    pub(super) family: String,
    pub(super) given: String,
    pub(super) title: String,
    pub(super) job: String,
    /// The register and the identifier in it.
    pub(super) registration: Option<(String, String)>,
    pub(super) external_id: String,
}

impl Person {
    /// Whom the claims describe.
    pub(super) fn of(claims: &Claims, names: &ClaimNames) -> Result<Self, UpstreamError> {
        let mut subject = Vec::new();
        for name in &names.subject {
            let value = claims.text(name).filter(|value| !value.is_empty() && !value.contains(' '));
            let value = value.ok_or_else(|| {
                let text = "Your organisation's sign-in did not say who you are.";
                UpstreamError::refused("claim_subject", text)
            })?;
            subject.push(value);
        }
        let registration = names.registration.as_ref().and_then(|(claim, system)| {
            let value = claims.word(claim);
            (!value.is_empty()).then(|| (system.clone(), value))
        });
        let given = claims.fill(&names.given);
        let family = claims.fill(&names.family);
        let display_name = claims.fill(&names.display_name);
        Ok(Self {
            subject: subject.join(" "),
            localpart: localpart_of(&claims.fill(&names.localpart)),
            display_name: if display_name.is_empty() { format!("{given} {family}") } else { display_name },
            family,
            given,
            title: claims.fill(&names.title),
            job: claims.fill(&names.job),
            registration,
            external_id: claims.word(&names.external_id),
        })
    }
}

/// Text as the local part of a user id that can also be an id in the directory (FHIR): what stands before an `@`, in small
/// letters, with a dot for what is not allowed. May be empty.
pub(crate) fn localpart_of(text: &str) -> String {
    let text = text.split('@').next().unwrap_or_default().to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let plain: String = text.chars().map(|c| if allowed(c) { c } else { '.' }).collect();
    plain.trim_matches(['.', '-']).chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        Claims(value.as_object().unwrap().clone())
    }

    #[test]
    fn templates() {
        let all = claims(json!({ "given_name": "Amy\u{7}", "family_name": " Li ", "n": 7, "x": ["a"] }));
        for (template, filled) in [
            ("{given_name} {family_name}", "Amy Li"),
            ("{n}-{x}{missing}", "7-"),
            ("plain", "plain"),
            ("{open", "open"),
            ("", ""),
        ] {
            assert_eq!(all.fill(template), filled, "{template}");
        }
    }

    #[test]
    fn names_become_local_parts() {
        for (text, name) in [
            ("Amy.Li@riverside.nhs.uk", "amy.li"),
            ("RIVERSIDE\\amy", "riverside.amy"),
            ("Zoë", "zo"),
            ("_x", "x"),
            ("@x", ""),
        ] {
            assert_eq!(localpart_of(text), name, "{text}");
        }
    }

    #[test]
    fn a_signed_claim_is_never_replaced() {
        let mut signed = claims(json!({ "sub": "1", "acr": "AAL1_USERPASS" }));
        signed.complete_with(claims(json!({ "acr": "AAL3_ANY", "name": "Amy" })));
        assert_eq!((signed.text("acr"), signed.text("name")), (Some("AAL1_USERPASS"), Some("Amy")));
    }
}
