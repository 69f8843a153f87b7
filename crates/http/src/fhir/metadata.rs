//! `GET metadata`: what this API can do (<https://hl7.org/fhir/R4/capabilitystatement.html>). Open to all.

use axum::extract::State;
use serde_json::{Value, json};

use super::{directory_write::KINDS, exchange::Fhir, include::INCLUDES};
use crate::AppState;

/// The search parameters of a type: name and kind.
type Parameters = &'static [(&'static str, &'static str)];

const RESOURCES: &[(&str, &[&str], Parameters)] = &[
    (
        "Organization",
        &["read", "search-type", "create", "update"],
        &[("_id", "token"), ("name", "string"), ("identifier", "token")],
    ),
    (
        "Location",
        &["read", "search-type", "create", "update"],
        &[
            ("_id", "token"),
            ("name", "string"),
            ("identifier", "token"),
            ("type", "token"),
            ("partof", "reference"),
        ],
    ),
    (
        "Practitioner",
        &["read", "search-type", "create", "update"],
        &[("_id", "token"), ("name", "string"), ("identifier", "token")],
    ),
    (
        "CareTeam",
        &["read", "search-type", "create", "update"],
        &[("_id", "token"), ("name", "string"), ("participant", "reference")],
    ),
    (
        "HealthcareService",
        &["read", "search-type", "create", "update"],
        &[("_id", "token"), ("name", "string"), ("service-type", "token"), ("location", "reference")],
    ),
    (
        "PractitionerRole",
        &["read", "search-type", "create", "update", "delete"],
        &[
            ("_id", "token"),
            ("service", "reference"),
            ("location", "reference"),
            ("practitioner", "reference"),
            ("date", "date"),
        ],
    ),
    ("Patient", &["read", "search-type"], &[("location", "reference")]),
    ("Subscription", &["read", "search-type", "create", "delete"], &[]),
    ("AuditEvent", &["search-type"], &[("patient", "reference"), ("date", "date"), ("agent", "reference")]),
    ("Communication", &["search-type"], &[("based-on", "reference")]),
    ("CommunicationRequest", &["read", "search-type", "update"], &[("_id", "token"), ("status", "token")]),
    (
        "Task",
        &["read", "vread", "history-instance", "search-type", "create", "update"],
        &[
            ("_id", "token"),
            ("_lastUpdated", "date"),
            ("identifier", "token"),
            ("patient", "reference"),
            ("owner", "reference"),
            ("requester", "reference"),
            ("status", "token"),
            ("business-status", "token"),
            ("code", "token"),
            ("priority", "token"),
        ],
    ),
];

const TASK_OPERATIONS: [&str; 13] = [
    "asked",
    "delivered",
    "seen",
    "accept",
    "decline",
    "on-my-way",
    "arrived",
    "complete",
    "cancel",
    "comment",
    "reassign",
    "delegate",
    "reopen",
];

const ROLE_OPERATIONS: [&str; 9] = [
    "take",
    "offer",
    "accept-offer",
    "decline-offer",
    "release",
    "handover-code",
    "take-over",
    "handover",
    "accept-handover",
];

const CALL_OPERATIONS: [&str; 9] =
    ["options", "reach", "board", "report", "delivered", "seen", "answer", "again", "end"];

/// `GET metadata`
pub(super) async fn capabilities(State(state): State<AppState>) -> Fhir {
    let resources: Vec<Value> = RESOURCES.iter().map(resource).collect();
    Fhir(json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": state.clock.now().to_instant(),
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "software": { "name": "Wardline", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Wardline", "url": format!("{}/fhir/R4", state.config.public_base_url) },
        "rest": [{
            "mode": "server",
            "security": security(&state),
            "resource": resources,
            "operation": [{
                "name": "directory",
                "definition": "https://wardline.org/fhir/OperationDefinition/directory",
            }],
        }],
    }))
}

/// How callers are let in: by a token of the Matrix API, or as applications by SMART scopes.
fn security(state: &AppState) -> Value {
    let endpoints = crate::oauth::endpoints(state);
    let uri = |url: &str, name: &str| json!({ "url": url, "valueUri": endpoints[name] });
    json!({
        "cors": true,
        "service": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
            "code": "SMART-on-FHIR",
        }] }],
        "description": "A bearer token of the Matrix client-server API, or one with SMART scopes (user/…, or system/… for systems)",
        "extension": [{
            "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
            "extension": [
                uri("authorize", "authorization_endpoint"),
                uri("token", "token_endpoint"),
                uri("register", "registration_endpoint"),
                uri("revoke", "revocation_endpoint"),
                uri("introspect", "introspection_endpoint"),
            ],
        }],
    })
}

fn resource((kind, interactions, parameters): &(&str, &[&str], Parameters)) -> Value {
    let operation = |name: &str| {
        let definition = format!("https://wardline.org/fhir/OperationDefinition/{kind}-{name}");
        json!({ "name": name, "definition": definition })
    };
    let operations: Vec<Value> = match *kind {
        "Patient" => vec![operation("break-glass"), operation("conversation")],
        "HealthcareService" => ROLE_OPERATIONS.iter().map(|name| operation(name)).collect(),
        "CareTeam" => vec![operation("noise")],
        "AuditEvent" => vec![operation("find-patient")],
        "Practitioner" => vec![operation("duty"), operation("device-check")],
        "CommunicationRequest" => CALL_OPERATIONS.iter().map(|name| operation(name)).collect(),
        "Task" => TASK_OPERATIONS.iter().map(|name| operation(name)).collect(),
        _ => Vec::new(),
    };
    let mut json = json!({
        "type": kind,
        "interaction": interactions.iter().map(|code| json!({ "code": code })).collect::<Vec<_>>(),
        "versioning": match *kind {
            "Task" => "versioned-update",
            _ if interactions.contains(&"update") => "versioned",
            _ => "no-version",
        },
        "readHistory": *kind == "Task",
        "updateCreate": interactions.contains(&"update"),
        "conditionalCreate": *kind == "Task" || KINDS.contains(kind),
        "conditionalRead": if *kind == "Task" { "not-match" } else { "not-supported" },
    });
    let includes: Vec<String> = INCLUDES
        .iter()
        .filter(|(source, ..)| source == kind)
        .map(|(source, name, ..)| format!("{source}:{name}"))
        .collect();
    if !includes.is_empty() {
        json["searchInclude"] = json!(includes);
    }
    if !parameters.is_empty() {
        let named = parameters.iter().map(|(name, kind)| json!({ "name": name, "type": kind }));
        json["searchParam"] = named.collect();
    }
    if !operations.is_empty() {
        json["operation"] = operations.into();
    }
    json
}
