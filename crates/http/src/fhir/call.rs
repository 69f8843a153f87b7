//! CommunicationRequest: crash calls and broadcasts, their board and report.
//!
//! Made by `PUT` with an id that the client chose, so that it may be repeated until it is answered.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use wardline_clinical::{Audience, CallView};

use super::{
    call_input::{CallInput, audience, no_audience},
    call_json::{board_json, call_json, communications, options_json},
    call_paper, call_report,
    exchange::{Body, Fhir, Id, Parameters, SignedIn},
    outcome::Refusal,
    parameters::Given,
    search::Search,
};
use crate::AppState;

/// The longest time that a reader of a board may wait, in seconds.
const LONGEST_WAIT: u64 = 30;

/// The id of the organisation, which stands for everybody.
async fn organisation(state: &AppState) -> Result<Option<String>, Refusal> {
    Ok(state.clinical.organisations().await?.into_iter().next().map(|it| it.id))
}

async fn answer(state: &AppState, view: &CallView) -> Result<Fhir, Refusal> {
    Ok(Fhir(call_json(view, organisation(state).await?.as_deref())))
}

/// `GET CommunicationRequest?_id=&status=`: what concerns the caller, open or made within a day; the latest first.
pub(super) async fn search(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("CommunicationRequest", query)?;
    let (id, status) = (search.text("_id"), search.text("status"));
    let page = search.end()?;
    let mut found = match &id {
        Some(id) => state.clinical.call(&caller, id).into_iter().collect(),
        None => state.clinical.calls(&caller)?,
    };
    let of = |view: &CallView| if view.call.ended.is_some() { "completed" } else { "active" };
    found.retain(|it| status.as_ref().is_none_or(|wanted| wanted.split(',').any(|one| one == of(it))));
    let organisation = organisation(&state).await?;
    page.of(&found, |it| Ok(call_json(it, organisation.as_deref())))
}

/// `GET CommunicationRequest/$options`: what the caller may call.
pub(super) async fn options(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Fhir, Refusal> {
    Ok(Fhir(options_json(&state.clinical.call_options(&caller)?)))
}

/// `POST CommunicationRequest/$reach`: how many people a broadcast to these `recipient`s would call.
pub(super) async fn reach(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    body: Body,
) -> Result<Fhir, Refusal> {
    let given = Given::read(&body)?;
    let wanted: Result<Vec<Audience>, Refusal> = given
        .references("recipient")
        .map(|it| audience(it).ok_or_else(|| no_audience("Parameters.parameter(recipient)")))
        .collect();
    let people = state.clinical.broadcast_reach(&caller, wanted?).await?;
    Ok(Fhir(json!({
        "resourceType": "Parameters",
        "parameter": [{ "name": "people", "valueInteger": people }],
    })))
}

/// `GET CommunicationRequest/{id}`
pub(super) async fn read(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    answer(&state, &state.clinical.call(&caller, &id)?).await
}

/// `PUT CommunicationRequest/{id}`: 201 when the call was made by this, 200 when it was made before with the same content.
pub(super) async fn create(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let input: CallInput = body.read("CommunicationRequest")?;
    let new = input.into_call(&id, caller.person())?;
    let (view, is_new) = state.clinical.raise_call(&caller, new).await?;
    let answer = answer(&state, &view).await?;
    if !is_new {
        return Ok(answer.into_response());
    }
    let mut response = (StatusCode::CREATED, answer).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/fhir/R4/CommunicationRequest/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET CommunicationRequest/{id}/$board?since=&wait=`: whom it reached and who comes. With the `version` of an earlier answer
/// as `since` only what changed, as soon as something does but within `wait` seconds.
pub(super) async fn board(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("CommunicationRequest", query)?;
    let mut number = |name: &str| {
        let number = search.text(name).map(|text| text.parse::<u64>()).transpose();
        number.map_err(|_| Refusal::invalid(name, "must be a whole number"))
    };
    let (since, wait) = (number("since")?, number("wait")?.unwrap_or(0).min(LONGEST_WAIT));
    search.end()?;
    let reading = state.clinical.call_board(&caller, &id, since, Duration::from_secs(wait));
    let board = tokio::select! {
        board = reading => board?,
        // Whoever waits is answered before the server stops.
        () = state.engine.context.stop.cancelled() => {
            state.clinical.call_board(&caller, &id, Some(0), Duration::ZERO).await?
        }
    };
    Ok(Fhir(board_json(&board, state.clock.now(), organisation(&state).await?.as_deref())))
}

/// `GET CommunicationRequest/{id}/$report`: everything about the call, as a FHIR document, or with
/// `_format=application/pdf` on paper.
pub(super) async fn report(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    Parameters(mut query): Parameters,
) -> Result<Response, Refusal> {
    let paper = query.get("_format").is_some_and(|format| format.contains("pdf"));
    if paper {
        query.remove("_format");
    }
    Search::of("CommunicationRequest", Parameters(query))?.end()?;
    let report = state.clinical.call_report(&caller, &id, if paper { "pdf" } else { "fhir" }).await?;
    let organisations = state.clinical.organisations().await?;
    let organisation = organisations.first();
    if !paper {
        return Ok(Fhir(call_report::document(&report, organisation)).into_response());
    }
    let name = organisation.map_or("", |it| it.name.as_str()).to_owned();
    let zone = state.clinical.zone().clone();
    let made = tokio::task::spawn_blocking(move || call_paper::pdf(&report, &name, &zone)).await;
    let failed = |error: &(dyn std::error::Error + 'static)| {
        tracing::error!(error, "a report could not be made");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "exception", "the report could not be made")
    };
    let pdf = made.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"call-report.pdf\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, pdf).into_response())
}

/// `GET Communication?based-on=CommunicationRequest/{id}`: the answers to a call.
pub(super) async fn answers(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    query: Parameters,
) -> Result<Fhir, Refusal> {
    let mut search = Search::of("Communication", query)?;
    let call = search.reference("based-on", "CommunicationRequest")?;
    let page = search.end()?;
    let call = call.ok_or_else(|| Refusal::invalid("based-on", "is missing"))?;
    let report = state.clinical.call_report(&caller, &call, "answers").await?;
    page.of(&communications(&report), |it| Ok(it.clone()))
}

/// `POST CommunicationRequest/{id}/$delivered`, `$seen`, `$answer`, `$again` and `$end`.
pub(super) async fn operation(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id((id, operation)): Id<(String, String)>,
    body: Body,
) -> Result<Fhir, Refusal> {
    let clinical = &state.clinical;
    let given = Given::read(&body)?;
    let view = match operation.as_str() {
        "$delivered" => clinical.note_call(&caller, &id, false).await?,
        "$seen" => clinical.note_call(&caller, &id, true).await?,
        "$answer" => {
            let answer = given.text("answer").unwrap_or_default();
            clinical.answer_call(&caller, &id, answer, given.whole("minutes")?).await?
        }
        "$again" => clinical.repeat_call(&caller, &id).await?,
        "$end" => clinical.end_call(&caller, &id).await?,
        _ => {
            let problem = "there is no such operation on CommunicationRequest";
            return Err(Refusal::new(StatusCode::NOT_FOUND, "not-supported", problem));
        }
    };
    answer(&state, &view).await
}
