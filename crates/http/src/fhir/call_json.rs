//! Calls as CommunicationRequest, answers as Communication, boards as Parameters.

use serde_json::{Value, json};
use wardline_clinical::{
    Audience, Board, BoardRow, Call, CallKind, CallOptions, CallReport, CallView, CalledPerson,
};
use wardline_domain::{Timestamp, care::playbook::Ask};

use super::{
    call_input::CALL_KIND,
    resource::{extension, extension_url, reference},
};

/// The code system of answers.
const ANSWER: &str = "https://wardline.org/fhir/CodeSystem/call-answer";

fn part(name: &str, value: &str, content: impl Into<Value>) -> Value {
    json!({ "url": name, value: content.into() })
}

/// The type of resource that an ask names.
fn ask_reference(ask: &Ask, name: &str) -> Value {
    let kind = match ask {
        Ask::Role(_) => "HealthcareService",
        Ask::Person(_) => "Practitioner",
        Ask::Team(_) => "CareTeam",
        Ask::OnDuty(_) => "Location",
    };
    reference(kind, ask.id(), Some(name))
}

/// The CommunicationRequest. `organisation` stands for everybody.
pub(super) fn call_json(view: &CallView, organisation: Option<&str>) -> Value {
    let call = &view.call;
    let mut json = json!({
        "resourceType": "CommunicationRequest",
        "id": call.id,
        "meta": { "versionId": view.version.to_string() },
        "status": if call.ended.is_some() { "completed" } else { "active" },
        "category": [{ "coding": [{ "system": CALL_KIND, "code": call.kind.code() }], "text": call.title }],
        "priority": if call.kind == CallKind::Crash { "stat" } else { "urgent" },
        "authoredOn": call.raised_at.to_instant(),
        "requester": reference("Practitioner", &call.caller, Some(&call.caller_name)),
        "extension": extensions(view, call),
    });
    if call.drill {
        // https://terminology.hl7.org/CodeSystem-v3-ActReason.html
        let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
        json["meta"]["security"] =
            json!([{ "system": system, "code": "HTEST", "display": "DRILL: an exercise" }]);
    }
    if let Some(patient) = &call.patient {
        json["subject"] = reference("Patient", patient, None);
    }
    if let Some(words) = &call.words {
        json["payload"] = json!([{ "contentString": words }]);
    }
    let recipients: Vec<Value> = match call.kind {
        CallKind::Crash => call.called.iter().map(|it| ask_reference(&it.ask, &it.name)).collect(),
        CallKind::Broadcast => call
            .audience
            .iter()
            .filter_map(|(audience, name)| match audience {
                Audience::Everybody => Some(reference("Organization", organisation?, Some(name))),
                // A location cannot be a recipient: see the extensions.
                Audience::Some(Ask::OnDuty(_)) => None,
                Audience::Some(ask) => Some(ask_reference(ask, name)),
            })
            .collect(),
    };
    if !recipients.is_empty() {
        json["recipient"] = recipients.into();
    }
    json
}

fn extensions(view: &CallView, call: &Call) -> Vec<Value> {
    let text = |name: &str, value: Option<&str>| value.map(|it| extension(name, "valueString", it));
    let flag = |name: &str, value: bool| value.then(|| extension(name, "valueBoolean", true));
    let single = [
        flag("call-drill", call.drill),
        text("call-place", call.place.as_deref()),
        call.location.as_ref().map(|id| {
            extension("call-location", "valueReference", reference("Location", id, call.place.as_deref()))
        }),
        text("call-room", call.room.as_ref().map(|it| it.as_str())),
        text("call-playbook", call.playbook.as_deref()),
        (call.people > 0).then(|| extension("call-people", "valueInteger", call.people)),
        flag("call-board", view.may_see_board),
        flag("call-may-end", view.may_end),
        call.ended.as_ref().map(|(by, name, at)| {
            json!({ "url": extension_url("call-ended"), "extension": [
                part("by", "valueReference", reference("Practitioner", by, Some(name))),
                part("at", "valueInstant", at.to_instant()),
            ] })
        }),
        view.own.as_ref().map(own),
    ];
    let tasks = call.called.iter().map(|it| {
        let mut parts = vec![part("role", "valueReference", ask_reference(&it.ask, &it.name))];
        parts.extend(
            it.task.as_ref().map(|id| part("request", "valueReference", reference("Task", id, None))),
        );
        json!({ "url": extension_url("call-called"), "extension": parts })
    });
    let places = call.audience.iter().filter_map(|(audience, name)| match audience {
        Audience::Some(ask @ Ask::OnDuty(_)) => {
            Some(extension("call-audience", "valueReference", ask_reference(ask, name)))
        }
        _ => None,
    });
    let replies = call.replies.iter().map(|it| {
        json!({ "url": extension_url("call-reply"), "extension": [
            part("code", "valueCode", it.code.as_str()),
            part("text", "valueString", it.text.as_str()),
            part("minutes", "valueBoolean", it.minutes),
            part("comes", "valueBoolean", it.comes),
        ] })
    });
    let again = call.again.iter().map(|(_, at)| extension("call-again", "valueInstant", at.to_instant()));
    single.into_iter().flatten().chain(tasks).chain(places).chain(replies).chain(again).collect()
}

/// How far the call has come with the reader.
fn own(it: &CalledPerson) -> Value {
    let instant =
        |name: &str, at: Option<Timestamp>| at.map(|at| part(name, "valueInstant", at.to_instant()));
    let answer = it.answers.last();
    let parts = [
        instant("told", it.told.map(|(at, _)| at)),
        instant("delivered", it.delivered),
        instant("seen", it.seen),
        answer.map(|it| part("answer", "valueCode", it.code.as_str())),
        answer.and_then(|it| it.minutes).map(|minutes| part("minutes", "valueInteger", minutes)),
        instant("answered", answer.map(|it| it.at)),
    ];
    // An extension has parts or a value: there is always one.
    let parts = std::iter::once(part("called", "valueBoolean", true)).chain(parts.into_iter().flatten());
    json!({ "url": extension_url("call-own"), "extension": parts.collect::<Vec<_>>() })
}

/// The board as Parameters.
pub(super) fn board_json(board: &Board, now: Timestamp, organisation: Option<&str>) -> Value {
    let mut parameter = vec![
        json!({ "name": "version", "valueInteger": board.view.version }),
        json!({ "name": "whole", "valueBoolean": board.whole }),
        json!({ "name": "now", "valueInstant": now.to_instant() }),
        json!({ "name": "call", "resource": call_json(&board.view, organisation) }),
    ];
    parameter.extend(board.rows.iter().map(row_json));
    json!({ "resourceType": "Parameters", "parameter": parameter })
}

fn row_json(row: &BoardRow) -> Value {
    let named = |name: &str, value: &str, content: Value| json!({ "name": name, value: content });
    let instant = |name: &str, at: Option<Timestamp>| {
        at.map(|at| named(name, "valueInstant", Value::from(at.to_instant())))
    };
    let parts = [
        Some(named("key", "valueString", row.key.as_str().into())),
        row.role.as_ref().map(|role| named("role", "valueString", role.as_str().into())),
        row.person
            .as_ref()
            .map(|(id, name)| named("who", "valueReference", reference("Practitioner", id, Some(name)))),
        Some(&row.job)
            .filter(|job| !job.is_empty())
            .map(|job| named("job", "valueString", job.as_str().into())),
        instant("told", row.told),
        row.devices.map(|devices| named("devices", "valueInteger", devices.into())),
        instant("delivered", row.delivered),
        instant("seen", row.seen),
    ];
    let answers = row.answers.iter().map(|it| {
        let parts = [
            Some(named("answer", "valueCode", it.code.as_str().into())),
            instant("at", Some(it.at)),
            it.minutes.map(|minutes| named("minutes", "valueInteger", minutes.into())),
            it.words.as_ref().map(|words| named("words", "valueString", words.as_str().into())),
        ];
        json!({ "name": "answered", "part": parts.into_iter().flatten().collect::<Vec<_>>() })
    });
    json!({ "name": "person", "part": parts.into_iter().flatten().chain(answers).collect::<Vec<_>>() })
}

/// What somebody may call, as Parameters.
pub(super) fn options_json(options: &CallOptions) -> Value {
    let mut parameter = vec![json!({ "name": "may-broadcast", "valueBoolean": options.manages })];
    for plan in &options.plans {
        let mut part = vec![
            json!({ "name": "playbook", "valueString": plan.id }),
            json!({ "name": "title", "valueString": plan.title }),
        ];
        if !plan.description.is_empty() {
            part.push(json!({ "name": "description", "valueString": plan.description }));
        }
        for role in &plan.roles {
            let mut parts = vec![json!({ "name": "name", "valueString": role.name })];
            parts.extend(role.holder.as_ref().map(|it| json!({ "name": "holder", "valueString": it })));
            part.push(json!({ "name": "role", "part": parts }));
        }
        parameter.push(json!({ "name": "crash-call", "part": part }));
    }
    json!({ "resourceType": "Parameters", "parameter": parameter })
}

/// What a person answered to a call, as Communication. `None` if they did not answer.
pub(super) fn communication_json(call: &Call, index: usize, row: &BoardRow) -> Option<Value> {
    let (answer, (person, name)) = (row.answer()?, row.person.as_ref()?);
    let text = call.replies.iter().find(|reply| reply.code == answer.code);
    let text = text.map_or(answer.code.as_str(), |reply| reply.text.as_str());
    let text = match answer.minutes {
        Some(minutes) => text.replace('…', &minutes.to_string()),
        None => text.to_owned(),
    };
    let mut json = json!({
        "resourceType": "Communication",
        "id": format!("{}-{index}", call.id),
        "basedOn": [reference("CommunicationRequest", &call.id, Some(&call.title))],
        "status": "completed",
        "category": [{ "coding": [{ "system": ANSWER, "code": answer.code }], "text": text }],
        "sent": answer.at.to_instant(),
        "sender": reference("Practitioner", person, Some(name)),
        "recipient": [reference("Practitioner", &call.caller, Some(&call.caller_name))],
        "payload": [{ "contentString": text }],
    });
    if let Some(minutes) = answer.minutes {
        json["extension"] = json!([extension("call-minutes", "valueInteger", minutes)]);
    }
    Some(json)
}

/// Every answer to a call.
pub(super) fn communications(report: &CallReport) -> Vec<Value> {
    let rows = report.rows.iter().enumerate();
    rows.filter_map(|(index, row)| communication_json(&report.view.call, index + 1, row)).collect()
}
