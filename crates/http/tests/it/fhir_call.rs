//! Crash calls and broadcasts over the FHIR API: input, board, report.

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use wardline_clinical::ImportMode;

use crate::support::{PASSWORD, Server};

const ID: &str = "0d9c1f4e-5a3b-4c1d-9e8f-102030405060";
const KIND: &str = "https://wardline.org/fhir/CodeSystem/call-kind";

async fn hospital() -> Server {
    let server = Server::new().await;
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    for file in ["bundle.json", "playbooks/crash-call-2222.toml", "admissions.hl7"] {
        server.clinical.import(&std::fs::read(demo.join(file)).unwrap(), ImportMode::Strict).await.unwrap();
    }
    server.clinical.drain_outbox().await.unwrap();
    for person in ["grace.adeyemi", "dev.patel", "priya.raman"] {
        server.identity.create_account(person, Some(PASSWORD), false).await.unwrap();
    }
    server
}

fn own(name: &str, value: &str, content: Value) -> Value {
    json!({ "url": format!("https://wardline.org/fhir/StructureDefinition/{name}"), value: content })
}

fn crash() -> Value {
    json!({
        "resourceType": "CommunicationRequest",
        "id": ID,
        "status": "active",
        "category": [{ "coding": [{ "system": KIND, "code": "crash-call" }] }],
        "extension": [
            own("call-playbook", "valueString", json!("crash-call-2222")),
            own("call-place", "valueString", json!("Main entrance")),
        ],
    })
}

fn broadcast() -> Value {
    json!({
        "resourceType": "CommunicationRequest",
        "status": "active",
        "category": [{ "coding": [{ "system": KIND, "code": "broadcast" }], "text": "Exercise <b>Ash</b>" }],
        "payload": [{ "contentString": "Report to the emergency department." }],
        "recipient": [{ "reference": "Organization/x9r" }],
        "extension": [own("call-drill", "valueBoolean", json!(true))],
    })
}

async fn put(server: &Server, token: &str, call: Value) -> crate::support::Answer {
    server.call(&format!("PUT /fhir/R4/CommunicationRequest/{ID}"), token, call).await
}

fn part<'v>(parameters: &'v Value, name: &str) -> Vec<&'v Value> {
    parameters["parameter"].as_array().unwrap().iter().filter(|it| it["name"] == name).collect()
}

#[tokio::test]
async fn a_crash_call_is_made_once_and_its_requests_say_so() {
    let server = hospital().await;
    let nurse = server.token("grace.adeyemi").await;
    let options = server.get("/fhir/R4/CommunicationRequest/$options", &nurse).await.ok();
    assert_eq!(part(&options, "may-broadcast")[0]["valueBoolean"], false);
    assert_eq!(part(&options, "crash-call")[0]["part"][1]["valueString"], "Crash call 2222");
    let made = put(&server, &nurse, crash()).await;
    assert_eq!((made.status.as_u16(), &made.body["status"]), (201, &json!("active")), "{}", made.body);
    assert_eq!(made.body["category"][0]["text"], "Crash call 2222");
    assert_eq!(put(&server, &nurse, crash()).await.status, 200);
    let tasks = server.get("/fhir/R4/Task", &nurse).await.ok();
    let tasks = tasks["entry"].as_array().unwrap();
    assert_eq!(tasks.len(), 6);
    assert_eq!(tasks[0]["resource"]["basedOn"][0]["reference"], format!("CommunicationRequest/{ID}"));
    let registrar = server.token("priya.raman").await;
    let board = server.get(&format!("/fhir/R4/CommunicationRequest/{ID}/$board"), &registrar).await.ok();
    assert_eq!(part(&board, "person").len(), 6, "who is called sees who else is");
    let ended =
        server.call(&format!("POST /fhir/R4/CommunicationRequest/{ID}/$end"), &nurse, json!({})).await;
    assert_eq!(ended.ok()["status"], "completed");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_calls_nobody() {
    let server = hospital().await;
    let manager = server.token("dev.patel").await;
    let with = |base: Value, name: &str, value: Value| {
        let mut call = base;
        call[name] = value;
        call
    };
    for (call, path) in [
        (
            with(crash(), "category", json!([{ "coding": [{ "system": "x", "code": "crash-call" }] }])),
            "CommunicationRequest.category",
        ),
        (with(crash(), "id", json!("0d9c1f4e-5a3b-4c1d-9e8f-000000000000")), "CommunicationRequest.id"),
        (with(crash(), "status", json!("completed")), "CommunicationRequest.status"),
        (
            with(crash(), "requester", json!({ "reference": "Practitioner/grace.adeyemi" })),
            "CommunicationRequest.requester",
        ),
        (
            with(crash(), "payload", json!([{ "contentString": "Mr Okonkwo" }])),
            "CommunicationRequest.payload",
        ),
        (with(crash(), "extension", json!([])), "CommunicationRequest.extension(call-playbook)"),
        (with(crash(), "note", json!([{ "text": "x" }])), "CommunicationRequest"),
        (with(broadcast(), "subject", json!({ "reference": "Patient/1" })), "CommunicationRequest.subject"),
        (
            with(broadcast(), "recipient", json!([{ "reference": "Patient/1" }])),
            "CommunicationRequest.recipient",
        ),
        (with(broadcast(), "recipient", json!([{ "reference": "x" }])), "CommunicationRequest.recipient"),
        (with(broadcast(), "payload", json!([])), "CommunicationRequest.payload"),
        (with(broadcast(), "resourceType", json!("Task")), "CommunicationRequest.resourceType"),
    ] {
        let answer = put(&server, &manager, call).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        let said = answer.body["issue"][0]["expression"][0].as_str().unwrap_or_default();
        assert!(said.starts_with(path), "{path}: {}", answer.body);
    }
    let bad = server.call("PUT /fhir/R4/CommunicationRequest/not-a-uuid", &manager, broadcast()).await;
    assert_eq!(bad.status, 400);
    let none = server.get("/fhir/R4/CommunicationRequest", &manager).await.ok();
    assert_eq!(none["total"], 0);
    for path in [
        format!("CommunicationRequest/{ID}"),
        format!("CommunicationRequest/{ID}/$board"),
        format!("CommunicationRequest/{ID}/$report"),
        format!("Communication?based-on=CommunicationRequest/{ID}"),
    ] {
        assert_eq!(server.get(&format!("/fhir/R4/{path}"), &manager).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_broadcast_is_answered_and_reported() {
    let server = hospital().await;
    let (manager, nurse) = (server.token("dev.patel").await, server.token("grace.adeyemi").await);
    assert_eq!(put(&server, &nurse, broadcast()).await.status, 403);
    let everybody = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "recipient", "valueReference": { "reference": "Organization/x9r" } },
    ] });
    let reach = server.call("POST /fhir/R4/CommunicationRequest/$reach", &manager, everybody).await.ok();
    assert_eq!(reach["parameter"][0]["valueInteger"], 11);
    let made = put(&server, &manager, broadcast()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["meta"]["security"][0]["code"], "HTEST");
    server.clinical.drain_outbox().await.unwrap();
    let path = |operation: &str| format!("POST /fhir/R4/CommunicationRequest/{ID}/${operation}");
    let answer = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "answer", "valueCode": "can-come" }, { "name": "minutes", "valueInteger": 20 },
    ] });
    let seen = server.call(&path("answer"), &nurse, answer).await.ok();
    let own = seen["extension"].as_array().unwrap().iter();
    let own = own.clone().find(|it| it["url"].as_str().unwrap().ends_with("call-own")).unwrap();
    assert!(own["extension"].as_array().unwrap().iter().any(|it| it["valueInteger"] == 20));
    let negative = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "answer", "valueCode": "can-come" }, { "name": "minutes", "valueInteger": -20 },
    ] });
    assert_eq!(server.call(&path("answer"), &nurse, negative).await.status, 400);
    assert_eq!(server.call(&path("explode"), &nurse, json!({})).await.status, 404);
    let url = |what: &str| format!("/fhir/R4/CommunicationRequest/{ID}/{what}");
    assert_eq!(server.get(&url("$board"), &nurse).await.status, 403);
    assert_eq!(server.get(&url("$report"), &nurse).await.status, 403);
    assert_eq!(server.get(&url("$board?since=x"), &manager).await.status, 400);
    let board = server.get(&url("$board"), &manager).await.ok();
    assert_eq!(part(&board, "person").len(), 11);
    let version = part(&board, "version")[0]["valueInteger"].as_u64().unwrap();
    let again = server.get(&url(&format!("$board?since={version}&wait=0")), &manager).await.ok();
    assert!(part(&again, "person").is_empty(), "nothing new");

    let report = server.get(&url("$report"), &manager).await.ok();
    assert_eq!(
        (&report["type"], &report["entry"][0]["resource"]["resourceType"]),
        (&json!("document"), &json!("Composition"))
    );
    let told = report["entry"][0]["resource"]["section"][0]["text"]["div"].as_str().unwrap();
    assert!(told.contains("DRILL. Exercise &lt;b&gt;Ash&lt;/b&gt;") && !told.contains("<b>"), "{told}");
    assert_eq!(report["entry"].as_array().unwrap().len(), 3);
    let answers = server.get(&format!("/fhir/R4/Communication?based-on={ID}"), &manager).await.ok();
    assert_eq!(answers["entry"][0]["resource"]["payload"][0]["contentString"], "Can come in 20 minutes");

    let request = Request::get(url("$report?_format=application/pdf"))
        .header(header::AUTHORIZATION, format!("Bearer {manager}"))
        .body(Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(server.router.clone(), request).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/pdf");
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
}
