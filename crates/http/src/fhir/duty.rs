//! `Practitioner/{id}/$duty`: on duty, busy or off duty, who covers, and quiet hours; and how a Practitioner shows it.

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{Cover, DutyState, DutyStatus};
use wardline_domain::care::rota::LocalTime;

use super::{
    directory::practitioner_json,
    exchange::{Body, Fhir, Id, SignedIn},
    outcome::Refusal,
    parameters::Given,
    resource::{extension_url, reference},
};
use crate::AppState;

/// `POST Practitioner/{id}/$duty`, by that person only; the answer is the Practitioner.
pub(super) async fn set(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    body: Body,
) -> Result<Fhir, Refusal> {
    if caller.person() != id {
        return Err(wardline_clinical::ClinicalError::Forbidden(wardline_clinical::Only::Oneself).into());
    }
    let given = Given::read(&body)?;
    let wrong =
        |name: &str, problem: &str| Refusal::invalid(format!("Parameters.parameter({name})"), problem);
    let duty = given.text("status").and_then(DutyState::from_code);
    let duty = duty.ok_or_else(|| wrong("status", "is one of on, busy, off"))?;
    let cover = given.reference_to("covered-by", &["Practitioner", "HealthcareService"])?;
    let cover =
        cover.map(|(kind, id)| if kind == "Practitioner" { Cover::Person(id) } else { Cover::Role(id) });
    let time = |name: &str| {
        let read = given.time(name).map(|text| text.parse::<LocalTime>());
        read.transpose().map_err(|_| wrong(name, "valueTime is a time of day as 22:00:00"))
    };
    let quiet = match (time("quiet-from")?, time("quiet-until")?) {
        (Some(from), Some(until)) => Some((from, until)),
        (None, None) => None,
        (Some(_), None) => return Err(wrong("quiet-until", "is missing")),
        (None, Some(_)) => return Err(wrong("quiet-from", "is missing")),
    };
    let status = DutyStatus { state: duty, until: given.instant("until")?, cover, quiet };
    state.clinical.set_duty(&caller, status).await?;
    practitioner_json(&state, &state.clinical.practitioner(&id)?).map(Fhir)
}

/// What a person says of themselves, if they are not simply on duty.
pub(super) fn duty_extension(state: &AppState, person: &str) -> Result<Option<Value>, Refusal> {
    let (status, cover) = state.clinical.duty_of(person)?;
    if status == DutyStatus::default() {
        return Ok(None);
    }
    let mut parts = vec![json!({ "url": "status", "valueCode": status.state.code() })];
    if let Some(until) = status.until {
        parts.push(json!({ "url": "until", "valueInstant": until.to_instant() }));
    }
    if let Some(cover) = cover {
        let name = state.clinical.practitioner(&cover).ok().map(|it| it.display());
        let cover = reference("Practitioner", &cover, name.as_deref());
        parts.push(json!({ "url": "covered-by", "valueReference": cover }));
    }
    if let Some((from, until)) = status.quiet {
        let time = |time: LocalTime| time.strftime("%H:%M:%S").to_string();
        parts.push(json!({ "url": "quiet-from", "valueTime": time(from) }));
        parts.push(json!({ "url": "quiet-until", "valueTime": time(until) }));
    }
    Ok(Some(json!({ "url": extension_url("duty-status"), "extension": parts })))
}
