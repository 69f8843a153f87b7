//! The report of a call as a FHIR document (<https://hl7.org/fhir/R4/documents.html>): a Composition, the
//! CommunicationRequest, and a Communication for each answer.

use serde_json::{Value, json};
use wardline_clinical::{CallKind, CallReport, Organisation};

use super::{
    call_json::{call_json, communications},
    resource::reference,
};

/// Text as it may stand in a narrative.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn narrative(paragraphs: &[String]) -> Value {
    let inner: String = paragraphs.iter().map(|it| format!("<p>{}</p>", escaped(it))).collect();
    json!({ "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>") })
}

/// What a call came to, in numbers: each with its name.
pub(super) fn counts(report: &CallReport) -> Vec<(String, usize)> {
    let (call, rows) = (&report.view.call, &report.rows);
    let people = || rows.iter().filter(|row| row.person.is_some());
    let mut counts = vec![
        ("Called".to_owned(), people().count()),
        ("Told".to_owned(), people().filter(|row| row.told.is_some()).count()),
        ("Reached on a device".to_owned(), people().filter(|row| row.delivered.is_some()).count()),
        ("Seen".to_owned(), people().filter(|row| row.seen.is_some()).count()),
    ];
    match call.kind {
        CallKind::Broadcast => {
            for reply in &call.replies {
                let gave = |code: &str| reply.code == code;
                let count = people().filter(|row| row.answer().is_some_and(|it| gave(&it.code))).count();
                counts.push((format!("Answered: {}", reply.text), count));
            }
        }
        CallKind::Crash => {
            counts.push(("Came or are coming".to_owned(), people().filter(|row| row.comes(call)).count()));
            counts.push((
                "Cannot come".to_owned(),
                people().filter(|row| row.answer().is_some() && !row.comes(call)).count(),
            ));
            let vacant = rows.iter().filter(|row| row.person.is_none()).count();
            counts.push(("Roles that nobody held".to_owned(), vacant));
        }
    }
    counts.push(("Not answered".to_owned(), people().filter(|row| row.answer().is_none()).count()));
    counts
}

/// The document.
pub(super) fn document(report: &CallReport, organisation: Option<&Organisation>) -> Value {
    let call = &report.view.call;
    let mark = if call.drill { "DRILL. " } else { "" };
    let kind = match call.kind {
        CallKind::Crash => "crash call",
        CallKind::Broadcast => "broadcast",
    };
    let at = report.at.to_instant();
    let author = reference("Practitioner", &call.caller, Some(&call.caller_name));
    let mut composition = json!({
        "resourceType": "Composition",
        "id": format!("{}-report", call.id),
        "status": if call.ended.is_some() { "final" } else { "preliminary" },
        "type": { "text": format!("{mark}Report of a {kind}") },
        "date": at,
        "author": [author],
        "title": format!("{mark}{}", call.title),
        "section": sections(report, mark),
    });
    if let Some(it) = organisation {
        composition["custodian"] = reference("Organization", &it.id, Some(&it.name));
    }
    let entry = |resource: Value| {
        let url = format!(
            "https://wardline.org/fhir/{}/{}",
            resource["resourceType"].as_str().unwrap_or_default(),
            resource["id"].as_str().unwrap_or_default()
        );
        json!({ "fullUrl": url, "resource": resource })
    };
    let request = call_json(&report.view, organisation.map(|it| it.id.as_str()));
    let resources = [composition, request].into_iter().chain(communications(report));
    json!({
        "resourceType": "Bundle",
        "type": "document",
        "identifier": { "system": "https://wardline.org/fhir/call-report", "value": format!("{}/{at}", call.id) },
        "timestamp": at,
        "entry": resources.map(entry).collect::<Vec<_>>(),
    })
}

fn sections(report: &CallReport, mark: &str) -> Vec<Value> {
    let call = &report.view.call;
    let mut facts = vec![format!("{mark}{}, {}", call.title, call.raised_at.to_instant())];
    facts.extend(call.place.as_ref().map(|place| format!("Place: {place}")));
    facts.push(format!("Called by {}", call.caller_name));
    facts.extend(call.words.clone());
    facts.extend(call.ended.as_ref().map(|(_, name, at)| format!("Ended by {name}, {}", at.to_instant())));
    let counts: Vec<String> = counts(report).iter().map(|(name, count)| format!("{name}: {count}")).collect();
    let answers: Vec<Value> = communications(report)
        .iter()
        .map(|it| reference("Communication", it["id"].as_str().unwrap_or_default(), None))
        .collect();
    let mut of_answers = json!({ "title": "Answers", "text": narrative(&counts) });
    if !answers.is_empty() {
        of_answers["entry"] = answers.into();
    }
    let mut sections = vec![
        json!({
            "title": "The call",
            "text": narrative(&facts),
            "entry": [reference("CommunicationRequest", &call.id, None)],
        }),
        of_answers,
    ];
    if !report.tasks.is_empty() {
        let tasks: Vec<Value> = report.tasks.iter().map(|id| reference("Task", id, None)).collect();
        let proof = "Each request's transitions are signed and chained: `wardline request prove`.".to_owned();
        sections.push(json!({ "title": "Requests", "text": narrative(&[proof]), "entry": tasks }));
    }
    sections
}
