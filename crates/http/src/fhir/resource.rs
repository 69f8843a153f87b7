//! Pieces that several resources share.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wardline_domain::care::hl7::adt::Name;

/// The URL of one of our extensions.
pub(super) fn extension_url(name: &str) -> String {
    format!("https://wardline.org/fhir/StructureDefinition/{name}")
}

/// The UK Core profile of a type of resource (<https://simplifier.net/hl7fhirukcorer4>). There is one for each type that is
/// given one here: CareTeam, HealthcareService, Location, Organization, Patient, Practitioner, PractitionerRole and Task.
pub(super) fn profile(kind: &str) -> String {
    format!("https://fhir.hl7.org.uk/StructureDefinition/UKCore-{kind}")
}

/// One of our extensions; `value` is such as `valueString`.
pub(super) fn extension(name: &str, value: &str, content: impl Into<Value>) -> Value {
    json!({ "url": extension_url(name), value: content.into() })
}

/// What a resource of the directory says of itself: its profile, version and, if it was not entered by hand, source.
pub(super) fn meta(kind: &str, version: String, source: Option<&str>) -> Value {
    let mut meta = json!({ "versionId": version, "profile": [profile(kind)] });
    if let Some(source) = source {
        meta["source"] = json!(format!("https://wardline.org/fhir/source/{source}"));
    }
    meta
}

/// A reference with a name for the screen.
pub(super) fn reference(kind: &str, id: &str, display: Option<&str>) -> Value {
    let mut reference = json!({ "reference": format!("{kind}/{id}") });
    if let Some(display) = display {
        reference["display"] = json!(display);
    }
    reference
}

/// The version of a resource that has no number of its own: the beginning of a hash of what it says.
pub(super) fn version_of(content: &impl std::fmt::Debug) -> String {
    let hash = hex::encode(Sha256::digest(format!("{content:?}")));
    hash.get(..16).unwrap_or_default().to_owned()
}

/// Whether a text is a FHIR id (<https://hl7.org/fhir/R4/datatypes.html#id>).
pub(super) fn is_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
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
