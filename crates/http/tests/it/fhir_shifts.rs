//! Shifts entered by hand, and roles that go from phone to phone, over the FHIR API.

use axum::body::Body;
use http::header;
use serde_json::{Value, json};

use crate::{
    fhir::{EXTENSION, Hospital, extension, hospital, refused},
    support::{Answer, PASSWORD, request, text},
};

/// The hospital, and the token of the site manager of the day, who is its duty manager.
async fn managed() -> (Hospital, String) {
    let it = hospital().await;
    it.server.identity.create_account("dev.patel", Some(PASSWORD), false).await.unwrap();
    let manager = it.server.token("dev.patel").await;
    (it, manager)
}

fn shift(person: &str, start: &str, end: &str) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "practitioner": { "reference": format!("Practitioner/{person}") },
        "healthcareService": [{ "reference": "HealthcareService/anaesthetist" }],
        "period": { "start": start, "end": end },
    })
}

fn local(start: &str, end: &str) -> Value {
    let mut shift = shift("priya.raman", "", "");
    shift.as_object_mut().unwrap().remove("period");
    shift["extension"] = json!([{ "url": format!("{EXTENSION}local-period"), "extension": [
        { "url": "start", "valueString": start }, { "url": "end", "valueString": end },
    ] }]);
    shift
}

async fn with(
    it: &Hospital,
    call: &str,
    token: &str,
    name: header::HeaderName,
    value: &str,
    body: &Value,
) -> Answer {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let mut call = request(call, token, body);
    call.headers_mut().insert(name, value.parse().unwrap());
    it.server.send(call).await
}

#[tokio::test]
async fn a_shift_is_entered_changed_and_removed() {
    let (it, manager) = managed().await;
    let path = "/fhir/R4/PractitionerRole/night-1";
    let put = async |token: &str, body: Value| it.server.call(&format!("PUT {path}"), token, body).await;
    let night = || shift("priya.raman", "2027-01-15T20:00:00Z", "2027-01-16T08:00:00Z");
    refused(put(&it.nurse, night()).await, 403, "");
    let made = put(&manager, night()).await;
    assert_eq!((made.status.as_u16(), made.headers[header::LOCATION].to_str().unwrap()), (201, path));
    let tag = made.headers[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(format!("W/\"{}\"", text(&made.body["meta"], "versionId")), tag);
    assert_eq!(put(&manager, night()).await.status, 200, "the same again");
    let anew = with(&it, &format!("PUT {path}"), &manager, header::IF_NONE_MATCH, "*", &night()).await;
    refused(anew, 412, "");

    let other = shift("hannah.whitfield", "2027-01-15T20:00:00Z", "2027-01-16T08:00:00Z");
    let stale = with(&it, &format!("PUT {path}"), &manager, header::IF_MATCH, "W/\"0123\"", &other).await;
    refused(stale, 412, "");
    let changed = with(&it, &format!("PUT {path}"), &manager, header::IF_MATCH, &tag, &other).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.headers[header::ETAG], tag.as_str());
    let coming = it.entries("PractitionerRole?service=anaesthetist&date=genow").await;
    assert_eq!(coming.len(), 1);
    assert_eq!(coming[0]["practitioner"]["display"], "Miss Hannah Whitfield");
    assert!(it.entries("PractitionerRole?service=anaesthetist&date=ge2027-01-16T08:00:00Z").await.is_empty());
    assert_eq!(it.entries("PractitionerRole?_id=night-1").await.len(), 1);
    let gone = with(&it, &format!("DELETE {path}"), &manager, header::IF_MATCH, &tag, &Value::Null).await;
    refused(gone, 412, "");
    assert_eq!(it.server.call(&format!("DELETE {path}"), &manager, Value::Null).await.status, 204);
    refused(it.get("PractitionerRole/night-1").await, 404, "");
    refused(it.server.call(&format!("DELETE {path}"), &manager, Value::Null).await, 404, "");

    let posted = it.server.call("POST /fhir/R4/PractitionerRole", &manager, night()).await;
    assert_eq!(posted.status, 201);
    assert_eq!(it.entries("PractitionerRole?service=anaesthetist").await[0]["id"], posted.body["id"]);
}

#[tokio::test]
async fn local_times_follow_the_clocks_and_impossible_ones_are_named() {
    let (it, manager) = managed().await;
    let post = async |body: Value| it.server.call("POST /fhir/R4/PractitionerRole", &manager, body).await;
    // Summer time begins in the night of 28 March 2027, which has eleven hours then.
    let made = post(local("2027-03-27 20:00", "2027-03-28 08:00")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["period"]["end"], "2027-03-28T07:00:00.000Z");
    let path = |of: &str| format!("PractitionerRole.extension(local-period).{of}");
    let code = |answer: &Answer| text(&answer.body["issue"][0]["details"]["coding"][0], "code");
    let missing = post(local("2027-03-28 01:30", "2027-03-28 08:00")).await;
    assert_eq!(code(&missing), "time-skipped");
    assert!(missing.body.to_string().contains("clocks go forward"));
    refused(missing, 400, &path("start"));
    let twice = post(local("2027-10-30 20:00", "2027-10-31 01:30")).await;
    assert!(twice.body.to_string().contains("clocks go back"));
    assert_eq!(code(&twice), "time-twice");
    refused(twice, 400, &path("end"));
    refused(post(local("tonight", "2027-10-31 01:30")).await, 400, &path("start"));
    let overlap = post(local("2027-03-28 06:00", "2027-03-28 12:00")).await;
    assert_eq!(code(&overlap), "overlap");
    let begin = &overlap.body["issue"][0]["extension"][0];
    assert_eq!(begin["url"], format!("{EXTENSION}refusal-at"));
    assert_eq!(begin["valueInstant"], "2027-03-27T20:00:00.000Z");
    refused(overlap, 400, "PractitionerRole.period");

    let good = || shift("priya.raman", "2027-02-01T08:00:00Z", "2027-02-01T20:00:00Z");
    let bad = |pointer: &str, value: Value| {
        let mut bad = good();
        *bad.pointer_mut(pointer).unwrap() = value;
        bad
    };
    let role = "/healthcareService/0/reference";
    for (body, expression) in [
        (bad("/period/start", json!("soon")), "period.start"),
        (bad("/period/end", json!("2027-02-01")), "period.end"),
        (bad("/period/end", json!("2027-02-01T07:00:00Z")), "period"),
        (bad("/practitioner/reference", json!("Patient/x")), "practitioner.reference"),
        (bad("/practitioner/reference", json!("Practitioner/nobody")), "practitioner"),
        (bad(role, json!("HealthcareService/nobody")), "healthcareService[0]"),
        (bad(role, json!("Location/barts")), "healthcareService[0].reference"),
        (bad("/resourceType", json!("Patient")), "resourceType"),
        (bad("/healthcareService", json!([])), "healthcareService"),
    ] {
        refused(post(body).await, 400, &format!("PractitionerRole.{expression}"));
    }
    let code = |system: &str, code: &str| {
        let mut shift = good();
        shift["code"] = json!([{ "coding": [{ "system": system, "code": code }] }]);
        shift
    };
    let rank = "https://wardline.org/fhir/CodeSystem/shift-rank";
    refused(
        post(code("http://snomed.info/sct", "deputy")).await,
        400,
        "PractitionerRole.code[0].coding[0].system",
    );
    refused(post(code(rank, "captain")).await, 400, "PractitionerRole.code[0].coding[0].code");
    let mut words = good();
    words["availabilityExceptions"] = json!("not on Tuesdays");
    refused(post(words).await, 400, "PractitionerRole.availabilityExceptions");
    let deputy = post(code(rank, "deputy")).await;
    assert_eq!(
        (deputy.status.as_u16(), &deputy.body["code"][0]["coding"][0]["code"]),
        (201, &json!("deputy"))
    );
    refused(it.get("PractitionerRole?date=gesoon").await, 400, "date");
}

#[tokio::test]
async fn a_role_goes_from_phone_to_phone() {
    let it = hospital().await;
    let role = async |token: &str, name: &str, list: Value| {
        let body = json!({ "resourceType": "Parameters", "parameter": list });
        it.server
            .call(&format!("POST /fhir/R4/HealthcareService/medical-registrar/${name}"), token, body)
            .await
    };
    refused(role(&it.nurse, "handover-code", json!([])).await, 403, "");
    let made = role(&it.registrar, "handover-code", json!([])).await.ok();
    assert_eq!(made["parameter"][1]["valueInstant"], "2027-01-15T08:02:00.000Z");
    assert_eq!(made["parameter"][2], json!({ "name": "seconds", "valueInteger": 120 }));
    let code = made["parameter"][0]["valueString"].clone();
    let scanned = || json!([{ "name": "code", "valueString": code }]);
    refused(role(&it.nurse, "take-over", json!([])).await, 400, "Parameters.parameter(code)");
    let wrong = json!([{ "name": "code", "valueString": "AAAAAAAAAAAAAAAAAAAAAAAA" }]);
    let wrong = role(&it.nurse, "take-over", wrong).await;
    let coding = &wrong.body["issue"][0]["details"]["coding"][0];
    assert_eq!(coding["system"], "https://wardline.org/fhir/CodeSystem/refusal");
    assert_eq!(coding["code"], "code-spent");
    refused(wrong, 409, "");
    let taken = role(&it.nurse, "take-over", scanned()).await.ok();
    assert_eq!(
        extension(&taken, "current-holder")["valueReference"]["reference"],
        "Practitioner/grace.adeyemi"
    );
    assert_eq!(
        extension(&taken, "current-holder-until")["valueInstant"],
        "2027-01-15T20:00:00.000Z",
        "the shift's end"
    );
    refused(role(&it.registrar, "take-over", scanned()).await, 409, "");
}
