//! AuditEvent: who looked at a patient, for the privacy officer (<https://hl7.org/fhir/R4/auditevent.html>).

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{Access, AccessKind, LooksWanted};

use super::{
    exchange::{Body, Fhir, Parameters, SignedIn},
    outcome::Refusal,
    parameters::Given,
    patient::patient_json,
    resource::{extension, reference},
    search::Search,
};
use crate::AppState;

/// The code system of looks at the access list itself.
const LOOK: &str = "https://wardline.org/fhir/CodeSystem/look";

/// Longest reason of a search, in characters.
const MAX_REASON: usize = 500;
/// Longest number or name that is looked for, in characters.
const MAX_TEXT: usize = 100;

/// `GET AuditEvent?patient=&date=&agent=`; `date` is `geDATE`, `leDATE`, `ltINSTANT` or two of them with a comma.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("AuditEvent", query)?;
    let patient = search.reference("patient", "Patient")?;
    let (from, until) = search.period("date", state.clinical.zone())?;
    let person = search.reference("agent", "Practitioner")?;
    let page = search.end()?;
    let patient = patient.ok_or_else(|| Refusal::invalid("patient", "is missing"))?;
    let found = state.clinical.accesses(&caller, &patient, LooksWanted { from, until, person }).await?;
    page.of(&found, |it| Ok(audit_event_json(it, &patient)))
}

/// `POST AuditEvent/$find-patient`: the patients whose list the privacy officer may want, as a searchset of what tells one from
/// another, and no more.
pub(super) async fn find_patient(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    body: Body,
) -> Result<Fhir, Refusal> {
    let given = Given::read(&body)?;
    let (text, reason) = (given.words("text", MAX_TEXT)?, given.words("reason", MAX_REASON)?);
    let (found, total) = state.clinical.find_for_access_list(&caller, text, reason).await?;
    let entries = found.iter().map(|it| {
        let mut resource = patient_json(&state, it)?;
        if let Some(resource) = resource.as_object_mut() {
            resource.remove("extension");
        }
        resource["meta"]["tag"] = json!([{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
            "code": "SUBSETTED",
        }]);
        let url = format!("Patient/{}", it.reference);
        Ok(json!({ "fullUrl": url, "resource": resource, "search": { "mode": "match" } }))
    });
    let entries = entries.collect::<Result<Vec<Value>, Refusal>>()?;
    Ok(Fhir(json!({ "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries })))
}

fn audit_event_json(it: &Access, patient: &str) -> Value {
    let interaction = match it.kind {
        AccessKind::Read | AccessKind::BreakGlass => ("read", "R"),
        AccessKind::Searched => ("search-type", "E"),
        AccessKind::Found | AccessKind::ListRead => ("operation", "E"),
    };
    let mut subtype =
        vec![json!({ "system": "http://hl7.org/fhir/restful-interaction", "code": interaction.0 })];
    // Looks at who looked, of which FHIR has no code.
    let own = match it.kind {
        AccessKind::Found => Some("found-for-access-list"),
        AccessKind::ListRead => Some("access-list-read"),
        AccessKind::Read | AccessKind::Searched | AccessKind::BreakGlass => None,
    };
    subtype.extend(own.map(|code| json!({ "system": LOOK, "code": code })));
    let mut agent = json!({ "requestor": true, "altId": it.user });
    if let Some(person) = &it.person {
        agent["who"] = reference("Practitioner", &person.id, Some(&person.display()));
    }
    if let Some(device) = &it.device {
        agent["network"] = json!({ "address": device, "type": "1" });
    }
    let mut json = json!({
        "resourceType": "AuditEvent",
        "id": it.seq.to_string(),
        "type": { "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" },
        "subtype": subtype,
        "action": interaction.1,
        "period": { "start": it.since.to_instant(), "end": it.at.to_instant() },
        "recorded": it.at.to_instant(),
        "outcome": if it.allowed { "0" } else { "4" },
        "agent": [agent],
        "source": { "observer": { "display": "Wardline" } },
        "entity": [{ "what": reference("Patient", patient, None) }],
    });
    if it.times > 1 {
        json["extension"] = json!([extension("look-times", "valueInteger", it.times)]);
    }
    let purpose = match it.kind {
        AccessKind::BreakGlass => Some(("BTG", "break the glass")),
        AccessKind::Found => Some(("HCOMPL", "health compliance")),
        AccessKind::Read | AccessKind::Searched | AccessKind::ListRead => None,
    };
    if let Some((code, display)) = purpose {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
        let mut purpose = json!({ "coding": [{ "system": system, "code": code, "display": display }] });
        if let Some(reason) = &it.reason {
            purpose["text"] = json!(reason);
        }
        json["purposeOfEvent"] = json!([purpose]);
    }
    json
}
