//! PractitionerRole: shifts in roles and assignments to wards. Reading is open to every signed-in person; administrators
//! and the duty manager enter, change and remove them.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use wardline_clinical::{ClinicalError, Duty, NewShift, Practitioner, PractitionerRole, Rank};
use wardline_domain::Timestamp;

use super::{
    exchange::{Body, Conditions, Editing, Fhir, Id, Parameters, SignedIn},
    include::with_included,
    outcome::Refusal,
    resource::{extension_url, is_id, profile, reference, version_of},
    search::Search,
};
use crate::AppState;

/// The code system of how a shift counts beside others of its role.
const SHIFT_RANK: &str = "https://wardline.org/fhir/CodeSystem/shift-rank";

/// `GET PractitionerRole?service=&location=&practitioner=&date=now|INSTANT|geINSTANT&_id=`, by start. `ge` leaves out what
/// has passed by then.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("PractitionerRole", query)?;
    let service = search.reference("service", "HealthcareService")?;
    let ward = search.reference("location", "Location")?;
    let person = search.reference("practitioner", "Practitioner")?;
    let id = search.text("_id");
    let (at, since) = search.instant_or_since("date", state.clock.now())?;
    let page = search.end()?;
    let clinical = &state.clinical;
    let mut found = match &id {
        Some(id) => clinical.practitioner_role(id).into_iter().collect(),
        None => clinical.practitioner_roles(service, ward, person, at, since).await?,
    };
    found.retain(|it| id.as_ref().is_none_or(|id| it.id == *id));
    with_included(&state, &caller, &page, page.of(&found, |it| shown(&state, it))?).await
}

/// `GET PractitionerRole/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    _: SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    shown(&state, &state.clinical.practitioner_role(&id)?).map(Fhir)
}

/// `POST PractitionerRole`, under an id of the server's.
pub(super) async fn create(
    State(state): State<AppState>,
    editor: Editing,
    conditions: Conditions,
    body: Body,
) -> Result<Response, Refusal> {
    let id = state.random.uuid();
    let input: Input = body.read("PractitionerRole")?;
    write(&state, editor, &id, Input { id: None, ..input }, conditions).await
}

/// `PUT PractitionerRole/{id}`: 201 for a new one, 200 for one that is changed, or is so already.
pub(super) async fn put(
    State(state): State<AppState>,
    editor: Editing,
    Id(id): Id<String>,
    conditions: Conditions,
    body: Body,
) -> Result<Response, Refusal> {
    write(&state, editor, &id, body.read("PractitionerRole")?, conditions).await
}

/// `DELETE PractitionerRole/{id}`: a shift that is being worked ends now, one to come never was.
pub(super) async fn remove(
    State(state): State<AppState>,
    Editing(editor): Editing,
    Id(id): Id<String>,
    conditions: Conditions,
) -> Result<StatusCode, Refusal> {
    state.clinical.remove_shift(&editor, &id, expected(conditions)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn write(
    state: &AppState,
    Editing(editor): Editing,
    id: &str,
    input: Input,
    conditions: Conditions,
) -> Result<Response, Refusal> {
    let new = input.into_shift(state, id)?;
    let (shift, is_new) = state.clinical.put_shift(&editor, id, new, expected(conditions)).await?;
    let answer = Fhir(shown(state, &shift)?);
    if !is_new {
        return Ok(answer.into_response());
    }
    let mut response = (StatusCode::CREATED, answer).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/fhir/R4/PractitionerRole/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn expected(conditions: Conditions) -> impl Fn(Option<(&PractitionerRole, Rank)>) -> bool + Send + 'static {
    move |known| conditions.allow(known.map(|known| version_of(&known)).as_deref())
}

fn shown(state: &AppState, it: &PractitionerRole) -> Result<Value, Refusal> {
    let person = state.clinical.practitioner(&it.person).ok();
    Ok(practitioner_role_json(it, state.clinical.shift_rank(&it.id)?, person.as_ref()))
}

fn practitioner_role_json(it: &PractitionerRole, rank: Rank, person: Option<&Practitioner>) -> Value {
    let display = person.map(Practitioner::display);
    let mut json = json!({
        "resourceType": "PractitionerRole",
        "id": it.id,
        "meta": { "versionId": version_of(&(it, rank)), "profile": [profile("PractitionerRole")] },
        "active": true,
        "practitioner": reference("Practitioner", &it.person, display.as_deref()),
        "period": { "start": it.start.to_instant(), "end": it.end.to_instant() },
    });
    match &it.duty {
        Duty::Role(id) => json["healthcareService"] = json!([reference("HealthcareService", id, None)]),
        Duty::Ward(id) => json["location"] = json!([reference("Location", id, None)]),
    }
    let code = match rank {
        Rank::Deputy => Some("deputy"),
        Rank::SignOn => Some("sign-on"),
        Rank::Rota => None,
    };
    if let Some(code) = code {
        json["code"] = json!([{ "coding": [{ "system": SHIFT_RANK, "code": code }] }]);
    }
    if it.start == Timestamp(0)
        && let Some(period) = json["period"].as_object_mut()
    {
        period.remove("start");
        period.remove("end");
    }
    json
}

/// What a client may say of a shift. Anything else is refused by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "some elements are accepted and not used: the server sets them")]
struct Input {
    resource_type: String,
    id: Option<String>,
    meta: Option<IgnoredAny>,
    active: Option<bool>,
    practitioner: Reference,
    #[serde(default)]
    code: Vec<Concept>,
    #[serde(default)]
    healthcare_service: Vec<Reference>,
    #[serde(default)]
    location: Vec<Reference>,
    period: Option<Period>,
    #[serde(default)]
    extension: Vec<Extension>,
}

#[derive(Deserialize)]
struct Reference {
    reference: String,
}

#[derive(Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    system: Option<String>,
    code: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Period {
    start: Option<String>,
    end: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    url: String,
    #[serde(default)]
    extension: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    url: String,
    value_string: Option<String>,
}

impl Input {
    fn into_shift(self, state: &AppState, id: &str) -> Result<NewShift, Refusal> {
        let wrong = |path: &str, problem: &str| Refusal::invalid(format!("PractitionerRole.{path}"), problem);
        if self.resource_type != "PractitionerRole" {
            return Err(wrong("resourceType", "must be PractitionerRole"));
        }
        if !is_id(id) || self.id.as_deref().is_some_and(|said| said != id) {
            return Err(wrong("id", "must be the id of the address: letters, digits, - and ., at most 64"));
        }
        if self.active == Some(false) {
            return Err(wrong("active", "must be true; a shift that does not count is removed"));
        }
        let deputy = self.deputy()?;
        let (start, end) = self.period(state)?;
        let duty = match (&self.healthcare_service[..], &self.location[..]) {
            ([role], []) => {
                Duty::Role(id_of(&role.reference, "HealthcareService", "healthcareService[0].reference")?)
            }
            ([], [ward]) => Duty::Ward(id_of(&ward.reference, "Location", "location[0].reference")?),
            _ => return Err(wrong("healthcareService", "there must be one role or one ward")),
        };
        let person = id_of(&self.practitioner.reference, "Practitioner", "practitioner.reference")?;
        Ok(NewShift { duty, person, start, end, deputy })
    }

    fn deputy(&self) -> Result<bool, Refusal> {
        for (index, coding) in self.code.iter().flat_map(|it| &it.coding).enumerate() {
            let path = |of: &str| format!("PractitionerRole.code[{index}].coding[0].{of}");
            if coding.system.as_deref() != Some(SHIFT_RANK) {
                return Err(Refusal::invalid(path("system"), format!("must be {SHIFT_RANK}")));
            }
            if coding.code != "deputy" {
                return Err(Refusal::invalid(path("code"), "only deputy can be entered"));
            }
        }
        Ok(!self.code.is_empty())
    }

    /// From `period` (instants), or from the extension `local-period` (times as clocks of the Trust show them).
    fn period(&self, state: &AppState) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
        let url = extension_url("local-period");
        if let Some(extension) = self.extension.iter().find(|it| it.url != url) {
            let problem = format!("{} is not known; only {url} is", extension.url);
            return Err(Refusal::invalid("PractitionerRole.extension", problem));
        }
        if let Some(local) = self.extension.first() {
            if self.period.is_some() {
                let problem = "there must be a period or a local-period, not both";
                return Err(Refusal::invalid("PractitionerRole.period", problem));
            }
            let time = |name: &str| {
                let path = format!("PractitionerRole.extension(local-period).{name}");
                let text = local.extension.iter().find(|part| part.url == name);
                let text = text.and_then(|part| part.value_string.as_deref());
                let text = text.ok_or_else(|| Refusal::invalid(path.as_str(), "valueString is missing"))?;
                let at = state.clinical.local_instant(text);
                at.map(Some).map_err(|error| Refusal::from(ClinicalError::fault(path.as_str(), error)))
            };
            return Ok((time("start")?, time("end")?));
        }
        let instant = |text: Option<&String>, path: &str| {
            let wrong = || Refusal::invalid(path, "must be an instant with time zone");
            text.map(|text| Timestamp::from_instant(text).ok_or_else(wrong)).transpose()
        };
        let period = self.period.as_ref();
        let start = instant(period.and_then(|it| it.start.as_ref()), "PractitionerRole.period.start")?;
        Ok((start, instant(period.and_then(|it| it.end.as_ref()), "PractitionerRole.period.end")?))
    }
}

fn id_of(reference: &str, kind: &str, path: &str) -> Result<String, Refusal> {
    let id = reference.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
    let wrong = || Refusal::invalid(format!("PractitionerRole.{path}"), format!("must refer to a {kind}"));
    id.map(ToOwned::to_owned).ok_or_else(wrong)
}
