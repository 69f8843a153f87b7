//! `HealthcareService/{id}/$handover` and `$accept-handover`: what is open when a role changes hands.

use axum::extract::State;
use serde_json::{Value, json};
use wardline_clinical::{HandoverList, TaskView};

use super::{
    exchange::{Body, Fhir, Id, SignedIn},
    outcome::Refusal,
    parameters::Given,
    resource::{extension, reference},
    task_json::task_json,
};
use crate::AppState;

/// `GET HealthcareService/{id}/$handover`: a collection of a List and the Tasks on it.
pub(super) async fn read(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
) -> Result<Fhir, Refusal> {
    Ok(bundle(&state.clinical.handover_list(&caller, &id)?))
}

/// `POST HealthcareService/{id}/$accept-handover` with the `digest` of the list that was read.
pub(super) async fn accept(
    State(state): State<AppState>,
    SignedIn(caller): SignedIn,
    Id(id): Id<String>,
    body: Body,
) -> Result<Fhir, Refusal> {
    let given = Given::read(&body)?;
    let digest = given.text("digest");
    let digest = digest.ok_or_else(|| Refusal::invalid("Parameters.parameter(digest)", "is missing"))?;
    Ok(bundle(&state.clinical.accept_handover(&caller, &id, digest).await?))
}

fn bundle(list: &HandoverList) -> Fhir {
    let tasks = list.open.iter().flat_map(|(_, tasks)| tasks);
    let entry = |resource: Value| {
        let kind = resource["resourceType"].as_str().unwrap_or_default().to_owned();
        let id = resource["id"].as_str().unwrap_or_default().to_owned();
        json!({ "fullUrl": format!("{kind}/{id}"), "resource": resource })
    };
    let entries: Vec<Value> =
        std::iter::once(list_json(list)).chain(tasks.map(task_json)).map(entry).collect();
    Fhir(json!({ "resourceType": "Bundle", "type": "collection", "entry": entries }))
}

fn list_json(list: &HandoverList) -> Value {
    let role = reference("HealthcareService", &list.service.id, Some(&list.service.name));
    let mut extensions = vec![
        extension("handover-digest", "valueString", list.digest.as_str()),
        extension("handover-role", "valueReference", role),
    ];
    if let Some(accepted) = list.accepted.as_ref().filter(|_| list.is_accepted()) {
        let person = reference("Practitioner", &accepted.person, None);
        extensions.push(extension("handover-accepted-by", "valueReference", person));
        extensions.push(extension("handover-accepted-at", "valueInstant", accepted.at.to_instant()));
    }
    let item = |(patient, tasks): &(Option<String>, Vec<TaskView>)| {
        let of = patient.as_ref().map(|id| reference("Patient", id, None));
        tasks
            .iter()
            .map(|it| {
                let (class, state) = (it.task.request.class.code(), it.task.request.state.code());
                let mut entry = json!({
                    "item": reference("Task", &it.task.id, Some(&format!("{class}, {state}"))),
                    "date": it.task.request.raised_at.to_instant(),
                });
                if let Some(of) = &of {
                    entry["extension"] = json!([extension("handover-patient", "valueReference", of.clone())]);
                }
                entry
            })
            .collect::<Vec<_>>()
    };
    let entries: Vec<Value> = list.open.iter().flat_map(item).collect();
    let mut json = json!({
        "resourceType": "List",
        "id": format!("handover-{}", list.service.id),
        "status": "current",
        "mode": "snapshot",
        "title": format!("Handover: {}", list.service.name),
        "date": list.at.to_instant(),
        "extension": extensions,
    });
    if entries.is_empty() {
        json["emptyReason"] = json!({ "text": "Nothing is open." });
    } else {
        json["entry"] = entries.into();
    }
    json
}
