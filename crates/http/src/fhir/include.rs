//! `_include`: what the resources of a search refer to, in the same answer (<https://hl7.org/fhir/R4/search.html#include>).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wardline_clinical::{Caller, ClinicalError};

use super::{
    care_team::care_team_json,
    directory::{location_json, organisation_json, practitioner_json},
    exchange::Fhir,
    outcome::Refusal,
    patient::patient_json,
    search::Page,
    service::service_json,
};
use crate::AppState;

/// The references that can be followed: type, search parameter, where they stand (`*` is every item of a list), and to
/// which types they lead.
pub(super) const INCLUDES: &[(&str, &str, &str, &[&str])] = &[
    ("Task", "patient", "for", &["Patient"]),
    ("Task", "owner", "owner", &["HealthcareService", "Practitioner", "CareTeam"]),
    ("Task", "requester", "requester", &["Practitioner"]),
    ("PractitionerRole", "practitioner", "practitioner", &["Practitioner"]),
    ("PractitionerRole", "service", "healthcareService/*", &["HealthcareService"]),
    ("PractitionerRole", "location", "location/*", &["Location"]),
    ("HealthcareService", "location", "location/*", &["Location"]),
    ("HealthcareService", "organization", "providedBy", &["Organization"]),
    ("Location", "partof", "partOf", &["Location"]),
    ("Location", "organization", "managingOrganization", &["Organization"]),
    ("CareTeam", "participant", "participant/*/member", &["Practitioner"]),
];

/// The reference that `wanted` (`Type:parameter`, or with a type of target behind) names for a search of `kind`.
pub(super) fn find(kind: &str, wanted: &str) -> Result<(&'static str, &'static str), Refusal> {
    let mut parts = wanted.split(':');
    let (source, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let found = INCLUDES.iter().find(|it| it.0 == kind && it.0 == source && it.1 == name);
    let problem = "this reference cannot be included; see metadata";
    found.map(|it| (it.1, it.2)).ok_or_else(|| Refusal::invalid("_include", problem))
}

/// Adds what the page asks to be included and the caller may read; what they may not read is left out.
pub(super) async fn with_included(
    state: &AppState,
    caller: &Caller,
    page: &Page,
    found: Fhir,
) -> Result<Fhir, Refusal> {
    let Fhir(mut bundle) = found;
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let mut wanted = BTreeSet::new();
    for (_, place) in page.includes() {
        for entry in &entries {
            let path: Vec<&str> = place.split('/').collect();
            references(&entry["resource"], &path, &mut wanted);
        }
    }
    let mut all = entries;
    for reference in wanted {
        let Some((kind, id)) = reference.split_once('/') else { continue };
        if let Some(resource) = read(state, caller, kind, id).await? {
            all.push(json!({ "fullUrl": reference, "resource": resource, "search": { "mode": "include" } }));
        }
    }
    bundle["entry"] = all.into();
    Ok(Fhir(bundle))
}

fn references(value: &Value, path: &[&str], found: &mut BTreeSet<String>) {
    match path.split_first() {
        None => found.extend(value["reference"].as_str().map(ToOwned::to_owned)),
        Some((&"*", rest)) => {
            value.as_array().into_iter().flatten().for_each(|item| references(item, rest, found));
        }
        Some((name, rest)) => references(&value[*name], rest, found),
    }
}

/// A resource that another refers to, if it is there and the caller may read it.
pub(super) async fn read(
    state: &AppState,
    caller: &Caller,
    kind: &str,
    id: &str,
) -> Result<Option<Value>, Refusal> {
    let clinical = &state.clinical;
    let read = match kind {
        "Patient" => match clinical.read_patient(caller, id).await {
            Ok(patient) => return patient_json(state, &patient).map(Some),
            Err(error) => Err(error),
        },
        "Practitioner" => match clinical.practitioner(id) {
            Ok(person) => return practitioner_json(state, &person).map(Some),
            Err(error) => Err(error),
        },
        "Location" => clinical.location(id).map(|it| location_json(&it)),
        "HealthcareService" => clinical.on_call_for(id).map(|it| service_json(&it)),
        "CareTeam" => clinical.team(id).map(|it| care_team_json(&it)),
        "Organization" => {
            let all = clinical.organisations().await?;
            return Ok(all.iter().find(|it| it.id == id).map(organisation_json));
        }
        _ => return Ok(None),
    };
    match read {
        Ok(resource) => Ok(Some(resource)),
        Err(ClinicalError::NotFound(_) | ClinicalError::Forbidden(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
