//! The FHIR R4 API (<https://hl7.org/fhir/R4/http.html>), JSON only, under `/fhir/R4`, with the same bearer token
//! as the Matrix API. `metadata` lists what works; one file per resource type.

mod audit_event;
mod call;
mod call_input;
mod call_json;
mod call_paper;
mod call_report;
mod care_team;
mod device_check;
mod directory;
mod directory_input;
mod directory_search;
mod directory_write;
mod duty;
mod exchange;
mod handover;
mod include;
mod metadata;
mod outcome;
mod parameters;
mod patient;
mod resource;
mod scope;
mod search;
mod service;
mod shift;
mod smart;
mod subscription;
mod task;
mod task_input;
mod task_json;

use axum::{
    Router,
    routing::{get, post, put},
};
use http::StatusCode;

use crate::AppState;
use outcome::Refusal;
pub(crate) use scope::check as check_scope;

/// A refusal that is not of one resource, in the form of this API.
pub(crate) fn refusal(error: crate::MatrixError) -> axum::response::Response {
    axum::response::IntoResponse::into_response(Refusal::from(error))
}

/// All routes under `/fhir/R4`.
pub(crate) fn routes() -> Router<AppState> {
    let resources = Router::new()
        .route("/metadata", get(metadata::capabilities))
        .route("/.well-known/smart-configuration", get(smart::configuration))
        .route("/$directory", get(directory_search::search))
        .route("/Organization", get(directory::organisations))
        .route("/Organization/{id}", get(directory::organisation))
        .route("/Location", get(directory::locations))
        .route("/Location/{id}", get(directory::location))
        .route("/Practitioner", get(directory::practitioners))
        .route("/Practitioner/{id}", get(directory::practitioner))
        .route("/Practitioner/{id}/$duty", post(duty::set))
        .route("/Practitioner/{id}/$device-check", post(device_check::record))
        .route("/CareTeam", get(care_team::search))
        .route("/CareTeam/{id}", get(care_team::read))
        .route("/CareTeam/{id}/$noise", get(care_team::noise))
        .route("/HealthcareService", get(service::search))
        .route("/HealthcareService/{id}", get(service::read))
        .route("/HealthcareService/{id}/$handover", get(handover::read))
        .route("/HealthcareService/{id}/$accept-handover", post(handover::accept))
        .route("/HealthcareService/{id}/{operation}", post(service::operation))
        .route("/PractitionerRole", get(shift::search).post(shift::create))
        .route("/PractitionerRole/{id}", get(shift::read).put(shift::put).delete(shift::remove))
        .route("/AuditEvent", get(audit_event::search))
        .route("/AuditEvent/$find-patient", post(audit_event::find_patient))
        .route("/Communication", get(call::answers))
        .route("/CommunicationRequest", get(call::search))
        .route("/CommunicationRequest/$options", get(call::options))
        .route("/CommunicationRequest/$reach", post(call::reach))
        .route("/CommunicationRequest/{id}", put(call::create).get(call::read))
        .route("/CommunicationRequest/{id}/$board", get(call::board))
        .route("/CommunicationRequest/{id}/$report", get(call::report))
        .route("/CommunicationRequest/{id}/{operation}", post(call::operation))
        .route("/Patient", get(patient::search))
        .route("/Patient/$break-glass", post(patient::break_glass))
        .route("/Patient/{id}", get(patient::read))
        .route("/Patient/{id}/$conversation", get(patient::conversation).post(patient::conversation))
        .route("/Subscription", get(subscription::search).post(subscription::create))
        .route("/Subscription/{id}", get(subscription::read).delete(subscription::delete))
        .route("/Task", get(task::search).post(task::create_anew))
        .route("/Task/$asked", get(task::asked))
        .route("/Task/{id}/_history", get(task::history))
        .route("/Task/{id}/_history/{version}", get(task::version))
        .route("/Task/{id}", put(task::create).get(task::read))
        .route("/Task/{id}/{operation}", post(task::operation))
        .merge(directory_write::routes())
        .fallback(async || {
            Refusal::new(StatusCode::NOT_FOUND, "not-supported", "there is no such interaction here")
        })
        .method_not_allowed_fallback(async || {
            let problem = "this interaction is not supported here; see metadata";
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "not-supported", problem)
        });
    Router::new().nest("/fhir/R4", resources)
}
