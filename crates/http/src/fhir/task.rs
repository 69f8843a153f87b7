//! Task: requests. Created by `PUT` with an id that the client chose, moved by operations.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use wardline_clinical::{Caller, Circumstances, Practitioner};
use wardline_domain::{Timestamp, care::request::Command};

use super::{
    exchange::{Body, Conditions, Fhir, Id, Parameters, SignedIn},
    include::with_included,
    outcome::Refusal,
    parameters::Given,
    resource::reference,
    search::Search,
    task_input::{TaskInput, addressed, comment, reason, reassigned_to},
    task_json::{self, fhir_status, task_json},
};
use crate::AppState;

/// `GET Task?patient=&owner=me|id&requester=me|id&status=&business-status=&code=&priority=&identifier=&_id=&_lastUpdated=`;
/// without a filter, what concerns the caller and the open requests of their conversations. Last changed first.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("Task", query)?;
    let patient = search.reference("patient", "Patient")?;
    let person = |id: String| if id == "me" { caller.person().to_owned() } else { id };
    let owner = search.reference("owner", "Practitioner")?.map(person);
    let requester = search.reference("requester", "Practitioner")?.map(person);
    let (status, business) = (search.text("status"), search.token("business-status"));
    let (code, priority) = (search.token("code"), search.text("priority"));
    let (identifier, id) = (search.token("identifier"), search.text("_id"));
    let since = search.text("_lastUpdated").map(|text| last_updated(&text)).transpose()?;
    if search.text("_sort").is_some_and(|sort| sort != "-_lastUpdated") {
        return Err(Refusal::invalid("_sort", "only -_lastUpdated is supported"));
    }
    let page = search.end()?;
    let clinical = &state.clinical;
    let mut found = match (&id, &identifier) {
        (Some(id), _) => clinical.task(&caller, id).into_iter().collect(),
        (None, Some((Some(system), value))) => {
            clinical.task_by_identifier(&caller, &(system.clone(), value.clone()))?.into_iter().collect()
        }
        (None, Some((None, _))) => {
            return Err(Refusal::invalid("identifier", "must be written system|value"));
        }
        (None, None) => clinical.tasks(&caller, patient.clone(), requester.clone(), owner.clone()).await?,
    };
    let any = |wanted: &Option<String>, code: &str| {
        wanted.as_ref().is_none_or(|wanted| wanted.split(',').any(|one| one == code))
    };
    let token = |wanted: &Option<(Option<String>, String)>, code: &str| {
        wanted.as_ref().is_none_or(|(_, wanted)| wanted.split(',').any(|one| one == code))
    };
    found.retain(|it| {
        let request = &it.task.request;
        let person = |wanted: &Option<String>, is: bool| wanted.is_none() || is;
        any(&status, fhir_status(request.state))
            && any(&priority, task_json::priority(request.class))
            && token(&business, request.state.code())
            && token(&code, request.class.code())
            && since.is_none_or(|since| request.changed_at >= since)
            && person(&patient, it.task.patient == patient)
            && person(&requester, requester.as_ref() == Some(&request.requester))
            && person(&owner, owner.as_ref().is_some_and(|owner| request.holders.contains(owner)))
    });
    with_included(&state, &caller, &page, page.of(&found, |it| Ok(task_json(it)))?).await
}

/// `GET Task/$asked?owner=`: whom a request to this role, person, team or ward would ask now, as Parameters.
pub(super) async fn asked(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("Task", query)?;
    let owner = search.text("owner").ok_or_else(|| Refusal::invalid("owner", "is missing"))?;
    search.end()?;
    let people = state.clinical.asked_now(&caller, addressed(&owner, "owner")?).await?;
    let person = |it: &Practitioner| json!({ "name": "person", "valueReference": reference("Practitioner", &it.id, Some(&it.display())) });
    let mut answer = json!({ "resourceType": "Parameters" });
    if !people.is_empty() {
        answer["parameter"] = people.iter().map(person).collect();
    }
    Ok(Fhir(answer))
}

/// `geINSTANT`: what was changed at that instant or later.
fn last_updated(text: &str) -> Result<Timestamp, Refusal> {
    let instant = text.strip_prefix("ge").and_then(Timestamp::from_instant);
    instant.ok_or_else(|| Refusal::invalid("_lastUpdated", "must be ge and an instant with time zone"))
}

/// `GET Task/{id}`; 304 for who has this version.
pub(super) async fn read(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    conditions: Conditions,
) -> Result<Response, Refusal> {
    let view = state.clinical.task(&caller, &id)?;
    if conditions.known == Some(view.task.request.version.to_string()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(Fhir(task_json(&view)).into_response())
}

/// `GET Task/{id}/_history`: the Task after each move, newest first.
pub(super) async fn history(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let page = Search::of("Task", query)?.end()?;
    let all = state.clinical.task_history(&caller, &id)?;
    let Fhir(mut bundle) = page.of(&all, |it| Ok(task_json(it)))?;
    bundle["type"] = json!("history");
    for link in bundle["link"].as_array_mut().into_iter().flatten() {
        let url =
            link["url"].as_str().unwrap_or_default().replacen("/Task?", &format!("/Task/{id}/_history?"), 1);
        link["url"] = url.into();
    }
    for entry in bundle["entry"].as_array_mut().into_iter().flatten() {
        let version = entry.pointer("/resource/meta/versionId").cloned().unwrap_or_default();
        let first = entry["resource"]["id"] == id && version == "1";
        let changed = entry.pointer("/resource/meta/lastUpdated").cloned().unwrap_or_default();
        let etag = format!("W/\"{}\"", version.as_str().unwrap_or_default());
        let (method, status) = if first { ("PUT", "201") } else { ("POST", "200") };
        entry["request"] = json!({ "method": method, "url": format!("Task/{id}") });
        entry["response"] = json!({ "status": status, "etag": etag, "lastModified": changed });
        if let Some(entry) = entry.as_object_mut() {
            entry.remove("search");
        }
    }
    Ok(Fhir(bundle))
}

/// `GET Task/{id}/_history/{version}`
pub(super) async fn version(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id((id, version)): Id<(String, String)>,
) -> Result<Fhir, Refusal> {
    let all = state.clinical.task_history(&caller, &id)?;
    let found = all.iter().find(|it| it.task.request.version.to_string() == version);
    let missing = || Refusal::new(StatusCode::NOT_FOUND, "not-found", "there is no such version");
    found.map(|it| Fhir(task_json(it))).ok_or_else(missing)
}

/// `PUT Task/{id}`: 201 when it was raised by this call, 200 when it was raised before with the same content.
pub(super) async fn create(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    conditions: Conditions,
    body: Body,
) -> Result<Response, Refusal> {
    if let Some(version) = conditions.version()?
        && state.clinical.task(&caller, &id)?.task.request.version != version
    {
        return Err(wardline_clinical::ClinicalError::OtherVersion.into());
    }
    raise(&state, &caller, &id, body.read("Task")?, None).await
}

/// `POST Task`, under an id of the server's. With `If-None-Exist: identifier=system|value` a Task that the caller raised
/// before under this identifier is the answer.
pub(super) async fn create_anew(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    conditions: Conditions,
    body: Body,
) -> Result<Response, Refusal> {
    let input: TaskInput = body.read("Task")?;
    raise(&state, &caller, &state.random.uuid(), input.without_id(), Some(conditions)).await
}

async fn raise(
    state: &AppState,
    caller: &Caller,
    id: &str,
    input: TaskInput,
    anew: Option<Conditions>,
) -> Result<Response, Refusal> {
    let (new, mut circumstances) = input.into_request(id, caller.person())?;
    if let Some(criteria) = anew.and_then(|conditions| conditions.if_none_exist) {
        let said =
            circumstances.identifier.as_ref().map(|(system, value)| format!("identifier={system}|{value}"));
        let decoded =
            percent_encoding::percent_decode_str(criteria.trim_start_matches('?')).decode_utf8_lossy();
        if said.as_deref() != Some(decoded.as_ref()) {
            let problem = "must be identifier=system|value, with the identifier of the Task";
            return Err(Refusal::invalid("If-None-Exist", problem));
        }
        circumstances.if_none_exists = true;
    }
    let (view, is_new) = state.clinical.raise_with(caller, new, circumstances).await?;
    let id = &view.task.id;
    let answer = Fhir(task_json(&view));
    if !is_new {
        return Ok(answer.into_response());
    }
    let mut response = (StatusCode::CREATED, answer).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/fhir/R4/Task/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `POST Task/{id}/$accept` and its like.
pub(super) async fn operation(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id((id, operation)): Id<(String, String)>,
    conditions: Conditions,
    body: Body,
) -> Result<Fhir, Refusal> {
    let circumstances = Circumstances {
        device_at: Given::read(&body)?.instant("at")?,
        version: conditions.version()?,
        ..Circumstances::default()
    };
    let command = match operation.as_str() {
        "$delivered" => Command::Deliver,
        "$seen" => Command::See,
        "$accept" => Command::Accept,
        "$decline" => Command::Decline { reason: reason(&body)? },
        "$on-my-way" => Command::OnMyWay,
        "$arrived" => Command::Arrive,
        "$complete" => Command::Complete,
        "$cancel" => Command::Cancel,
        "$reopen" => Command::Reopen,
        "$comment" => Command::Comment { text: comment(&body)? },
        "$delegate" => Command::Delegate { to: reassigned_to(&body)? },
        "$reassign" => Command::Reassign { to: reassigned_to(&body)? },
        _ => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "not-supported",
                "there is no such operation on Task",
            ));
        }
    };
    Ok(Fhir(task_json(&state.clinical.command_with(&caller, &id, command, circumstances).await?)))
}
