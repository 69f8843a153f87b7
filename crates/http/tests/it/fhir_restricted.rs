//! Restricted patients never show where they live, how they are reached or which practice they have: such values are planted in
//! everything that is imported, and looked for in every answer that can speak of a patient.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use wardline_clinical::{Caller, ImportMode};
use wardline_domain::ruma::UserId;

use crate::{
    fhir::{EXTENSION, Hospital, ID, hospital},
    support::{PASSWORD, request, text},
};

/// Address, telephone and practice, as they are sent.
const PLANTED: [&str; 10] = [
    "Orchard Close",
    "Thornbury",
    "BS35",
    "07700900123",
    "07700 900124",
    "01174960123",
    "davies@home.example",
    "Penhaligon",
    "G81234",
    "Mary Davies",
];

async fn import(it: &Hospital, file: &str) {
    it.server.clinical.import(file.as_bytes(), ImportMode::Strict).await.unwrap();
    it.server.clinical.drain_outbox().await.unwrap();
}

/// A restricted patient on Nightingale ward, of whom both an ADT message and a bundle said everything.
async fn restricted() -> (Hospital, String) {
    let it = hospital().await;
    let pid = "PID|1||9990000018^^^NHS^NH~RGH410200^^^X9R^PI||Davies^John^^^Mr||19410623|M|||\
               14 Orchard Close^^Thornbury^^BS35 1AA||07700900123^PRN^PH^davies@home.example|01174960123";
    let pd1 = "PD1|||Penhaligon Surgery^L^G81234|||||||||Y";
    let kin = "NK1|1|Davies^Mary^^^Mrs|SPO|14 Orchard Close^^Thornbury|07700 900124";
    let head = "MSH|^~\\&|PAS|X9R|WL|X9R|20270115||ADT^";
    import(&it, &format!("{head}A31|1|P|2.4\r{pid}\r{pd1}\r{kin}\r")).await;
    import(&it, &format!("{head}A08|2|P|2.4\r{pid}\r{pd1}\r{kin}\rPV1|1|I|NIGHT^A^1\r")).await;
    let bundle = json!({ "resourceType": "Bundle", "entry": [{ "resource": {
        "resourceType": "Patient",
        "meta": { "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" }] },
        "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018" }],
        "name": [{ "family": "Davies", "given": ["John"], "prefix": ["Mr"] }],
        "telecom": [{ "system": "phone", "value": "07700900123" }, { "system": "email", "value": "davies@home.example" }],
        "address": [{ "line": ["14 Orchard Close"], "city": "Thornbury", "postalCode": "BS35 1AA" }],
        "generalPractitioner": [{ "display": "Penhaligon Surgery", "identifier": { "value": "G81234" } }],
        "contact": [{ "name": { "text": "Mary Davies" }, "telecom": [{ "value": "07700 900124" }] }],
    } }] });
    import(&it, &bundle.to_string()).await;
    let playbook = include_str!("../../../../demo/playbooks/crash-call-2222.toml");
    import(&it, playbook).await;
    let privacy = r#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"HealthcareService","id":"privacy","name":"Privacy officer",
            "type":[{"coding":[{"code":"privacy-officer"}]}]}},
        {"resource":{"resourceType":"PractitionerRole","id":"privacy-megan",
            "practitioner":{"reference":"Practitioner/megan.evans"},
            "healthcareService":[{"reference":"HealthcareService/privacy"}]}}]}"#;
    import(&it, privacy).await;
    let found = it.entries("Patient?location=nightingale").await;
    let patient = found.iter().find(|it| it["identifier"][0]["value"] == "9990000018").unwrap();
    assert_eq!(patient["meta"]["security"][0]["code"], "R");
    (it, text(patient, "id"))
}

/// The bytes of an answer with its headers, whatever it is.
async fn raw(it: &Hospital, call: &str, token: &str, body: &Value) -> (u16, String) {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let response = it.server.router.clone().oneshot(request(call, token, body)).await.unwrap();
    let (status, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, headers + &String::from_utf8_lossy(&bytes))
}

#[tokio::test]
async fn no_answer_shows_what_a_restricted_patient_must_not_have_shown() {
    let (it, patient) = restricted().await;
    it.server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
    it.server.identity.create_account("dev.patel", Some(PASSWORD), false).await.unwrap();
    let officer = it.server.token("megan.evans").await;
    let (manager, admin) = (it.server.token("dev.patel").await, it.server.token("zoe").await);
    let mut task = it.task().await;
    task["for"]["reference"] = json!(format!("Patient/{patient}"));
    task["extension"][0]["valueString"] = json!(format!("!{patient}:riverside.example"));
    assert_eq!(it.put(task).await.status, 201);
    let kind = "https://wardline.org/fhir/CodeSystem/call-kind";
    let call = json!({
        "resourceType": "CommunicationRequest",
        "status": "active",
        "category": [{ "coding": [{ "system": kind, "code": "crash-call" }] }],
        "subject": { "reference": format!("Patient/{patient}") },
        "extension": [{ "url": format!("{EXTENSION}call-playbook"), "valueString": "crash-call-2222" }],
    });
    let call = it.server.call(&format!("PUT /fhir/R4/CommunicationRequest/{ID}"), &it.nurse, call).await;
    assert_eq!(call.status, 201, "{}", call.body);
    let glass = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "nhs-number", "valueString": "9990000018" },
        { "name": "birthdate", "valueDate": "1941-06-23" },
        { "name": "reason", "valueString": "Patient collapsed" },
    ] });
    let broken = it.server.call("POST /fhir/R4/Patient/$break-glass", &officer, glass).await;
    broken.ok();
    let subscription = json!({
        "resourceType": "Subscription", "status": "requested", "reason": "a board",
        "criteria": format!("Task?patient=Patient/{patient}"),
        "channel": { "type": "rest-hook", "endpoint": "https://board.example/changed" },
    });
    let made = it.server.call("POST /fhir/R4/Subscription", &it.nurse, subscription).await;
    assert_eq!(made.status, 201, "{}", made.body);

    let mut paths: Vec<String> = [
        "Patient",
        "Patient?location=nightingale&_count=50",
        "Task",
        "Subscription",
        "CommunicationRequest",
        "Practitioner",
        "Location",
        "CareTeam",
        "HealthcareService",
        "PractitionerRole",
        "Organization",
        "Task?_include=Task:patient&_include=Task:requester&_include=Task:owner",
        "HealthcareService/medical-registrar/$handover",
        "CommunicationRequest/$options",
        "metadata",
    ]
    .map(|path| format!("GET /fhir/R4/{path}"))
    .to_vec();
    for path in [
        format!("Patient/{patient}"),
        format!("Patient/{patient}/$conversation"),
        format!("Task?patient={patient}&_include=Task:patient"),
        format!("Task/{ID}"),
        format!("Task/{ID}/_history"),
        format!("Task/{ID}/_history/1"),
        format!("AuditEvent?patient={patient}"),
        format!("Subscription/{}", text(&made.body, "id")),
        format!("CommunicationRequest/{ID}"),
        format!("CommunicationRequest/{ID}/$board"),
        format!("CommunicationRequest/{ID}/$report"),
        format!("CommunicationRequest/{ID}/$report?_format=application/pdf"),
        format!("Communication?based-on=CommunicationRequest/{ID}"),
    ] {
        paths.push(format!("GET /fhir/R4/{path}"));
    }
    for planted in PLANTED {
        let query: String = url::form_urlencoded::byte_serialize(planted.as_bytes()).collect();
        paths.push(format!("GET /fhir/R4/$directory?text={query}"));
        paths.push(format!("GET /fhir/R4/Patient?address={query}"));
    }
    paths.push(format!("POST /fhir/R4/Task/{ID}/$seen"));
    paths.push(format!("POST /fhir/R4/Task/{ID}/$accept"));
    paths.push(format!("POST /fhir/R4/Patient/{patient}/$conversation"));
    paths.push("POST /fhir/R4/HealthcareService/medical-registrar/$take".to_owned());
    paths.push("GET /_matrix/client/v3/sync".to_owned());
    paths.push("GET /_wardline/client/v1/playbooks".to_owned());
    paths.push("GET /_wardline/admin/v1/rooms".to_owned());
    paths.push("GET /_wardline/admin/v1/statistics".to_owned());
    let (mut shown, mut answered) = (0, 0);
    for token in [&it.nurse, &it.registrar, &officer, &manager, &admin] {
        for path in &paths {
            let body =
                if path.starts_with("GET") { Value::Null } else { json!({ "resourceType": "Parameters" }) };
            let (status, answer) = raw(&it, path, token, &body).await;
            assert!(status < 500, "{path}: {answer}");
            answered += usize::from(status == 200);
            shown += usize::from(answer.contains("Davies"));
            for planted in PLANTED {
                // A page repeats the words that were looked for in its own address, which the caller had given.
                let found = answer.contains(planted) && !path.contains("text=");
                assert!(!found, "{path} shows {planted}: {answer}");
            }
        }
    }
    assert!(answered > 60 && shown > 10, "{answered} answered, {shown} with the patient's name");

    // What is not kept cannot be shown by anything that is made later.
    let nurse = Caller { user: UserId::parse("@grace.adeyemi:riverside.example").unwrap(), device: None };
    let kept = format!("{:?}", it.server.clinical.read_patient(&nurse, &patient).await.unwrap());
    assert!(kept.contains("Davies") && PLANTED.iter().all(|planted| !kept.contains(planted)), "{kept}");
}
