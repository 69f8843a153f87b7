//! Task: requests. Created by `PUT` with an id that the client chose, moved by operations.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use wardline_domain::care::request::Command;

use super::{
    exchange::{Body, Fhir, Id, Parameters, SignedIn},
    outcome::Refusal,
    search::Search,
    task_input::{TaskInput, comment, reason, reassigned_to},
    task_json::{fhir_status, task_json},
};
use crate::AppState;

/// `GET Task?patient=&owner=me|id&requester=me|id&status=`; without a filter, what concerns the caller and the open
/// requests of their conversations.
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
    let status = search.text("status");
    let page = search.end()?;
    let mut found = state.clinical.tasks(&caller, patient, requester, owner).await?;
    if let Some(wanted) = status {
        found.retain(|it| wanted.split(',').any(|code| code == fhir_status(it.task.request.state)));
    }
    page.of(&found, |it| Ok(task_json(it)))
}

/// `GET Task/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    Ok(Fhir(task_json(&state.clinical.task(&caller, &id)?)))
}

/// `PUT Task/{id}`: 201 when it was raised by this call, 200 when it was raised before with the same content.
pub(super) async fn create(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let new = body.read::<TaskInput>("Task")?.into_request(&id, caller.person())?;
    let (view, is_new) = state.clinical.raise(&caller, new).await?;
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
    body: Body,
) -> Result<Fhir, Refusal> {
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
        "$reassign" => Command::Reassign { to: reassigned_to(&body)? },
        _ => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "not-supported",
                "there is no such operation on Task",
            ));
        }
    };
    Ok(Fhir(task_json(&state.clinical.command(&caller, &id, command).await?)))
}
