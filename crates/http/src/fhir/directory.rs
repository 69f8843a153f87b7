//! Organization, Location and Practitioner: the directory, open to every signed-in person.

use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};
use wardline_clinical::{Location, LocationKind, Organisation, Practitioner};
use wardline_domain::care::hl7::adt::Name;

use super::{
    device_check::device_check_extension,
    directory_input::{ODS_CODE, PHYSICAL_TYPE},
    duty::duty_extension,
    exchange::{Fhir, Id, Parameters, SignedIn},
    include::with_included,
    outcome::Refusal,
    resource::{extension, human_name, meta, reference, version_of},
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
        "meta": meta("Organization", version_of(it), it.source.as_deref()),
        "active": true,
        "name": it.name,
        "identifier": [{ "system": ODS_CODE, "value": it.ods }],
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
    let mut json = json!({
        "resourceType": "Location",
        "id": it.id,
        "meta": meta("Location", version_of(it), it.source.as_deref()),
        "status": "active",
        "name": it.name,
        "identifier": [{ "value": it.code }],
        "physicalType": { "coding": [{ "system": PHYSICAL_TYPE, "code": code, "display": display }] },
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
    if let (Some(name), None, None) = (&name, &number, &id)
        && !name.is_empty()
    {
        let (offset, count) = page.span();
        let (found, total) = clinical.practitioners_named(name, offset, count).await?;
        return page.part(&found, total, |it| practitioner_json(&state, it));
    }
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
    let numbers = state.clinical.identifiers_of(&it.id)?;
    let identifiers: Vec<Value> =
        numbers.iter().map(|(system, value)| json!({ "system": system, "value": value })).collect();
    let mut practitioner = json!({
        "resourceType": "Practitioner",
        "id": it.id,
        "meta": meta("Practitioner", version_of(&(it, &numbers)), it.source.as_deref()),
        "active": true,
        "name": [human_name(&name)],
        "qualification": [{ "code": { "text": it.job } }],
        "extension": [extension("matrix-id", "valueString", user.as_str())],
    });
    let said = [duty_extension(state, &it.id)?, device_check_extension(state, &it.id)?];
    if let Some(all) = practitioner["extension"].as_array_mut() {
        all.extend(said.into_iter().flatten());
    }
    // FHIR has no empty lists.
    if !identifiers.is_empty() {
        practitioner["identifier"] = identifiers.into();
    }
    Ok(practitioner)
}
