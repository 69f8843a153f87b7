//! The Parameters resource as the input of an operation (<https://hl7.org/fhir/R4/parameters.html>).

use serde::Deserialize;
use wardline_domain::Timestamp;

use super::{exchange::Body, outcome::Refusal};

/// What was given, by name; empty for an empty body.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    parameter: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    name: String,
    value_string: Option<String>,
    value_code: Option<String>,
    value_instant: Option<String>,
    value_time: Option<String>,
    value_date: Option<String>,
    value_integer: Option<i64>,
    value_reference: Option<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    reference: String,
}

impl Given {
    /// Reads the body of an operation.
    pub(super) fn read(body: &Body) -> Result<Self, Refusal> {
        if body.is_empty() { Ok(Self::default()) } else { body.read("Parameters") }
    }

    fn find(&self, name: &str) -> Option<&Parameter> {
        self.parameter.iter().find(|parameter| parameter.name == name)
    }

    /// The `valueCode` of each parameter of this name; `None` where it has another value.
    pub(super) fn codes(&self, name: &str) -> impl Iterator<Item = Option<&str>> {
        self.parameter
            .iter()
            .filter(move |parameter| parameter.name == name)
            .map(|it| it.value_code.as_deref())
    }

    /// Whether there is a parameter of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// A text, without white space around it; `None` if it is missing or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.find(name)?;
        let text = found
            .value_string
            .as_deref()
            .or(found.value_date.as_deref())
            .or(found.value_code.as_deref())?
            .trim();
        (!text.is_empty()).then_some(text)
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&self, name: &str) -> Result<Option<u32>, Refusal> {
        let Some(number) = self.find(name).and_then(|it| it.value_integer) else { return Ok(None) };
        let wrong = |_| {
            Refusal::invalid(
                format!("Parameters.parameter({name})"),
                "must be a whole number, not below nought",
            )
        };
        u32::try_from(number).map(Some).map_err(wrong)
    }

    /// Every reference of this name.
    pub(super) fn references<'g>(&'g self, name: &'g str) -> impl Iterator<Item = &'g str> {
        let named = self.parameter.iter().filter(move |it| it.name == name);
        named.filter_map(|it| it.value_reference.as_ref()).map(|it| it.reference.as_str())
    }

    /// A text of at most `most` characters; empty if it is missing.
    pub(super) fn words(&self, name: &str, most: usize) -> Result<&str, Refusal> {
        let text = self.text(name).unwrap_or_default();
        if text.chars().count() > most {
            let problem = format!("must have at most {most} characters");
            return Err(Refusal::invalid(format!("Parameters.parameter({name})"), problem));
        }
        Ok(text)
    }

    /// The id of a reference to a resource of this type.
    pub(super) fn reference(&self, name: &str, kind: &str) -> Result<Option<String>, Refusal> {
        let Some(found) = self.find(name).and_then(|p| p.value_reference.as_ref()) else { return Ok(None) };
        let id = found.reference.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
        let wrong =
            || Refusal::invalid(format!("Parameters.parameter({name})"), format!("must refer to a {kind}"));
        id.map(|id| Some(id.to_owned())).ok_or_else(wrong)
    }

    /// Type and id of a reference to one of these types.
    pub(super) fn reference_to(
        &self,
        name: &str,
        kinds: &[&str],
    ) -> Result<Option<(String, String)>, Refusal> {
        let Some(found) = self.find(name).and_then(|p| p.value_reference.as_ref()) else { return Ok(None) };
        let parts = found.reference.split_once('/').filter(|(kind, _)| kinds.contains(kind));
        let wrong = || {
            let problem = format!("must refer to a {}", kinds.join(" or a "));
            Refusal::invalid(format!("Parameters.parameter({name})"), problem)
        };
        parts.map(|(kind, id)| Some((kind.to_owned(), id.to_owned()))).ok_or_else(wrong)
    }

    /// An instant.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.find(name).and_then(|p| p.value_instant.as_ref()) else { return Ok(None) };
        let wrong = || {
            let path = format!("Parameters.parameter({name})");
            Refusal::invalid(path, "valueInstant must be an instant with time zone")
        };
        Timestamp::from_instant(text).map(Some).ok_or_else(wrong)
    }

    /// A time of day as it was written.
    pub(super) fn time(&self, name: &str) -> Option<&str> {
        self.find(name)?.value_time.as_deref()
    }
}
