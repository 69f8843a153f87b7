//! HealthcareService: the roles, who holds them now, and the operations by which they change hands. Reading is open to
//! every signed-in person.

use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use wardline_clinical::{OnCall, OpenOffer, Practitioner, PractitionerRole, Rank, Reach, Until};
use wardline_domain::Timestamp;

use super::{
    directory_input::ROLE_KIND,
    exchange::{Body, Fhir, Id, Parameters, SignedIn},
    include::with_included,
    outcome::Refusal,
    parameters::Given,
    resource::{extension, meta, reference, version_of},
    search::{Search, begins},
};
use crate::AppState;

type Answer = Result<Fhir, Refusal>;

/// `GET HealthcareService?name=&location=&service-type=&_id=`
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Answer {
    let mut search = Search::of("HealthcareService", query)?;
    let (name, kind, id) = (search.words("name"), search.token("service-type"), search.text("_id"));
    let ward = search.reference("location", "Location")?;
    let page = search.end()?;
    let mut found = state.clinical.on_call().await?;
    found.retain(|it| {
        let it = &it.service;
        name.as_ref().is_none_or(|name| begins(&[&it.name], name))
            && kind.as_ref().is_none_or(|(_, kind)| it.kind.as_ref() == Some(kind))
            && ward.as_ref().is_none_or(|ward| it.wards.contains(ward))
            && id.as_ref().is_none_or(|id| it.id == *id)
    });
    with_included(&state, &caller, &page, page.of(&found, |it| Ok(service_json(it)))?).await
}

/// `GET HealthcareService/{id}`
pub(super) async fn read(State(state): State<AppState>, _: SignedIn, Id(id): Id<String>) -> Answer {
    Ok(Fhir(service_json(&state.clinical.on_call_for(&id)?)))
}

/// `POST HealthcareService/{id}/$take` and its like; the answer is the HealthcareService.
pub(super) async fn operation(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id((id, operation)): Id<(String, String)>,
    body: Body,
) -> Answer {
    let clinical = &state.clinical;
    let given = Given::read(&body)?;
    let on_call = match operation.as_str() {
        "$take" => clinical.take_role(&caller, &id, until(&given)?).await?,
        "$offer" => {
            let to = given.reference("to", "Practitioner")?;
            let to = to.ok_or_else(|| Refusal::invalid("Parameters.parameter(to)", "is missing"))?;
            clinical.offer_role(&caller, &id, &to, until(&given)?).await?
        }
        "$accept-offer" => clinical.accept_role(&caller, &id).await?,
        "$decline-offer" => clinical.decline_role(&caller, &id).await?,
        "$release" => clinical.release_role(&caller, &id).await?,
        "$handover-code" => {
            let made = clinical.make_handover_code(&caller, &id).await?;
            return Ok(Fhir(json!({
                "resourceType": "Parameters",
                "parameter": [
                    { "name": "code", "valueString": made.code },
                    { "name": "until", "valueInstant": made.until.to_instant() },
                    { "name": "seconds", "valueInteger": made.seconds },
                ],
            })));
        }
        "$take-over" => {
            let code = given.text("code");
            let code = code.ok_or_else(|| Refusal::invalid("Parameters.parameter(code)", "is missing"))?;
            clinical.take_over_role(&caller, &id, code).await?
        }
        _ => {
            let problem = "there is no such operation on HealthcareService";
            return Err(Refusal::new(StatusCode::NOT_FOUND, "not-supported", problem));
        }
    };
    Ok(Fhir(service_json(&on_call)))
}

/// `until`: an instant, or a time of day by the Trust's clocks.
fn until(given: &Given) -> Result<Until, Refusal> {
    let wrong = |problem| Refusal::invalid("Parameters.parameter(until)", problem);
    match (given.instant("until")?, given.time("until")) {
        (Some(at), _) => Ok(Until::At(at)),
        (None, Some(time)) => {
            time.parse().map(Until::Clock).map_err(|_| wrong("valueTime is a time of day as 20:00:00"))
        }
        (None, None) if given.has("until") => Err(wrong("must have valueInstant or valueTime")),
        (None, None) => Ok(Until::ShiftEnd),
    }
}

/// A role with its present holder, or said to be vacant.
pub(super) fn service_json(it: &OnCall) -> Value {
    let service = &it.service;
    let mut extensions = match &it.holder {
        Some((shift, person)) => holder(shift, person, it.rank),
        None => vec![extension("vacant", "valueBoolean", true)],
    };
    let unreachable = match it.reach {
        Some(Reach::Unreachable) => Some("unreachable"),
        Some(Reach::Muted) => Some("muted"),
        Some(Reach::Reachable) | None => None,
    };
    extensions.extend(unreachable.map(|why| extension("current-holder-unreachable", "valueCode", why)));
    extensions.extend(it.offer.as_ref().map(offer));
    let fallback = service.fallback.as_ref().map(|id| reference("HealthcareService", id, None));
    extensions.extend(fallback.map(|fallback| extension("role-fallback", "valueReference", fallback)));
    let mut json = json!({
        "resourceType": "HealthcareService",
        "id": service.id,
        "meta": meta("HealthcareService", version_of(service), service.source.as_deref()),
        "active": true,
        "name": service.name,
        "location": service.wards.iter().map(|w| reference("Location", w, None)).collect::<Vec<_>>(),
        "extension": extensions,
    });
    if let Some(kind) = &service.kind {
        json["type"] = json!([{ "coding": [{ "system": ROLE_KIND, "code": kind }] }]);
    }
    if let Some(phone) = &service.phone {
        json["telecom"] = json!([{ "system": "phone", "value": phone }]);
        json["comment"] = json!(phone);
    }
    if let Some(organisation) = &service.organisation {
        json["providedBy"] = reference("Organization", organisation, None);
    }
    json
}

fn person(it: &Practitioner) -> Value {
    reference("Practitioner", &it.id, Some(&it.display()))
}

fn holder(shift: &PractitionerRole, holder: &Practitioner, rank: Option<Rank>) -> Vec<Value> {
    let by = match rank {
        Some(Rank::SignOn) => "sign-on",
        Some(Rank::Deputy) => "deputy",
        Some(Rank::Rota) | None => "rota",
    };
    vec![
        extension("current-holder", "valueReference", person(holder)),
        extension("current-holder-until", "valueInstant", shift.end.to_instant()),
        extension("current-holder-by", "valueCode", by),
    ]
}

fn offer(it: &OpenOffer) -> Value {
    let instant = |at: Timestamp| Value::from(at.to_instant());
    json!({
        "url": super::resource::extension_url("role-offer"),
        "extension": [
            { "url": "from", "valueReference": person(&it.from) },
            { "url": "to", "valueReference": person(&it.to) },
            { "url": "until", "valueInstant": instant(it.until) },
        ],
    })
}
