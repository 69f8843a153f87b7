//! Organization, Location, Practitioner and PractitionerRole: the directory, open to every signed-in person.

use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use wardline_clinical::{Duty, Location, LocationKind, Organisation, Practitioner, PractitionerRole};
use wardline_domain::{Timestamp, care::hl7::adt::Name};

use super::{
    duty::duty_extension,
    exchange::{Fhir, Id, Parameters, SignedIn},
    include::with_included,
    outcome::Refusal,
    resource::{extension, human_name, reference},
    search::{Search, begins},
};
use crate::AppState;

type Answer = Result<Fhir, Refusal>;

/// `GET Organization?name=&identifier=&_id=`
pub(super) async fn organisations(State(state): State<AppState>, _: SignedIn, query: Parameters) -> Answer {
    let mut search = Search::of("Organization", query)?;
    let (name, ods, id) = (search.words("name"), search.token("identifier"), search.text("_id"));
    let page = search.end()?;
    let mut found = state.clinical.organisations().await?;
    found.retain(|it| {
        name.as_ref().is_none_or(|name| begins(&[&it.name], name))
            && ods.as_ref().is_none_or(|(_, ods)| it.ods == *ods)
            && id.as_ref().is_none_or(|id| it.id == *id)
    });
    page.of(&found, |it| Ok(organisation_json(it)))
}

/// `GET Organization/{id}`
pub(super) async fn organisation(State(state): State<AppState>, _: SignedIn, Id(id): Id<String>) -> Answer {
    let all = state.clinical.organisations().await?;
    let found = all.iter().find(|it| it.id == id).map(organisation_json);
    found.map(Fhir).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "not-found", "Organization not found"))
}

pub(super) fn organisation_json(it: &Organisation) -> Value {
    json!({
        "resourceType": "Organization",
        "id": it.id,
        "active": true,
        "name": it.name,
        "identifier": [{ "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": it.ods }],
    })
}

/// `GET Location?type=site|ward|bed&partof=&name=&identifier=&_id=`
pub(super) async fn locations(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Answer {
    let mut search = Search::of("Location", query)?;
    let kind = search
        .text("type")
        .map(|code| {
            LocationKind::from_code(&code)
                .ok_or_else(|| Refusal::invalid("type", "is one of site, ward, bed"))
        })
        .transpose()?;
    let part_of = search.reference("partof", "Location")?;
    let (name, code, id) = (search.words("name"), search.token("identifier"), search.text("_id"));
    let page = search.end()?;
    let mut found = state.clinical.locations(kind).await?;
    found.retain(|it| {
        (part_of.is_none() || it.part_of == part_of)
            && name.as_ref().is_none_or(|name| begins(&[&it.name], name))
            && code.as_ref().is_none_or(|(_, code)| it.code == *code)
            && id.as_ref().is_none_or(|id| it.id == *id)
    });
    with_included(&state, &caller, &page, page.of(&found, |it| Ok(location_json(it)))?).await
}

/// `GET Location/{id}`
pub(super) async fn location(State(state): State<AppState>, _: SignedIn, Id(id): Id<String>) -> Answer {
    Ok(Fhir(location_json(&state.clinical.location(&id)?)))
}

pub(super) fn location_json(it: &Location) -> Value {
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

/// `GET Practitioner?name=&identifier=&_id=`; `name` is the beginning of words of the name.
pub(super) async fn practitioners(State(state): State<AppState>, _: SignedIn, query: Parameters) -> Answer {
    let mut search = Search::of("Practitioner", query)?;
    let (name, number, id) = (search.words("name"), search.token("identifier"), search.text("_id"));
    let page = search.end()?;
    let clinical = &state.clinical;
    let mut found = match (&id, &number) {
        (Some(id), _) => clinical.practitioner(id).into_iter().collect(),
        (None, Some((Some(system), value))) => clinical.practitioner_by(system, value)?.into_iter().collect(),
        (None, Some((None, _))) => {
            return Err(Refusal::invalid("identifier", "must be written system|value"));
        }
        (None, None) => clinical.practitioners().await?,
    };
    if let Some(name) = name {
        let fits = |word: &str, it: &Practitioner| begins(&[&it.given, &it.family], word);
        found.retain(|it| name.split_whitespace().all(|word| fits(word, it)));
    }
    page.of(&found, |it| practitioner_json(&state, it))
}

/// `GET Practitioner/{id}`
pub(super) async fn practitioner(State(state): State<AppState>, _: SignedIn, Id(id): Id<String>) -> Answer {
    practitioner_json(&state, &state.clinical.practitioner(&id)?).map(Fhir)
}

pub(super) fn practitioner_json(state: &AppState, it: &Practitioner) -> Result<Value, Refusal> {
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
    if let (Some(duty), Some(all)) =
        (duty_extension(state, &it.id)?, practitioner["extension"].as_array_mut())
    {
        all.push(duty);
    }
    // FHIR has no empty lists.
    if !identifiers.is_empty() {
        practitioner["identifier"] = identifiers.into();
    }
    Ok(practitioner)
}

/// `GET PractitionerRole?service=&location=&practitioner=&date=now`
pub(super) async fn practitioner_roles(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
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
    let found = page.of(&found, |it| {
        let person = people.iter().find(|p| p.id == it.person);
        Ok(practitioner_role_json(it, person))
    })?;
    with_included(&state, &caller, &page, found).await
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
