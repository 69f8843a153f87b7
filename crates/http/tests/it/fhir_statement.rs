//! What the CapabilityStatement says is what there is: every interaction, search parameter, include and operation that it names is
//! called, and what it does not name is refused.

use http::Method;
use serde_json::{Value, json};

use crate::{
    fhir::{Hospital, ID, hospital},
    support::{Answer, PASSWORD, text},
};

async fn statement(it: &Hospital) -> Vec<Value> {
    let found = it.server.get("/fhir/R4/metadata", "").await.ok();
    assert_eq!((&found["fhirVersion"], &found["kind"]), (&json!("4.0.1"), &json!("instance")));
    found["rest"][0]["resource"].as_array().unwrap().clone()
}

fn names(resource: &Value, list: &str, member: &str) -> Vec<String> {
    resource[list].as_array().into_iter().flatten().map(|it| text(it, member)).collect()
}

/// Whether there is such an interaction at all.
fn is_there(answer: &Answer) -> bool {
    let code = answer.body["issue"][0]["code"].as_str().unwrap_or_default();
    answer.status.as_u16() != 405 && code != "not-supported"
}

/// A value that a search parameter of a type may have, by the name of the parameter.
fn value_of(kind: &str, name: &str) -> &'static str {
    match (kind, name) {
        (_, "_lastUpdated") => "ge2027-01-01T00:00:00Z",
        ("AuditEvent", "date") => "ge2027-01-01",
        (_, "date") => "now",
        ("Location", "type") => "ward",
        ("Location", "partof") => "Location/riverside",
        ("Task", "owner" | "requester") => "me",
        ("Task", "business-status") => "raised",
        ("Task", "status") => "requested",
        (_, "status") => "active",
        (_, "code") => "urgent",
        (_, "priority") => "urgent",
        (_, "patient") => "Patient/x",
        (_, "location") => "Location/barts",
        (_, "service") => "HealthcareService/medical-registrar",
        (_, "practitioner" | "participant" | "agent") => "Practitioner/priya.raman",
        (_, "based-on") => "CommunicationRequest/x",
        (_, "identifier") => "https://example.org/number|1",
        _ => "x",
    }
}

/// The path of an interaction, with the body that it needs to be understood at all.
fn call(kind: &str, interaction: &str) -> String {
    match interaction {
        "read" => format!("GET /fhir/R4/{kind}/x"),
        "vread" => format!("GET /fhir/R4/{kind}/x/_history/1"),
        "history-instance" => format!("GET /fhir/R4/{kind}/x/_history"),
        "search-type" => format!("GET /fhir/R4/{kind}"),
        "create" => format!("POST /fhir/R4/{kind}"),
        "update" => format!("PUT /fhir/R4/{kind}/x"),
        "delete" => format!("DELETE /fhir/R4/{kind}/x"),
        other => panic!("an interaction that nobody knows: {other}"),
    }
}

const INTERACTIONS: [&str; 7] =
    ["read", "vread", "history-instance", "search-type", "create", "update", "delete"];

#[tokio::test]
async fn the_interactions_are_those_that_are_named_and_no_others() {
    let it = hospital().await;
    let resources = statement(&it).await;
    assert!(resources.len() >= 12);
    for resource in &resources {
        let kind = text(resource, "type");
        let named = names(resource, "interaction", "code");
        for interaction in INTERACTIONS {
            let path = call(&kind, interaction);
            let body = if path.starts_with("GET") { Value::Null } else { json!({ "resourceType": kind }) };
            let answer = it.server.call(&path, &it.nurse, body).await;
            let expected = named.iter().any(|it| it == interaction);
            assert_eq!(is_there(&answer), expected, "{path}: {} {}", answer.status, answer.body);
            assert!(answer.status.as_u16() < 500, "{path}: {}", answer.body);
        }
        // Nothing is patched anywhere.
        let patch =
            it.server.call(&format!("{} /fhir/R4/{kind}/x", Method::PATCH), &it.nurse, json!([])).await;
        assert!(!is_there(&patch), "{kind}");
    }
    for path in
        ["GET /fhir/R4/Observation", "POST /fhir/R4/Patient", "PUT /fhir/R4/Patient/x", "POST /fhir/R4"]
    {
        let answer = it.server.call(path, &it.nurse, json!({})).await;
        assert!(!is_there(&answer), "{path}: {} {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn the_search_parameters_and_includes_are_those_that_are_named() {
    let it = hospital().await;
    it.put(it.task().await).await;
    for resource in statement(&it).await {
        let kind = text(&resource, "type");
        // Some searches need a parameter to mean anything.
        let needed = match kind.as_str() {
            "AuditEvent" => "patient=Patient/x&",
            "Communication" => "based-on=CommunicationRequest/x&",
            _ => "",
        };
        for name in names(&resource, "searchParam", "name") {
            let value = value_of(&kind, &name).replace('|', "%7C");
            let needed = if needed.starts_with(&name) { "" } else { needed };
            let path = format!("/fhir/R4/{kind}?{needed}{name}={value}");
            let answer = it.server.get(&path, &it.nurse).await;
            // A list for the privacy officer, and of a call that is not there.
            let elsewhere = needed.is_empty() && ["patient", "based-on"].contains(&name.as_str());
            let expected = if elsewhere || kind == "AuditEvent" { [200, 403, 404] } else { [200; 3] };
            assert!(expected.contains(&answer.status.as_u16()), "{path}: {} {}", answer.status, answer.body);
        }
        let unknown = it.server.get(&format!("/fhir/R4/{kind}?{needed}colour=red"), &it.nurse).await;
        assert_eq!(unknown.status, 400, "{kind}: {}", unknown.body);
        let includes = resource["searchInclude"].as_array().cloned().unwrap_or_default();
        for include in &includes {
            let path = format!("/fhir/R4/{kind}?{needed}_include={}", include.as_str().unwrap());
            it.server.get(&path, &it.nurse).await.ok();
        }
        let unknown =
            it.server.get(&format!("/fhir/R4/{kind}?{needed}_include={kind}:colour"), &it.nurse).await;
        assert_eq!(unknown.status, 400, "{kind}: {}", unknown.body);
    }
}

#[tokio::test]
async fn the_operations_are_those_that_are_named() {
    let it = hospital().await;
    it.put(it.task().await).await;
    // Operations on the type, and those that are read.
    let of_type = ["asked", "break-glass", "find-patient", "options", "reach"];
    let read = ["asked", "handover", "noise", "board", "report", "options", "conversation"];
    for resource in statement(&it).await {
        let kind = text(&resource, "type");
        let named = names(&resource, "operation", "name");
        let id = match kind.as_str() {
            "Task" => ID,
            "HealthcareService" => "medical-registrar",
            "Practitioner" => "grace.adeyemi",
            _ => "x",
        };
        let path = |name: &str| {
            let place = if of_type.contains(&name) { kind.clone() } else { format!("{kind}/{id}") };
            let method = if read.contains(&name) { "GET" } else { "POST" };
            format!("{method} /fhir/R4/{place}/${name}")
        };
        for name in &named {
            let body = if read.contains(&name.as_str()) {
                Value::Null
            } else {
                json!({ "resourceType": "Parameters" })
            };
            let answer = it.server.call(&path(name), &it.nurse, body).await;
            assert!(is_there(&answer), "{}: {} {}", path(name), answer.status, answer.body);
            assert!(answer.status.as_u16() < 500, "{}: {}", path(name), answer.body);
        }
        let answer =
            it.server.call(&path("colour"), &it.nurse, json!({ "resourceType": "Parameters" })).await;
        assert!(!is_there(&answer), "{kind}: {} {}", answer.status, answer.body);
    }
    it.get("$directory?text=reg").await.ok();
}

#[tokio::test]
async fn conditions_and_pages_work_where_they_are_named() {
    let it = hospital().await;
    it.server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
    let zoe = it.server.token("zoe").await;
    it.put(it.task().await).await;
    for resource in statement(&it).await {
        let kind = text(&resource, "type");
        let versioned = resource["versioning"] != "no-version";
        let first = it.server.get(&format!("/fhir/R4/{kind}?_count=1"), &it.nurse).await;
        let Some(found) = first.body["entry"][0]["resource"].as_object() else { continue };
        let id = found["id"].as_str().unwrap();
        let tag = found.get("meta").and_then(|meta| meta.get("versionId")).is_some();
        assert_eq!(tag, versioned, "{kind}: {found:?}");
        if versioned && names(&resource, "interaction", "code").iter().any(|code| code == "update") {
            let mut call = crate::support::request(
                &format!("PUT /fhir/R4/{kind}/{id}"),
                &zoe,
                axum::body::Body::from(Value::Object(found.clone()).to_string()),
            );
            call.headers_mut().insert(http::header::IF_MATCH, "W/\"0\"".parse().unwrap());
            let stale = it.server.send(call).await;
            assert!([404, 412].contains(&stale.status.as_u16()), "{kind}: {} {}", stale.status, stale.body);
        }
        if first.body["total"].as_u64().unwrap() > 1 {
            let next = text(&first.body["link"][1], "url");
            assert_ne!(
                it.server.get(&next, &it.nurse).await.ok()["entry"][0]["resource"]["id"],
                id,
                "{kind}"
            );
        }
        let conditional = resource["conditionalRead"] == "not-match";
        let etag = it.server.get(&format!("/fhir/R4/{kind}/{id}"), &it.nurse).await;
        if conditional {
            let mut call = crate::support::request(
                &format!("GET /fhir/R4/{kind}/{id}"),
                &it.nurse,
                axum::body::Body::empty(),
            );
            call.headers_mut().insert(http::header::IF_NONE_MATCH, etag.headers[http::header::ETAG].clone());
            assert_eq!(it.server.send(call).await.status, 304, "{kind}");
        }
    }
}
