//! AuditEvent: who looked at a patient, for the privacy officer (<https://hl7.org/fhir/R4/auditevent.html>).

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{Access, AccessKind};

use super::{
    exchange::{Fhir, Parameters, SignedIn},
    outcome::Refusal,
    resource::reference,
    search::Search,
};
use crate::AppState;

/// `GET AuditEvent?patient=`
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("AuditEvent", query)?;
    let patient = search.reference("patient", "Patient")?;
    let page = search.end()?;
    let patient = patient.ok_or_else(|| Refusal::invalid("patient", "is missing"))?;
    let found = state.clinical.accesses(&caller, &patient).await?;
    page.of(&found, |it| Ok(audit_event_json(it, &patient)))
}

fn audit_event_json(it: &Access, patient: &str) -> Value {
    let interaction = match it.kind {
        AccessKind::Read | AccessKind::BreakGlass => ("read", "R"),
        AccessKind::Searched => ("search-type", "E"),
    };
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
        "subtype": [{ "system": "http://hl7.org/fhir/restful-interaction", "code": interaction.0 }],
        "action": interaction.1,
        "recorded": it.at.to_instant(),
        "outcome": if it.allowed { "0" } else { "4" },
        "agent": [agent],
        "source": { "observer": { "display": "Wardline" } },
        "entity": [{ "what": reference("Patient", patient, None) }],
    });
    if it.kind == AccessKind::BreakGlass {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
        let mut purpose =
            json!({ "coding": [{ "system": system, "code": "BTG", "display": "break the glass" }] });
        if let Some(reason) = &it.reason {
            purpose["text"] = json!(reason);
        }
        json["purposeOfEvent"] = json!([purpose]);
    }
    json
}
