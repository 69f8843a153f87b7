//! `Practitioner/{id}/$device-check`: what somebody found when they tested their device, and how a Practitioner shows it.

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{ClinicalError, DevicePart, Only};

use super::{
    directory::practitioner_json,
    exchange::{Body, Fhir, Id, SignedIn},
    outcome::Refusal,
    parameters::Given,
    resource::extension_url,
};
use crate::AppState;

/// `POST Practitioner/{id}/$device-check`, by that person only; the answer is the Practitioner.
pub(super) async fn record(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    body: Body,
) -> Result<Fhir, Refusal> {
    if caller.person() != id {
        return Err(ClinicalError::Forbidden(Only::Oneself).into());
    }
    let given = Given::read(&body)?;
    let wrong = || {
        Refusal::invalid(
            "Parameters.parameter(failed)",
            "is one of connection, encryption, notifications, sound",
        )
    };
    let mut failed = Vec::new();
    for code in given.codes("failed") {
        let part = code.and_then(DevicePart::from_code).ok_or_else(wrong)?;
        if !failed.contains(&part) {
            failed.push(part);
        }
    }
    state.clinical.record_device_check(&caller, failed).await?;
    practitioner_json(&state, &state.clinical.practitioner(&id)?).map(Fhir)
}

/// The newest result of somebody, if there is one.
pub(super) fn device_check_extension(state: &AppState, person: &str) -> Result<Option<Value>, Refusal> {
    let Some(check) = state.clinical.device_check_of(person)? else { return Ok(None) };
    let mut parts = vec![json!({ "url": "at", "valueInstant": check.at.to_instant() })];
    parts.extend(check.failed.iter().map(|part| json!({ "url": "failed", "valueCode": part.code() })));
    Ok(Some(json!({ "url": extension_url("device-check"), "extension": parts })))
}
