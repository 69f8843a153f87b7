//! Organization, Location, Practitioner and PractitionerRole: the directory, open to every signed-in person.

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{Duty, Location, LocationKind, Organisation, Practitioner, PractitionerRole};
use wardline_domain::{Timestamp, care::hl7::adt::Name};

use super::{
    exchange::{Fhir, Id, Parameters, SignedIn},
    outcome::Refusal,
    resource::{extension, human_name, reference},
    search::Search,
};
use crate::AppState;

type Answer = Result<Fhir, Refusal>;

/// `GET Organization`
pub(super) async fn organisations(State(state): State<AppState>, _: SignedIn, query: Parameters) -> Answer {
    let page = Search::of("Organization", query)?.end()?;
    page.of(&state.clinical.organisations().await?, |it| Ok(organisation_json(it)))
}

fn organisation_json(it: &Organisation) -> Value {
    json!({
        "resourceType": "Organization",
        "id": it.id,
        "active": true,
        "name": it.name,
        "identifier": [{ "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": it.ods }],
    })
}

/// `GET Location?type=site|ward|bed&partof=`
pub(super) async fn locations(State(state): State<AppState>, _: SignedIn, query: Parameters) -> Answer {
    let mut search = Search::of("Location", query)?;
    let kind = search
        .text("type")
        .map(|code| {
            LocationKind::from_code(&code)
                .ok_or_else(|| Refusal::invalid("type", "is one of site, ward, bed"))
        })
        .transpose()?;
    let part_of = search.reference("partof", "Location")?;
    let page = search.end()?;
    let mut found = state.clinical.locations(kind).await?;
    found.retain(|it| part_of.is_none() || it.part_of == part_of);
    page.of(&found, |it| Ok(location_json(it)))
}

/// `GET Location/{id}`
pub(super) async fn location(State(state): State<AppState>, _: SignedIn, Id(id): Id<String>) -> Answer {
    Ok(Fhir(location_json(&state.clinical.location(&id)?)))
}

fn location_json(it: &Location) -> Value {
    let (code, display) = match it.kind {
        LocationKind::Site => ("si", "Site"),
        LocationKind::Ward => ("wa", "Ward"),
        LocationKind::Bed => ("bd", "Bed"),
    };
    let system = "http://terminology.hl7.org/CodeSystem/location-physical-type";
    let mut json = json!({
        "resourceType": "Location",
        "id": it.id,
        "status": "active",
        "name": it.name,
        "identifier": [{ "value": it.code }],
        "physicalType": { "coding": [{ "system": system, "code": code, "display": display }] },
    });
    if let Some(description) = &it.description {
        json["description"] = json!(description);
    }
    if let Some(part_of) = &it.part_of {
        json["partOf"] = reference("Location", part_of, None);
    }
    if let Some(organisation) = &it.organisation {
        json["managingOrganization"] = reference("Organization", organisation, None);
    }
    json
}

/// `GET Practitioner`
pub(super) async fn practitioners(State(state): State<AppState>, _: SignedIn, query: Parameters) -> Answer {
    let page = Search::of("Practitioner", query)?.end()?;
    page.of(&state.clinical.practitioners().await?, |it| practitioner_json(&state, it))
}

/// `GET Practitioner/{id}`
pub(super) async fn practitioner(State(state): State<AppState>, _: SignedIn, Id(id): Id<String>) -> Answer {
    practitioner_json(&state, &state.clinical.practitioner(&id)?).map(Fhir)
}

fn practitioner_json(state: &AppState, it: &Practitioner) -> Result<Value, Refusal> {
    let name = Name { family: it.family.clone(), given: it.given.clone(), title: it.title.clone() };
    let user = state.clinical.user_of(&it.id)?;
    let identifiers: Vec<Value> = state
        .clinical
        .identifiers_of(&it.id)?
        .into_iter()
        .map(|(system, value)| json!({ "system": system, "value": value }))
        .collect();
    let mut practitioner = json!({
        "resourceType": "Practitioner",
        "id": it.id,
        "active": true,
        "name": [human_name(&name)],
        "qualification": [{ "code": { "text": it.job } }],
        "extension": [extension("matrix-id", "valueString", user.as_str())],
    });
    // FHIR has no empty lists.
    if !identifiers.is_empty() {
        practitioner["identifier"] = identifiers.into();
    }
    Ok(practitioner)
}

/// `GET PractitionerRole?service=&location=&practitioner=&date=now`
pub(super) async fn practitioner_roles(
    State(state): State<AppState>,
    _: SignedIn,
    query: Parameters,
) -> Answer {
    let mut search = Search::of("PractitionerRole", query)?;
    let service = search.reference("service", "HealthcareService")?;
    let ward = search.reference("location", "Location")?;
    let person = search.reference("practitioner", "Practitioner")?;
    let at = search.instant("date", state.clock.now())?;
    let page = search.end()?;
    let found = state.clinical.practitioner_roles(service, ward, person, at).await?;
    let people = state.clinical.practitioners().await?;
    page.of(&found, |it| {
        let person = people.iter().find(|p| p.id == it.person);
        Ok(practitioner_role_json(it, person))
    })
}

/// `GET PractitionerRole/{id}`
pub(super) async fn practitioner_role(
    State(state): State<AppState>,
    _: SignedIn,
    Id(id): Id<String>,
) -> Answer {
    let it = state.clinical.practitioner_role(&id)?;
    let person = state.clinical.practitioner(&it.person)?;
    Ok(Fhir(practitioner_role_json(&it, Some(&person))))
}

fn practitioner_role_json(it: &PractitionerRole, person: Option<&Practitioner>) -> Value {
    let display = person.map(Practitioner::display);
    let mut json = json!({
        "resourceType": "PractitionerRole",
        "id": it.id,
        "active": true,
        "practitioner": reference("Practitioner", &it.person, display.as_deref()),
        "period": { "start": it.start.to_instant(), "end": it.end.to_instant() },
    });
    match &it.duty {
        Duty::Role(id) => json["healthcareService"] = json!([reference("HealthcareService", id, None)]),
        Duty::Ward(id) => json["location"] = json!([reference("Location", id, None)]),
    }
    if it.start == Timestamp(0)
        && let Some(period) = json["period"].as_object_mut()
    {
        period.remove("start");
        period.remove("end");
    }
    json
}
