//! Patient, for the members of the patient's conversation, and `$conversation`, which names its room.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{BreakGlass, Patient};

use super::{
    exchange::{Body, Fhir, Id, Parameters, SignedIn},
    outcome::Refusal,
    parameters::Given,
    resource::{extension, human_name, profile, reference},
    search::Search,
};
use crate::{AppState, LimitKey};

/// Longest reason of break-glass, in characters.
const MAX_REASON: usize = 500;

type Answer = Result<Fhir, Refusal>;

/// `GET Patient?location=`: the patients in hospital whose conversations the caller is a member of.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Answer {
    let mut search = Search::of("Patient", query)?;
    let ward = search.reference("location", "Location")?;
    let page = search.end()?;
    let found = state.clinical.patients_in_hospital(&caller, ward).await?;
    page.of(&found, |it| patient_json(&state, it))
}

/// `GET Patient/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Answer {
    patient_json(&state, &state.clinical.read_patient(&caller, &id).await?).map(Fhir)
}

/// `Patient/{id}/$conversation`: Parameters with the `room`.
pub(super) async fn conversation(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Answer {
    let room = state.clinical.conversation(&caller, &id)?;
    Ok(Fhir(json!({
        "resourceType": "Parameters",
        "parameter": [{ "name": "room", "valueString": room.as_str() }],
    })))
}

/// `POST Patient/$break-glass`: Parameters with the `patient` and their `room`, which the caller is in then.
pub(super) async fn break_glass(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    body: Body,
) -> Answer {
    let given = Given::read(&body)?;
    let wrong =
        |name: &str, problem: &str| Refusal::invalid(format!("Parameters.parameter({name})"), problem);
    let number = given.text("nhs-number").ok_or_else(|| wrong("nhs-number", "is missing"))?;
    let nhs_number = number.parse().map_err(|_| wrong("nhs-number", "is not an NHS number"))?;
    let reason = given.words("reason", MAX_REASON)?;
    if reason.is_empty() {
        return Err(wrong("reason", "must say why"));
    }
    let asked = BreakGlass {
        nhs_number,
        birth_date: given.text("birthdate").map(ToOwned::to_owned),
        family: given.text("family").map(ToOwned::to_owned),
        reason: reason.to_owned(),
    };
    // Charged before the identifiers are compared and paid back if they match: nobody can try them out.
    let key = LimitKey::new("break-glass", IpAddr::V4(Ipv4Addr::UNSPECIFIED), caller.user.as_str());
    state.limiter.take(&key, state.config.login_limit)?;
    let (patient, room) = state.clinical.break_glass(&caller, asked).await?;
    state.limiter.give_back(&key);
    Ok(Fhir(json!({
        "resourceType": "Parameters",
        "parameter": [
            { "name": "patient", "valueReference": reference("Patient", &patient, None) },
            { "name": "room", "valueString": room.as_str() },
        ],
    })))
}

pub(super) fn patient_json(state: &AppState, it: &Patient) -> Result<Value, Refusal> {
    let record = &it.record;
    let nhs = record.nhs_number.map(|n| {
        // Nobody has asked the national service here: the hospital's own system said so. UK Core's code system for England has
        // the codes of the NHS Data Dictionary (NHS NUMBER STATUS INDICATOR CODE), 01 to 08; the binding is a required one.
        let unverified = json!({ "coding": [{
            "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
            "code": "02",
            "display": "Number present but not traced",
        }] });
        json!({
            "extension": [{
                "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
                "valueCodeableConcept": unverified,
            }],
            "system": "https://fhir.nhs.uk/Id/nhs-number",
            "value": n.digits(),
        })
    });
    let local = record.local_id.as_ref().map(|l| {
        json!({ "type": { "text": "Hospital number" }, "value": l.value, "assigner": { "display": l.authority } })
    });
    let identifiers: Vec<Value> = [nhs, local].into_iter().flatten().collect();
    let mut extensions = Vec::new();
    if let Some(room) = &it.room {
        extensions.push(extension("patient-room", "valueString", room.as_str()));
    }
    if let Some((place, display)) = state.clinical.place_of(it)? {
        let place = reference("Location", &place.id, Some(&display));
        extensions.push(extension("patient-location", "valueReference", place));
    }
    let mut json = json!({
        "resourceType": "Patient",
        "id": it.reference,
        "meta": { "lastUpdated": it.changed_at.to_instant(), "profile": [profile("Patient")] },
        "active": it.replaced_by.is_none(),
        "identifier": identifiers,
        "extension": extensions,
    });
    if record.restricted {
        json["meta"]["security"] = json!([{
            "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
            "code": "R",
            "display": "restricted",
        }]);
    }
    if let Some(name) = &record.name {
        json["name"] = json!([human_name(name)]);
    }
    if let Some(born) = &record.birth_date {
        json["birthDate"] = json!(born);
    }
    if let Some(gender) = record.gender {
        json["gender"] = json!(gender);
    }
    if let Some(deceased) = record.deceased {
        json["deceasedBoolean"] = json!(deceased);
    }
    if let Some(other) = &it.replaced_by {
        json["link"] = json!([{ "type": "replaced-by", "other": reference("Patient", other, None) }]);
    }
    Ok(json)
}
