//! The FHIR API over the demo hospital. The clock stands at 08:00 in London, the begin of the day shift.

use axum::body::Body;
use http::header;
use serde_json::{Value, json};
use wardline_clinical::ImportMode;

use crate::support::{Answer, PASSWORD, Server, request, text};

pub(crate) const ID: &str = "0d9c1f4e-5a3b-4c1d-9e8f-102030405060";
pub(crate) const EXTENSION: &str = "https://wardline.org/fhir/StructureDefinition/";

/// The demo hospital with a nurse and a registrar signed in.
pub(crate) struct Hospital {
    pub(crate) server: Server,
    pub(crate) nurse: String,
    pub(crate) registrar: String,
}

pub(crate) async fn hospital() -> Hospital {
    hospital_in(Server::new().await).await
}

/// The same in a server that was made otherwise.
pub(crate) async fn hospital_in(server: Server) -> Hospital {
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo");
    for file in ["bundle.json", "playbooks/deteriorating-patient.toml", "admissions.hl7"] {
        let file = std::fs::read(demo.join(file)).unwrap();
        server.clinical.import(&file, ImportMode::Strict).await.unwrap();
    }
    server.clinical.drain_outbox().await.unwrap();
    for person in ["grace.adeyemi", "priya.raman", "megan.evans"] {
        server.identity.create_account(person, Some(PASSWORD), false).await.unwrap();
    }
    let (nurse, registrar) = (server.token("grace.adeyemi").await, server.token("priya.raman").await);
    Hospital { server, nurse, registrar }
}

impl Hospital {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.server.get(&format!("/fhir/R4/{path}"), &self.nurse).await
    }

    pub(crate) async fn entries(&self, path: &str) -> Vec<Value> {
        let bundle = self.get(path).await.ok();
        assert_eq!(bundle["resourceType"], "Bundle");
        bundle["entry"].as_array().unwrap().iter().map(|e| e["resource"].clone()).collect()
    }

    pub(crate) async fn task(&self) -> Value {
        let patient = self.entries("Patient?_count=1").await.remove(0);
        json!({
            "resourceType": "Task",
            "id": ID,
            "status": "requested",
            "intent": "order",
            "code": { "coding": [{ "system": "https://wardline.org/fhir/CodeSystem/request-class", "code": "urgent" }] },
            "for": { "reference": format!("Patient/{}", text(&patient, "id")) },
            "owner": { "reference": "HealthcareService/medical-registrar" },
            "requester": { "reference": "Practitioner/grace.adeyemi" },
            "restriction": { "period": { "end": "2027-01-15T08:05:00.000Z" } },
            "extension": [
                { "url": format!("{EXTENSION}request-room"), "valueString": extension(&patient, "patient-room")["valueString"] },
                { "url": format!("{EXTENSION}request-event"), "valueString": "$event" },
            ],
        })
    }

    pub(crate) async fn put(&self, task: Value) -> Answer {
        self.server.call(&format!("PUT /fhir/R4/Task/{ID}"), &self.nurse, task).await
    }

    pub(crate) async fn operation(&self, token: &str, name: &str, body: Value) -> Answer {
        self.server.call(&format!("POST /fhir/R4/Task/{ID}/${name}"), token, body).await
    }
}

pub(crate) fn extension(resource: &Value, name: &str) -> Value {
    let all = resource["extension"].as_array().unwrap();
    all.iter().find(|e| e["url"] == format!("{EXTENSION}{name}")).cloned().unwrap_or(Value::Null)
}

#[track_caller]
pub(crate) fn refused(answer: Answer, status: u16, expression: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/fhir+json");
    assert_eq!(answer.body["resourceType"], "OperationOutcome");
    let said = answer.body["issue"][0]["expression"][0].as_str().unwrap_or_default();
    assert_eq!(said, expression, "{}", answer.body);
}

#[tokio::test]
async fn the_directory_and_who_is_on_call() {
    let it = hospital().await;
    assert_eq!(it.entries("Organization").await[0]["identifier"][0]["value"], "X9R");
    let wards = it.entries("Location?type=ward").await;
    assert_eq!(wards.len(), 3);
    assert_eq!(it.entries("Location?partof=Location/barts").await.len(), 10);
    assert_eq!(it.get("Location/barts").await.ok()["physicalType"]["coding"][0]["code"], "wa");
    let registrar = it.get("HealthcareService/medical-registrar").await.ok();
    let holder = extension(&registrar, "current-holder");
    assert_eq!(holder["valueReference"]["reference"], "Practitioner/priya.raman");
    assert_eq!(holder["valueReference"]["display"], "Dr Priya Raman");
    let vacant = it.get("HealthcareService/anaesthetist").await.ok();
    assert_eq!(extension(&vacant, "vacant")["valueBoolean"], true);
    let shift = it.entries("PractitionerRole?date=now&service=HealthcareService/medical-registrar").await;
    assert_eq!(shift.len(), 1);
    assert_eq!(
        shift[0]["period"],
        json!({ "start": "2027-01-15T08:00:00.000Z", "end": "2027-01-15T20:00:00.000Z" })
    );
    let ward = it.entries("PractitionerRole?location=nightingale").await;
    assert!(ward[0]["period"].as_object().unwrap().is_empty());
    let person = it.get("Practitioner/priya.raman").await.ok();
    assert_eq!(extension(&person, "matrix-id")["valueString"], "@priya.raman:riverside.example");
    assert_eq!(it.entries("HealthcareService").await.len(), 9);
}

#[tokio::test]
async fn a_search_is_paged() {
    let it = hospital().await;
    let first = it.get("Practitioner?_count=5").await.ok();
    assert_eq!((first["total"].as_u64(), first["entry"].as_array().unwrap().len()), (Some(12), 5));
    let next = text(&first["link"][1], "url");
    let second = it.server.get(&next, &it.nurse).await.ok();
    assert_ne!(first["entry"][0], second["entry"][0]);
}

#[tokio::test]
async fn a_patient_is_for_members_of_the_conversation() {
    let it = hospital().await;
    assert_eq!(it.entries("Patient?location=barts").await.len(), 0);
    let patients = it.entries("Patient?location=Location/nightingale").await;
    assert_eq!(patients.len(), 8);
    let id = text(&patients[0], "id");
    let patient = it.get(&format!("Patient/{id}")).await.ok();
    assert_eq!(patient["name"][0]["family"], "Davies");
    assert_eq!(patient["identifier"][0]["value"], "9990000018");
    let place = &extension(&patient, "patient-location")["valueReference"];
    assert_eq!(place["reference"], "Location/nightingale-a1");
    assert_eq!(place["display"], "Nightingale ward, Bay A bed 1");
    let room = it.get(&format!("Patient/{id}/$conversation")).await.ok();
    assert_eq!(room["parameter"][0]["valueString"], extension(&patient, "patient-room")["valueString"]);
    let stranger = it.server.token("megan.evans").await;
    refused(it.server.get(&format!("/fhir/R4/Patient/{id}"), &stranger).await, 403, "");
    refused(it.get("Patient/none").await, 404, "");
}

#[tokio::test]
async fn a_request_from_raised_to_completed() {
    let it = hospital().await;
    let task = it.task().await;
    let raised = it.put(task.clone()).await;
    assert_eq!(raised.status, 201, "{}", raised.body);
    assert_eq!(raised.headers[header::ETAG], "W/\"1\"");
    assert_eq!(raised.headers[header::LOCATION], format!("/fhir/R4/Task/{ID}"));
    let raised = raised.body;
    assert_eq!(
        extension(&raised, "request-holder")["valueReference"]["reference"],
        "Practitioner/priya.raman"
    );
    assert_eq!(extension(&raised, "request-next-step")["valueString"], "Surgical registrar");
    assert_eq!(extension(&raised, "request-next-step-at")["valueInstant"], "2027-01-15T08:05:00.000Z");
    assert_eq!(extension(&raised, "request-event")["valueString"], "$event");
    assert_eq!(it.put(task.clone()).await.status, 200, "the same again");
    let mut other = task.clone();
    other["owner"] = json!({ "reference": "HealthcareService/site-manager" });
    refused(it.put(other).await, 409, "");

    let mine = it.server.get("/fhir/R4/Task?owner=me&status=requested", &it.registrar).await.ok();
    assert_eq!(mine["total"], 1);
    it.operation(&it.registrar, "delivered", Value::Null).await.ok();
    it.operation(&it.registrar, "seen", json!({ "resourceType": "Parameters" })).await.ok();
    let accepted = it.operation(&it.registrar, "accept", Value::Null).await.ok();
    assert_eq!(accepted["businessStatus"]["coding"][0]["code"], "accepted");
    assert_eq!(extension(&accepted, "request-accepted-by")["valueReference"]["display"], "Dr Priya Raman");
    it.operation(&it.registrar, "complete", Value::Null).await.ok();
    refused(it.operation(&it.nurse, "cancel", Value::Null).await, 409, "");
    let done = it.get(&format!("Task/{ID}")).await.ok();
    assert_eq!((done["status"].as_str(), done["meta"]["versionId"].as_str()), (Some("completed"), Some("5")));
    let url = format!("{EXTENSION}request-transition");
    let chain = done["extension"].as_array().unwrap().iter().filter(|e| e["url"] == url).count();
    assert_eq!(chain, 5);
    assert_eq!(it.entries("Task").await.len(), 1);
    assert_eq!(it.entries("Task?requester=me&status=cancelled").await.len(), 0);
}

#[tokio::test]
async fn a_decline_carries_its_reason_and_asks_the_next() {
    let it = hospital().await;
    it.put(it.task().await).await;
    let body = json!({
        "resourceType": "Parameters",
        "parameter": [{ "name": "reason", "valueString": "scrubbed in theatre" }],
    });
    let declined = it.operation(&it.registrar, "decline", body).await.ok();
    assert_eq!(extension(&declined, "request-step")["valueInteger"], 1);
    assert!(declined.to_string().contains("scrubbed in theatre"));
    let long = json!({ "parameter": [{ "name": "reason", "valueString": "x".repeat(501) }] });
    refused(it.operation(&it.registrar, "decline", long).await, 400, "Parameters.parameter(reason)");
}

#[tokio::test]
async fn bad_input_names_the_element() {
    let it = hospital().await;
    let task = it.task().await;
    let with = |path: &str, value: Value| {
        let mut task = task.clone();
        *task.pointer_mut(path).unwrap() = value;
        task
    };
    refused(it.put(with("/intent", json!(7))).await, 400, "Task.intent");
    refused(it.put(with("/status", json!("completed"))).await, 400, "Task.status");
    refused(it.put(with("/code/coding/0/code", json!("now"))).await, 400, "Task.code.coding");
    refused(it.put(with("/for/reference", json!("Group/1"))).await, 400, "Task.for");
    refused(it.put(with("/for/reference", json!("Patient/none"))).await, 400, "Task.for");
    refused(it.put(with("/owner/reference", json!("HealthcareService/none"))).await, 400, "Task.owner");
    refused(
        it.put(with("/requester/reference", json!("Practitioner/priya.raman"))).await,
        400,
        "Task.requester",
    );
    refused(it.put(with("/restriction/period/end", json!("soon"))).await, 400, "Task.restriction.period.end");
    refused(it.put(with("/id", json!("other"))).await, 400, "Task.id");
    let mut words = task.clone();
    words["description"] = json!("Mr Davies is hypotensive");
    let answer = it.put(words).await;
    assert!(!answer.body.to_string().contains("Davies"));
    refused(answer, 400, "Task.description");
    let not_json = request(&format!("PUT /fhir/R4/Task/{ID}"), &it.nurse, Body::from("{"));
    assert_eq!(it.server.send(not_json).await.body["resourceType"], "OperationOutcome");
    let path = "PUT /fhir/R4/Task/not-a-uuid".to_owned();
    refused(it.server.call(&path, &it.nurse, task.clone()).await, 400, "Task.id");
    refused(it.get("Task?colour=red").await, 400, "colour");
    refused(it.get("PractitionerRole?date=soon").await, 400, "date");
    refused(it.get("Location?type=ship").await, 400, "type");
    refused(it.get("Spaceship").await, 404, "");
    refused(it.server.call("DELETE /fhir/R4/Patient/x", &it.nurse, Value::Null).await, 405, "");
    refused(it.operation(&it.registrar, "explode", Value::Null).await, 404, "");
    assert!(it.entries("Task").await.is_empty());
}

#[tokio::test]
async fn without_a_token_only_metadata() {
    let it = hospital().await;
    let metadata = it.server.get("/fhir/R4/metadata", "").await.ok();
    assert_eq!(metadata["fhirVersion"], "4.0.1");
    let answer = it.server.get("/fhir/R4/Patient", "").await;
    let code = |answer: &Answer| answer.body["issue"][0]["details"]["coding"][0]["code"].clone();
    assert_eq!(code(&answer), "M_MISSING_TOKEN");
    refused(answer, 401, "");
    let unknown = it.server.get("/fhir/R4/Task", "nonsense").await;
    assert_eq!((unknown.status.as_u16(), code(&unknown)), (401, json!("M_UNKNOWN_TOKEN")));
}

#[tokio::test]
async fn a_role_changes_hands() {
    let it = hospital().await;
    let role = async |token: &str, name: &str, body: Value| {
        it.server.call(&format!("POST /fhir/R4/HealthcareService/{name}"), token, body).await
    };
    let parameters = |list: Value| json!({ "resourceType": "Parameters", "parameter": list });
    let none = || parameters(json!([]));
    let taken = role(&it.nurse, "anaesthetist/$take", none()).await.ok();
    let holder = extension(&taken, "current-holder");
    assert_eq!(holder["valueReference"]["reference"], "Practitioner/grace.adeyemi");
    assert_eq!(extension(&taken, "current-holder-by")["valueCode"], "sign-on");
    refused(role(&it.registrar, "anaesthetist/$take", none()).await, 409, "");

    let offer = parameters(json!([
        { "name": "to", "valueReference": { "reference": "Practitioner/priya.raman" } },
        { "name": "until", "valueTime": "18:30:00" },
    ]));
    let offered = role(&it.nurse, "anaesthetist/$offer", offer).await.ok();
    let offer = extension(&offered, "role-offer");
    assert_eq!(offer["extension"][1]["valueReference"]["reference"], "Practitioner/priya.raman");
    assert_eq!(offer["extension"][2]["valueInstant"], "2027-01-15T18:30:00.000Z");
    refused(role(&it.nurse, "anaesthetist/$accept-offer", none()).await, 403, "");
    role(&it.registrar, "anaesthetist/$decline-offer", none()).await.ok();
    refused(role(&it.registrar, "anaesthetist/$accept-offer", none()).await, 409, "");
    let to =
        parameters(json!([{ "name": "to", "valueReference": { "reference": "Practitioner/priya.raman" } }]));
    role(&it.nurse, "anaesthetist/$offer", to).await.ok();
    let accepted = role(&it.registrar, "anaesthetist/$accept-offer", none()).await.ok();
    assert_eq!(extension(&accepted, "current-holder")["valueReference"]["display"], "Dr Priya Raman");
    refused(role(&it.nurse, "anaesthetist/$release", none()).await, 403, "");
    let vacant = role(&it.registrar, "anaesthetist/$release", none()).await.ok();
    assert_eq!(extension(&vacant, "vacant")["valueBoolean"], true);

    let until = |value: Value| parameters(json!([value]));
    for wrong in [
        json!({ "name": "until", "valueTime": "quarter past" }),
        json!({ "name": "until", "valueInstant": "tomorrow" }),
        json!({ "name": "until", "valueString": "18:30" }),
        json!({ "name": "until", "valueInstant": "2020-01-01T00:00:00Z" }),
    ] {
        let path = "Parameters.parameter(until)";
        refused(role(&it.nurse, "anaesthetist/$take", until(wrong)).await, 400, path);
    }
    refused(role(&it.nurse, "anaesthetist/$juggle", none()).await, 404, "");
    refused(role(&it.nurse, "nobody/$take", none()).await, 404, "");
}

#[tokio::test]
async fn the_glass_is_broken_on_record() {
    let it = hospital().await;
    let privacy = r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"HealthcareService","id":"privacy","name":"Privacy officer",
            "type":[{"coding":[{"code":"privacy-officer"}]}]}},
        {"resource":{"resourceType":"PractitionerRole","id":"privacy-priya",
            "practitioner":{"reference":"Practitioner/priya.raman"},
            "healthcareService":[{"reference":"HealthcareService/privacy"}]}}]}"#;
    it.server.clinical.import(privacy.as_bytes(), ImportMode::Strict).await.unwrap();
    let patient = it.entries("Patient?location=nightingale").await.remove(0);
    let (id, born) = (text(&patient, "id"), text(&patient, "birthDate"));
    let megan = it.server.token("megan.evans").await;
    let call = async |number: &str, born: &str, reason: &str| {
        let body = json!({ "resourceType": "Parameters", "parameter": [
            { "name": "nhs-number", "valueString": number },
            { "name": "birthdate", "valueDate": born },
            { "name": "reason", "valueString": reason },
        ] });
        it.server.call("POST /fhir/R4/Patient/$break-glass", &megan, body).await
    };
    refused(call("9990000018", &born, " ").await, 400, "Parameters.parameter(reason)");
    refused(call("9990000019", &born, "why").await, 400, "Parameters.parameter(nhs-number)");
    let (wrong, unknown) =
        (call("9990000018", "1900-01-01", "why").await, call("9434765919", &born, "why").await);
    assert_eq!((wrong.status.as_u16(), &wrong.body), (404, &unknown.body));
    let opened = call("9990000018", &born, "Patient collapsed").await.ok();
    assert_eq!(opened["parameter"][0]["valueReference"]["reference"], format!("Patient/{id}"));
    it.server.get(&format!("/fhir/R4/Patient/{id}"), &megan).await.ok();

    let path = format!("/fhir/R4/AuditEvent?patient={id}");
    refused(it.server.get(&path, &megan).await, 403, "");
    refused(it.server.get("/fhir/R4/AuditEvent", &it.registrar).await, 400, "patient");
    let list = it.server.get(&path, &it.registrar).await.ok();
    for (date, left) in
        [("ge2027-01-15", true), ("ge2027-01-01,le2027-01-15", true), ("lt2027-01-15T08:00:00Z", false)]
    {
        let part = it.server.get(&format!("{path}&date={date}&agent=megan.evans"), &it.registrar).await.ok();
        let entries = part["entry"].as_array().unwrap();
        assert_eq!(!entries.is_empty(), left, "{date}");
        assert!(
            entries
                .iter()
                .all(|e| e["resource"]["agent"][0]["who"]["reference"] == "Practitioner/megan.evans")
        );
    }
    for wrong in ["2027-01-15", "ge2027", "ge2027-01-15,ge2027-01-16", "é"] {
        refused(it.server.get(&format!("{path}&date={wrong}"), &it.registrar).await, 400, "date");
    }
    let find = async |token: &str, text: &str, reason: &str| {
        let body = json!({ "resourceType": "Parameters", "parameter": [
            { "name": "text", "valueString": text }, { "name": "reason", "valueString": reason },
        ] });
        it.server.call("POST /fhir/R4/AuditEvent/$find-patient", token, body).await
    };
    let found = find(&it.registrar, "9990000018", "Complaint 12").await.ok();
    assert_eq!((found["total"].as_u64(), &found["entry"][0]["resource"]["id"]), (Some(1), &patient["id"]));
    assert_eq!(found["entry"][0]["resource"]["meta"]["tag"][0]["code"], "SUBSETTED");
    assert!(found["entry"][0]["resource"]["extension"].is_null(), "neither room nor place");
    refused(find(&megan, "9990000018", "Complaint 12").await, 403, "");
    refused(find(&it.registrar, "9990000018", "").await, 400, "Parameters.parameter(reason)");
    refused(find(&it.registrar, "x", "Complaint 12").await, 400, "Parameters.parameter(text)");
    let newest = it.server.get(&path, &it.registrar).await.ok()["entry"][1]["resource"].clone();
    assert_eq!(newest["subtype"][1]["code"], "found-for-access-list");
    assert_eq!(newest["purposeOfEvent"][0]["text"], "Complaint 12");
    let broken =
        list["entry"].as_array().unwrap().iter().find(|e| e["resource"]["purposeOfEvent"].is_array());
    let broken = &broken.unwrap()["resource"];
    assert_eq!(broken["purposeOfEvent"][0]["text"], "Patient collapsed");
    assert_eq!(broken["agent"][0]["who"]["reference"], "Practitioner/megan.evans");
    for _ in 0..4 {
        call("9990000018", "1900-01-01", "why").await;
    }
    assert_eq!(call("9990000018", &born, "why").await.status, 429, "identifiers cannot be tried out");
}

#[tokio::test]
async fn a_team_or_a_ward_is_asked_and_shown_before() {
    let it = hospital().await;
    let team = json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": {
        "resourceType": "CareTeam", "id": "take", "name": "Medical take", "participant": [
            { "member": { "reference": "Practitioner/yusuf.rahman" } },
            { "member": { "reference": "Practitioner/megan.evans" } },
            { "member": { "reference": "Practitioner/grace.adeyemi" } },
            { "role": [{ "coding": [{ "code": "medical-registrar" }] }] },
            { "role": [{ "coding": [{ "code": "medical-ward-doctor" }] }] },
        ],
    } }] });
    it.server.clinical.import(team.to_string().as_bytes(), ImportMode::Strict).await.unwrap();
    let asked = async |owner: &str| -> Vec<String> {
        let answer = it.get(&format!("Task/$asked?owner={owner}")).await.ok();
        let people = answer["parameter"].as_array().cloned().unwrap_or_default();
        people.iter().map(|it| text(&it["valueReference"], "display").to_owned()).collect()
    };
    // Each once, and not who asks.
    assert_eq!(asked("CareTeam/take").await, ["Megan Evans", "Dr Yusuf Rahman", "Dr Priya Raman"]);
    let ward = asked("Location/nightingale").await;
    assert!(ward.contains(&"Dr Priya Raman".to_owned()) && !ward.iter().any(|it| it.contains("Grace")));
    assert_eq!(asked("HealthcareService/anaesthetist").await, [""; 0]);
    refused(it.get("Task/$asked").await, 400, "owner");
    refused(it.get("Task/$asked?owner=Patient/x").await, 400, "owner");
    refused(it.get("Task/$asked?owner=CareTeam/none").await, 400, "owner");
    refused(it.get("Task/$asked?owner=CareTeam/take&colour=red").await, 400, "colour");

    // Whoever is off duty is left alone.
    let megan = it.server.token("megan.evans").await;
    let off =
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "status", "valueCode": "off" }] });
    it.server.call("POST /fhir/R4/Practitioner/megan.evans/$duty", &megan, off).await.ok();
    assert_eq!(asked("CareTeam/take").await, ["Dr Yusuf Rahman", "Dr Priya Raman"]);
    let mut task = it.task().await;
    task["owner"]["reference"] = json!("CareTeam/take");
    task["code"]["coding"][0]["code"] = json!("action");
    let raised = it.put(task).await;
    assert_eq!(raised.status, 201, "{}", raised.body);
    let mut holders: Vec<_> = raised.body["extension"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["url"] == format!("{EXTENSION}request-holder"))
        .map(|it| text(&it["valueReference"], "reference").to_owned())
        .collect();
    holders.sort();
    assert_eq!(holders, ["Practitioner/priya.raman", "Practitioner/yusuf.rahman"]);
    assert_eq!(raised.body["owner"]["display"], "Medical take");

    // A ward owns nothing: it is where the task is to be done.
    let mut task = it.task().await;
    let id = "00000000-0000-4000-8000-00000000a5ed";
    task["id"] = json!(id);
    task["code"]["coding"][0]["code"] = json!("action");
    let put = async |owner: Value, location: Value| {
        let mut task = task.clone();
        task["owner"] = owner;
        task["location"] = location;
        it.server.call(&format!("PUT /fhir/R4/Task/{id}"), &it.nurse, task).await
    };
    let to = |reference: &str| json!({ "reference": reference });
    refused(put(to("Location/nightingale"), Value::Null).await, 400, "Task.owner");
    refused(put(Value::Null, Value::Null).await, 400, "Task.owner");
    refused(put(Value::Null, to("CareTeam/take")).await, 400, "Task.location");
    refused(put(to("CareTeam/take"), to("Location/nightingale")).await, 400, "Task.location");
    let raised = put(Value::Null, to("Location/nightingale")).await;
    assert_eq!(raised.status, 201, "{}", raised.body);
    assert_eq!(text(&raised.body["location"], "reference"), "Location/nightingale");
    assert!(raised.body.get("owner").is_none());
}

#[tokio::test]
async fn a_request_is_passed_on_and_reopened() {
    let it = hospital().await;
    assert_eq!(it.put(it.task().await).await.status, 201);
    let to = |reference: &str| json!({ "resourceType": "Parameters", "parameter": [{ "name": "to", "valueReference": { "reference": reference } }] });
    let path = "Parameters.parameter(to)";
    refused(it.operation(&it.registrar, "reassign", json!({})).await, 400, path);
    refused(it.operation(&it.registrar, "reassign", to("Location/barts")).await, 400, path);
    refused(it.operation(&it.registrar, "reassign", to("Practitioner/nobody")).await, 400, path);
    let passed = it.operation(&it.registrar, "reassign", to("Practitioner/megan.evans")).await.ok();
    assert_eq!(
        extension(&passed, "request-holder")["valueReference"]["reference"],
        "Practitioner/megan.evans"
    );
    let megan = it.server.token("megan.evans").await;
    it.operation(&megan, "complete", json!({})).await.ok();
    refused(it.operation(&megan, "reopen", json!({})).await, 403, "");
    let open = it.operation(&it.nurse, "reopen", json!({})).await.ok();
    assert_eq!(open["status"], "requested");
}

#[tokio::test]
async fn a_request_is_delegated_and_comes_back() {
    let it = hospital().await;
    it.put(it.task().await).await;
    let to = |reference: &str| json!({ "resourceType": "Parameters", "parameter": [{ "name": "to", "valueReference": { "reference": reference } }] });
    let path = "Parameters.parameter(to)";
    let megan = || to("Practitioner/megan.evans");
    refused(it.operation(&it.registrar, "delegate", megan()).await, 403, "");
    it.operation(&it.registrar, "accept", json!({})).await.ok();
    refused(it.operation(&it.registrar, "delegate", json!({})).await, 400, path);
    refused(it.operation(&it.registrar, "delegate", to("Practitioner/nobody")).await, 400, path);
    refused(it.operation(&it.registrar, "delegate", to("Practitioner/priya.raman")).await, 403, "");
    let asked = it.operation(&it.registrar, "delegate", megan()).await.ok();
    assert_eq!(extension(&asked, "request-delegated-by")["valueReference"]["display"], "Dr Priya Raman");
    assert_eq!(extension(&asked, "request-holder")["valueReference"]["display"], "Megan Evans");
    let token = it.server.token("megan.evans").await;
    let back = it.operation(&token, "decline", json!({})).await.ok();
    assert_eq!(
        (back["status"].as_str(), extension(&back, "request-delegated-by")),
        (Some("accepted"), Value::Null)
    );
    assert_eq!(extension(&back, "request-accepted-by")["valueReference"]["display"], "Dr Priya Raman");
    refused(it.operation(&it.nurse, "delegate", megan()).await, 409, "");
}

#[tokio::test]
async fn the_noise_of_a_team_is_counted() {
    let it = hospital().await;
    let team = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"CareTeam","id":"medics","name":"Medics",
        "participant":[{"member":{"reference":"Practitioner/priya.raman"}}]}}]}"#;
    it.server.clinical.import(team.as_bytes(), ImportMode::Strict).await.unwrap();
    it.put(it.task().await).await;
    let report =
        it.get("CareTeam/medics/$noise?start=2027-01-15T08:00:00Z&end=2027-01-15T09:00:00Z").await.ok();
    let of = |name: &str| {
        report["parameter"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        (of("total")["valueInteger"].as_u64(), of("most-in-an-hour")["valueInteger"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(of("team")["valueReference"]["display"], "Medics");
    assert_eq!(of("by-class")["part"][0], json!({ "name": "urgent", "valueInteger": 1 }));
    assert_eq!(of("by-reason")["part"][0], json!({ "name": "asked", "valueInteger": 1 }));
    assert_eq!(of("by-hour-of-day")["part"][0]["name"], "08:00");
    assert!(of("budget-per-hour").is_null(), "it has none");
    let before =
        it.get("CareTeam/medics/$noise?start=2027-01-01T00:00:00Z&end=2027-01-02T00:00:00Z").await.ok();
    assert!(before["parameter"].as_array().unwrap().contains(&json!({ "name": "total", "valueInteger": 0 })));
    refused(it.get("CareTeam/nobody/$noise").await, 404, "");
    refused(it.get("CareTeam/medics/$noise?start=now&end=2027-01-02T00:00:00Z").await, 400, "start");
    refused(it.get("CareTeam/medics/$noise?start=yesterday").await, 400, "start");
    refused(it.get("CareTeam/medics/$noise?colour=red").await, 400, "colour");
    refused(it.server.get("/fhir/R4/CareTeam/medics/$noise", "").await, 401, "");
}

#[tokio::test]
async fn a_task_has_a_history_and_versions() {
    let it = hospital().await;
    it.put(it.task().await).await;
    it.operation(&it.registrar, "seen", json!({})).await.ok();
    it.operation(&it.registrar, "accept", json!({})).await.ok();
    let history = it.get(&format!("Task/{ID}/_history")).await.ok();
    assert_eq!((history["type"].as_str(), history["total"].as_u64()), (Some("history"), Some(3)));
    let states: Vec<_> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| text(&entry["resource"]["businessStatus"]["coding"][0], "code"))
        .collect();
    assert_eq!(states, ["accepted", "seen", "raised"], "newest first");
    assert_eq!(history["entry"][2]["request"]["method"], "PUT");
    assert_eq!(history["entry"][0]["response"]["etag"], "W/\"3\"");
    let page = it.get(&format!("Task/{ID}/_history?_count=1")).await.ok();
    let next = text(&page["link"][1], "url");
    let second = it.server.get(&next, &it.nurse).await.ok();
    assert_eq!(second["entry"][0]["resource"]["meta"]["versionId"], "2");

    let first = it.get(&format!("Task/{ID}/_history/1")).await.ok();
    assert!(extension(&first, "request-accepted-by").is_null());
    assert_eq!(first["status"], "requested");
    refused(it.get(&format!("Task/{ID}/_history/9")).await, 404, "");
    let stranger = it.server.token("megan.evans").await;
    refused(it.server.get(&format!("/fhir/R4/Task/{ID}/_history"), &stranger).await, 404, "");
}

#[tokio::test]
async fn changes_depend_on_the_version_if_the_caller_says_so() {
    let it = hospital().await;
    it.put(it.task().await).await;
    let accept = async |version: &str| {
        let mut call = request(&format!("POST /fhir/R4/Task/{ID}/$accept"), &it.registrar, Body::empty());
        call.headers_mut().insert(header::IF_MATCH, version.parse().unwrap());
        it.server.send(call).await
    };
    it.operation(&it.registrar, "seen", json!({})).await.ok();
    refused(accept("W/\"1\"").await, 412, "");
    refused(accept("yesterday").await, 400, "If-Match");
    assert_eq!(accept("W/\"2\"").await.ok()["status"], "accepted");
    let mut known = request(&format!("GET /fhir/R4/Task/{ID}"), &it.nurse, Body::empty());
    known.headers_mut().insert(header::IF_NONE_MATCH, "W/\"3\"".parse().unwrap());
    assert_eq!(it.server.send(known).await.status, 304);
}

#[tokio::test]
async fn a_task_is_made_once_for_each_identifier() {
    let it = hospital().await;
    let mut task = it.task().await;
    task["identifier"] = json!([{ "system": "https://lab.example/order", "value": "4711" }]);
    let post = async |criteria: Option<&str>, task: &Value| {
        let mut call = request("POST /fhir/R4/Task", &it.nurse, Body::from(task.to_string()));
        if let Some(criteria) = criteria {
            call.headers_mut().insert("If-None-Exist", criteria.parse().unwrap());
        }
        it.server.send(call).await
    };
    let criteria = "identifier=https://lab.example/order|4711";
    let made = post(Some(criteria), &task).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let again = post(Some("identifier=https%3A%2F%2Flab.example%2Forder%7C4711"), &task).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (200, &made.body["id"]));
    refused(post(None, &task).await, 409, "");
    refused(post(Some("identifier=https://lab.example/order|4712"), &task).await, 400, "If-None-Exist");
    let found = it.entries("Task?identifier=https://lab.example/order|4711").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["identifier"][0]["value"], "4711");
    assert!(it.entries("Task?identifier=https://lab.example/order|4712").await.is_empty());
    refused(it.get("Task?identifier=4711").await, 400, "identifier");
    task["identifier"] = json!([{ "system": "", "value": "4711" }]);
    refused(post(None, &task).await, 400, "Task.identifier[0]");
}

#[tokio::test]
async fn a_search_gives_what_its_resources_refer_to() {
    let it = hospital().await;
    it.put(it.task().await).await;
    let found = it
        .get("Task?_include=Task:patient&_include=Task:owner&_include=Task:requester:Practitioner")
        .await
        .ok();
    let entries = found["entry"].as_array().unwrap();
    let modes: Vec<_> =
        entries.iter().map(|e| (text(&e["resource"], "resourceType"), text(&e["search"], "mode"))).collect();
    let pairs: Vec<_> = modes.iter().map(|(kind, mode)| (kind.as_str(), mode.as_str())).collect();
    assert_eq!(
        pairs,
        [
            ("Task", "match"),
            ("HealthcareService", "include"),
            ("Patient", "include"),
            ("Practitioner", "include")
        ]
    );
    assert_eq!(found["total"], 1, "what is included is not counted");
    refused(it.get("Task?_include=Task:spaceship").await, 400, "_include");
    refused(it.get("Task?_include=Location:partof").await, 400, "_include");
    let beds = it.get("Location?partof=nightingale&_count=2&_include=Location:partof").await.ok();
    assert_eq!(beds["entry"].as_array().unwrap().len(), 3);
    assert_eq!(beds["link"][1]["relation"], "next");
}

#[tokio::test]
async fn tasks_and_the_directory_are_searched_by_what_people_use() {
    let it = hospital().await;
    it.put(it.task().await).await;
    assert_eq!(it.entries("Task?code=urgent&business-status=raised&priority=urgent").await.len(), 1);
    assert_eq!(it.entries(&format!("Task?_id={ID}")).await.len(), 1);
    assert!(it.entries("Task?code=information").await.is_empty());
    assert!(it.entries("Task?_lastUpdated=ge2030-01-01T00:00:00Z").await.is_empty());
    refused(it.get("Task?_lastUpdated=yesterday").await, 400, "_lastUpdated");
    refused(it.get("Task?_sort=status").await, 400, "_sort");
    assert_eq!(it.entries("Location?name=night").await[0]["id"], "nightingale");
    assert_eq!(it.entries("HealthcareService?name=reg").await.len(), 2, "any word of it");
    assert_eq!(it.entries("Organization?identifier=X9R").await.len(), 1);
    refused(it.get("Organization/none").await, 404, "");
}

#[tokio::test]
async fn a_wrong_clock_of_a_device_is_shown() {
    let it = hospital().await;
    let mut task = it.task().await;
    task["authoredOn"] = json!("2027-01-15T08:00:01Z");
    it.put(task).await;
    let at = |at: &str| json!({ "resourceType": "Parameters", "parameter": [{ "name": "at", "valueInstant": at }] });
    let seen = it.operation(&it.registrar, "seen", at("2027-01-15T07:58:00Z")).await.ok();
    let shown: Vec<_> = seen["extension"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["url"] == format!("{EXTENSION}request-transition"))
        .map(|e| e["extension"].as_array().unwrap().iter().find(|p| p["url"] == "device-at").cloned())
        .collect();
    assert_eq!(shown[0], None, "one second is nothing");
    assert_eq!(shown[1].as_ref().unwrap()["valueInstant"], "2027-01-15T07:58:00.000Z");
    refused(it.operation(&it.registrar, "accept", at("noon")).await, 400, "Parameters.parameter(at)");
}

#[tokio::test]
async fn duty_is_said_by_the_person_and_shown_to_all() {
    let it = hospital().await;
    let megan = it.server.token("megan.evans").await;
    let say = async |token: &str, list: Value| {
        let body = json!({ "resourceType": "Parameters", "parameter": list });
        it.server.call("POST /fhir/R4/Practitioner/megan.evans/$duty", token, body).await
    };
    let off = json!([
        { "name": "status", "valueCode": "off" },
        { "name": "until", "valueInstant": "2027-01-15T20:00:00Z" },
        { "name": "covered-by", "valueReference": { "reference": "Practitioner/grace.adeyemi" } },
        { "name": "quiet-from", "valueTime": "22:00:00" },
        { "name": "quiet-until", "valueTime": "07:00:00" },
    ]);
    refused(say(&it.nurse, off.clone()).await, 403, "");
    say(&megan, off).await.ok();
    let shown = it.get("Practitioner/megan.evans").await.ok();
    let status = extension(&shown, "duty-status");
    let part = |url: &str| {
        status["extension"].as_array().unwrap().iter().find(|part| part["url"] == url).unwrap().clone()
    };
    assert_eq!(part("status")["valueCode"], "off");
    assert_eq!(part("covered-by")["valueReference"]["display"], "Sister Grace Adeyemi");
    assert_eq!(part("quiet-until")["valueTime"], "07:00:00");
    let wrong = |name: &str| format!("Parameters.parameter({name})");
    refused(say(&megan, json!([{ "name": "status", "valueCode": "asleep" }])).await, 400, &wrong("status"));
    let half =
        json!([{ "name": "status", "valueCode": "on" }, { "name": "quiet-from", "valueTime": "22:00:00" }]);
    refused(say(&megan, half).await, 400, &wrong("quiet-until"));
    say(&megan, json!([{ "name": "status", "valueCode": "on" }])).await.ok();
    assert!(extension(&it.get("Practitioner/megan.evans").await.ok(), "duty-status").is_null());
    let on_duty = json!([{ "name": "status", "valueCode": "off" }]);
    let body = json!({ "resourceType": "Parameters", "parameter": on_duty });
    let holder = it.server.call("POST /fhir/R4/Practitioner/priya.raman/$duty", &it.registrar, body).await;
    refused(holder, 409, "");
}

#[tokio::test]
async fn the_test_of_a_device_is_recorded_by_its_person_and_shown_to_all() {
    let it = hospital().await;
    let megan = it.server.token("megan.evans").await;
    let say = async |token: &str, list: Value| {
        let body = json!({ "resourceType": "Parameters", "parameter": list });
        it.server.call("POST /fhir/R4/Practitioner/megan.evans/$device-check", token, body).await
    };
    let silent = json!([
        { "name": "failed", "valueCode": "sound" },
        { "name": "failed", "valueCode": "notifications" },
        { "name": "failed", "valueCode": "sound" },
    ]);
    refused(say(&it.nurse, silent.clone()).await, 403, "");
    let smell = json!([{ "name": "failed", "valueCode": "smell" }]);
    refused(say(&megan, smell).await, 400, "Parameters.parameter(failed)");
    let text = json!([{ "name": "failed", "valueString": "sound" }]);
    refused(say(&megan, text).await, 400, "Parameters.parameter(failed)");
    assert!(extension(&it.get("Practitioner/megan.evans").await.ok(), "device-check").is_null());
    say(&megan, silent).await.ok();
    let parts =
        extension(&it.get("Practitioner/megan.evans").await.ok(), "device-check")["extension"].clone();
    assert!(parts[0]["valueInstant"].is_string());
    assert_eq!((&parts[1]["valueCode"], &parts[2]["valueCode"]), (&json!("sound"), &json!("notifications")));
    assert!(parts[3].is_null());
    let well = say(&megan, json!([])).await.ok();
    assert_eq!(extension(&well, "device-check")["extension"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_directory_is_searched_as_one_types() {
    let it = hospital().await;
    let found = it.get("$directory?text=whitfeild").await.ok();
    assert_eq!(found["entry"][0]["resource"]["id"], "hannah.whitfield");
    assert_eq!(found["entry"][0]["search"]["score"], 1.0);
    let roles = it.entries("$directory?text=registrar&_type=HealthcareService&_count=1").await;
    assert_eq!((roles.len(), text(&roles[0], "resourceType")), (1, "HealthcareService".to_owned()));
    refused(it.get("$directory").await, 400, "text");
    refused(it.get("$directory?text=a&_type=Patient").await, 400, "_type");
}

#[tokio::test]
async fn a_handover_list_is_read_and_accepted() {
    let it = hospital().await;
    it.put(it.task().await).await;
    let path = "/fhir/R4/HealthcareService/medical-registrar";
    let list = it.server.get(&format!("{path}/$handover"), &it.registrar).await.ok();
    let (head, task) = (&list["entry"][0]["resource"], &list["entry"][1]["resource"]);
    assert_eq!((head["resourceType"].as_str(), task["id"].as_str()), (Some("List"), Some(ID)));
    assert_eq!(head["entry"][0]["item"]["display"], "urgent, raised");
    let digest = extension(head, "handover-digest")["valueString"].clone();
    let accept = async |token: &str, digest: Value| {
        let body = json!({ "resourceType": "Parameters", "parameter": [{ "name": "digest", "valueString": digest }] });
        it.server.call(&format!("POST {path}/$accept-handover"), token, body).await
    };
    refused(accept(&it.nurse, digest.clone()).await, 403, "");
    refused(accept(&it.registrar, json!("0")).await, 409, "");
    refused(accept(&it.registrar, json!("")).await, 400, "Parameters.parameter(digest)");
    let accepted = accept(&it.registrar, digest).await.ok();
    let by = extension(&accepted["entry"][0]["resource"], "handover-accepted-by");
    assert_eq!(by["valueReference"]["reference"], "Practitioner/priya.raman");
}
