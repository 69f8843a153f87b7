//! Pieces that several resources share.

use serde_json::{Value, json};
use wardline_domain::care::hl7::adt::Name;

/// The URL of one of our extensions.
pub(super) fn extension_url(name: &str) -> String {
    format!("https://wardline.org/fhir/StructureDefinition/{name}")
}

/// One of our extensions; `value` is such as `valueString`.
pub(super) fn extension(name: &str, value: &str, content: impl Into<Value>) -> Value {
    json!({ "url": extension_url(name), value: content.into() })
}

/// A reference with a name for the screen.
pub(super) fn reference(kind: &str, id: &str, display: Option<&str>) -> Value {
    let mut reference = json!({ "reference": format!("{kind}/{id}") });
    if let Some(display) = display {
        reference["display"] = json!(display);
    }
    reference
}

/// A person's name.
pub(super) fn human_name(name: &Name) -> Value {
    let mut value = json!({ "use": "official", "family": name.family });
    if !name.given.is_empty() {
        value["given"] = name.given.split(' ').collect();
    }
    if !name.title.is_empty() {
        value["prefix"] = json!([name.title]);
    }
    value
}
