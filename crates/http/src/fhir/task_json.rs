//! A request as a Task resource.

use serde_json::{Value, json};
use wardline_clinical::{CallPart, TaskView};
use wardline_domain::care::{
    playbook::{Ask, Class},
    request::{Reason, State, Transition},
};

use super::{
    resource::{extension, extension_url, profile, reference},
    task_input::REQUEST_CLASS,
};

/// The code system of states.
const REQUEST_STATE: &str = "https://wardline.org/fhir/CodeSystem/request-state";

/// The FHIR status nearest to a state. `declined` and `failed` are not the end of a request, so neither is theirs.
pub(super) const fn fhir_status(state: State) -> &'static str {
    match state {
        State::Raised | State::Declined | State::Failed => "requested",
        State::Delivered | State::Seen => "received",
        State::Accepted => "accepted",
        State::OnMyWay | State::Arrived => "in-progress",
        State::Completed => "completed",
        State::Cancelled => "cancelled",
    }
}

/// The priority of a class.
pub(super) const fn priority(class: Class) -> &'static str {
    match class {
        Class::Urgent => "urgent",
        Class::Action | Class::Information => "routine",
    }
}

/// The Task.
pub(super) fn task_json(view: &TaskView) -> Value {
    let (task, request) = (&view.task, &view.task.request);
    let mut json = json!({
        "resourceType": "Task",
        "id": task.id,
        "meta": {
            "versionId": request.version.to_string(),
            "lastUpdated": request.changed_at.to_instant(),
            "profile": [profile("Task")],
        },
        "status": fhir_status(request.state),
        "businessStatus": { "coding": [{ "system": REQUEST_STATE, "code": request.state.code() }] },
        "intent": "order",
        "priority": priority(request.class),
        "code": { "coding": [{ "system": REQUEST_CLASS, "code": request.class.code() }] },
        "requester": person(view, &request.requester),
        "authoredOn": request.raised_at.to_instant(),
        "lastModified": request.changed_at.to_instant(),
        "extension": extensions(view),
    });
    // No place can own a Task: whoever covers a ward is addressed by where it is to be done.
    let (element, kind, id) = match &task.addressed {
        Ask::Role(id) => ("owner", "HealthcareService", id),
        Ask::Person(id) => ("owner", "Practitioner", id),
        Ask::Team(id) => ("owner", "CareTeam", id),
        Ask::OnDuty(id) => ("location", "Location", id),
    };
    json[element] = reference(kind, id, Some(&view.addressed));
    if let Some(patient) = &task.patient {
        json["for"] = reference("Patient", patient, None);
    }
    if let Some((system, value)) = &task.identifier {
        json["identifier"] = json!([{ "system": system, "value": value }]);
    }
    if let Some(description) = &task.description {
        json["description"] = json!(description);
    }
    if let Some(call) = &task.call {
        json["basedOn"] = json!([reference("CommunicationRequest", &call.id, Some(&call.title))]);
    }
    if let Some(end) = request.needed_by {
        json["restriction"] = json!({ "period": { "end": end.to_instant() } });
    }
    json
}

fn person(view: &TaskView, id: &str) -> Value {
    reference("Practitioner", id, view.names.get(id).map(String::as_str))
}

fn extensions(view: &TaskView) -> Vec<Value> {
    let (task, request) = (&view.task, &view.task.request);
    let text = |name: &str, value: Option<&str>| value.map(|v| extension(name, "valueString", v));
    let who =
        |name: &str, id: Option<&String>| id.map(|id| extension(name, "valueReference", person(view, id)));
    let open = !request.state.is_final();
    let holders = request.holders.iter().filter(|_| open).map(|id| who("request-holder", Some(id)));
    let helpers = request.helpers.keys().map(|id| who("request-helper", Some(id)));
    let single = [
        text("request-room", Some(task.room.as_str())),
        text("request-event", task.event.as_deref()),
        text("request-event-room", task.event_room.as_ref().map(|room| room.as_str())),
        text("request-playbook", task.playbook.as_deref()),
        text("request-next-step", view.next.as_deref()),
        Some(extension("request-step", "valueInteger", request.step)),
        request.next_step_at.map(|at| extension("request-next-step-at", "valueInstant", at.to_instant())),
        who("request-accepted-by", request.accepted_by.as_ref()),
        who("request-delegated-by", request.delegated_by.as_ref()),
        request.overdue.then(|| extension("request-overdue", "valueBoolean", true)),
        task.call.as_ref().map(call_part),
    ];
    let chain = view.transitions.iter().map(|transition| transition_json(view, transition));
    single.into_iter().chain(holders).chain(helpers).flatten().chain(chain).collect()
}

/// What a request of a crash call says of the call.
fn call_part(call: &CallPart) -> Value {
    json!({ "url": extension_url("request-call"), "extension": [
        { "url": "id", "valueString": call.id },
        { "url": "title", "valueString": call.title },
        { "url": "place", "valueString": call.place },
        { "url": "drill", "valueBoolean": call.drill },
    ] })
}

fn transition_json(view: &TaskView, it: &Transition) -> Value {
    let part = |name: &str, value: &str, content: Value| json!({ "url": name, value: content });
    let reason_name = if matches!(it.reason, Some(Reason::Comment(_))) { "comment" } else { "reason" };
    let reason = it.reason.as_ref().map(|reason| match reason {
        Reason::NoAnswer => "no answer".to_owned(),
        Reason::Vacant => "nobody holds this role".to_owned(),
        Reason::Reassigned => "passed on".to_owned(),
        Reason::Delegated => "delegated".to_owned(),
        Reason::Returned => "returned to who delegated it".to_owned(),
        Reason::Reopened => "reopened".to_owned(),
        Reason::HandedOver => "the role was handed over".to_owned(),
        Reason::AlreadyAsked => "already asked".to_owned(),
        Reason::NotNow => "not at this time".to_owned(),
        Reason::Said(words) | Reason::Comment(words) => words.clone(),
    });
    let parts = [
        Some(part("state", "valueCode", it.state.code().into())),
        Some(part("at", "valueInstant", it.at.to_instant().into())),
        Some(part("step", "valueInteger", it.step.into())),
        it.actor.as_ref().map(|id| part("actor", "valueReference", person(view, id))),
        it.asks.as_ref().map(|id| part("asks", "valueReference", person(view, id))),
        reason.map(|words| part(reason_name, "valueString", words.into())),
        it.device.as_ref().map(|id| part("device", "valueString", id.as_str().into())),
        it.device_at.map(|at| part("device-at", "valueInstant", at.to_instant().into())),
    ];
    json!({
        "url": extension_url("request-transition"),
        "extension": parts.into_iter().flatten().collect::<Vec<_>>(),
    })
}
