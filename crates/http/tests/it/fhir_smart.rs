//! Applications that were allowed part of the FHIR API, by SMART scopes.

use http::StatusCode;
use serde_json::{Value, json};
use wardline_clinical::ImportMode;

use crate::{
    fhir::{Hospital, hospital},
    oauth::{WHOAMI, code_for, redeem, refresh, register},
    support::{Answer, text},
};

/// The hospital, the client and amy's tokens (she is a member of staff) for this scope.
async fn allowed(scope: &str) -> (Hospital, String, Value) {
    let it = hospital().await;
    let amy = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Practitioner","id":"amy",
        "name":[{"family":"Amis","given":["Amy"]}]}}]}"#;
    it.server.clinical.import(amy.as_bytes(), ImportMode::Strict).await.unwrap();
    let client = register(&it.server).await;
    let code = code_for(&it.server, &client, &[("scope", scope)]).await;
    let granted = redeem(&it.server, &client, &code).await.ok();
    (it, client, granted)
}

#[track_caller]
fn insufficient(answer: &Answer, missing: &str) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    assert_eq!(answer.body["issue"][0]["code"], "forbidden");
    assert!(text(&answer.body["issue"][0], "diagnostics").ends_with(missing), "{}", answer.body);
}

#[tokio::test]
async fn an_application_does_what_it_was_allowed_and_no_more() {
    let (it, client, granted) =
        allowed("openid user/Practitioner.rs user/HealthcareService.read patient/*.rs").await;
    assert_eq!(granted["scope"], "user/Practitioner.rs user/HealthcareService.read");
    let token = text(&granted, "access_token");
    let get = async |path: &str| it.server.get(&format!("/fhir/R4/{path}"), &token).await;
    get("Practitioner").await.ok();
    get("Practitioner/priya.raman").await.ok();
    get("HealthcareService/site-manager").await.ok();
    get("$directory?text=reg&_type=Practitioner,HealthcareService").await.ok();
    insufficient(&get("$directory?text=reg").await, "CareTeam.s");
    insufficient(&get("Task").await, "Task.s");
    insufficient(&get("Patient/x").await, "Patient.r");
    insufficient(&get("HealthcareService?_include=HealthcareService:location").await, "Location.r");
    let take = it.server.call("POST /fhir/R4/HealthcareService/anaesthetist/$take", &token, json!({})).await;
    insufficient(&take, "HealthcareService.u");
    let duty = it.server.call("POST /fhir/R4/Practitioner/amy/$duty", &token, json!({})).await;
    insufficient(&duty, "Practitioner.u");

    let matrix = it.server.get(WHOAMI, &token).await;
    assert_eq!(
        (matrix.status, text(&matrix.body, "errcode").as_str()),
        (StatusCode::FORBIDDEN, "M_FORBIDDEN")
    );
    for path in [
        "/_matrix/client/v3/sync",
        "/_wardline/client/v1/playbooks",
        "/_wardline/admin/v1/users",
        "/scim/v2/Users",
    ] {
        let refused = it.server.get(path, &token).await;
        assert!(matches!(refused.status.as_u16(), 401 | 403), "{path}: {}", refused.status);
    }
    let again = refresh(&it.server, &client, &text(&granted, "refresh_token")).await.ok();
    assert_eq!(again["scope"], granted["scope"], "a refresh grants no more");
    let token = text(&again, "access_token");
    insufficient(&it.server.get("/fhir/R4/Task", &token).await, "Task.s");
}

#[tokio::test]
async fn a_scope_gives_no_more_than_the_person_may() {
    let (it, _, granted) = allowed("user/*.cruds").await;
    let token = text(&granted, "access_token");
    let patient = it.entries("Patient?_count=1").await.remove(0);
    let read = it.server.get(&format!("/fhir/R4/Patient/{}", text(&patient, "id")), &token).await;
    assert_eq!(read.status, StatusCode::FORBIDDEN, "amy is not in the conversation");
    assert_eq!(it.server.get("/fhir/R4/Patient", &token).await.ok()["total"], 0);
    let shift = it.server.call(
        "PUT /fhir/R4/PractitionerRole/x",
        &token,
        json!({
            "resourceType": "PractitionerRole",
            "practitioner": { "reference": "Practitioner/amy" },
            "location": [{ "reference": "Location/barts" }],
        }),
    );
    assert_eq!(shift.await.status, StatusCode::FORBIDDEN, "she does not manage the rota");
    it.server.call("POST /fhir/R4/HealthcareService/anaesthetist/$take", &token, json!({})).await.ok();
}

#[tokio::test]
async fn the_configuration_says_how_to_be_allowed_in() {
    let it = hospital().await;
    let found = it.server.get("/fhir/R4/.well-known/smart-configuration", "").await.ok();
    assert_eq!(found["token_endpoint"], "https://chat.riverside.example/oauth/token");
    assert!(found["capabilities"].as_array().unwrap().contains(&json!("permission-v2")));
    assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
    let metadata = it.server.get("/fhir/R4/metadata", "").await.ok();
    let security = &metadata["rest"][0]["security"];
    assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    assert_eq!(
        security["extension"][0]["extension"][1]["valueUri"],
        "https://chat.riverside.example/oauth/token"
    );
}
