//! The directory written over the FHIR API: who may, what is refused, versions and conditional creation.

use axum::body::Body;
use http::header;
use serde_json::{Value, json};

use crate::{
    fhir::{EXTENSION, Hospital, hospital, refused},
    support::{Answer, PASSWORD, request, text},
};

const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
const PHYSICAL: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";
const GMC: &str = "https://fhir.hl7.org.uk/Id/gmc-number";

/// The hospital, and the token of an administrator.
async fn administered() -> (Hospital, String) {
    let it = hospital().await;
    it.server.identity.create_account("zoe", Some(PASSWORD), true).await.unwrap();
    let zoe = it.server.token("zoe").await;
    (it, zoe)
}

async fn with(
    it: &Hospital,
    call: &str,
    token: &str,
    (name, value): (header::HeaderName, &str),
    body: &Value,
) -> Answer {
    let mut call = request(call, token, Body::from(body.to_string()));
    call.headers_mut().insert(name, value.parse().unwrap());
    it.server.send(call).await
}

fn none_exist(criteria: &str) -> (header::HeaderName, &str) {
    (header::HeaderName::from_static("if-none-exist"), criteria)
}

fn organisation(ods: &str) -> Value {
    json!({
        "resourceType": "Organization",
        "active": true,
        "name": "Northgate Community Trust",
        "identifier": [{ "system": ODS, "value": ods }],
    })
}

fn place(code: &str, kind: &str, part_of: &str) -> Value {
    json!({
        "resourceType": "Location",
        "status": "active",
        "name": "Fleming ward",
        "identifier": [{ "value": code }],
        "physicalType": { "coding": [{ "system": PHYSICAL, "code": kind }] },
        "partOf": { "reference": format!("Location/{part_of}") },
        "managingOrganization": { "reference": "Organization/x9r" },
    })
}

fn person(name: &str, number: &str) -> Value {
    json!({
        "resourceType": "Practitioner",
        "name": [{ "family": "Onwudiwe", "given": ["Ngozi"], "prefix": ["Dr"] }],
        "qualification": [{ "code": { "text": "Consultant" } }],
        "identifier": [{ "system": GMC, "value": number }],
        "extension": [{
            "url": format!("{EXTENSION}matrix-id"), "valueString": format!("@{name}:riverside.example"),
        }],
    })
}

fn role() -> Value {
    json!({
        "resourceType": "HealthcareService",
        "name": "Stroke nurse",
        "location": [{ "reference": "Location/nightingale" }],
        "providedBy": { "reference": "Organization/x9r" },
        "telecom": [{ "system": "phone", "value": "2345" }],
        "extension": [{
            "url": format!("{EXTENSION}role-fallback"),
            "valueReference": { "reference": "HealthcareService/medical-registrar" },
        }],
    })
}

fn team() -> Value {
    let role = "https://wardline.org/fhir/CodeSystem/healthcare-service";
    json!({
        "resourceType": "CareTeam",
        "status": "active",
        "name": "Stroke team",
        "participant": [
            { "role": [{ "coding": [{ "system": role, "code": "medical-registrar" }] }] },
            { "member": { "reference": "Practitioner/grace.adeyemi" } },
        ],
    })
}

#[tokio::test]
async fn each_type_is_made_read_changed_and_found() {
    let (it, zoe) = administered().await;
    for (kind, id, new, change) in [
        ("Organization", "ncht", organisation("RXX01"), "name"),
        ("Location", "fleming", place("FLEM", "wa", "riverside"), "description"),
        ("Practitioner", "ngozi.onwudiwe", person("ngozi.onwudiwe", "7654321"), "qualification"),
        ("HealthcareService", "stroke-nurse", role(), "name"),
        ("CareTeam", "stroke", team(), "name"),
    ] {
        let path = format!("/fhir/R4/{kind}/{id}");
        let put = async |token: &str, body: &Value| {
            it.server.call(&format!("PUT {path}"), token, body.clone()).await
        };
        refused(put(&it.nurse, &new).await, 403, "");
        refused(it.get(&format!("{kind}/{id}")).await, 404, "");
        let made = put(&zoe, &new).await;
        assert_eq!(made.status, 201, "{kind}: {}", made.body);
        assert_eq!(made.headers[header::LOCATION].to_str().unwrap(), path);
        let tag = made.headers[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(tag, format!("W/\"{}\"", text(&made.body["meta"], "versionId")));
        assert!(made.body["meta"].get("source").is_none(), "entered by hand");
        assert_eq!(it.get(&format!("{kind}/{id}")).await.ok(), made.body);
        assert_eq!(it.entries(&format!("{kind}?_id={id}")).await[0], made.body);

        // What was read is written back as it is.
        let same = put(&zoe, &made.body).await;
        assert_eq!((same.status.as_u16(), &same.body), (200, &made.body), "{kind}");
        let mut other = made.body.clone();
        other[change] = match change {
            "qualification" => json!([{ "code": { "text": "Registrar" } }]),
            _ => json!("Another"),
        };
        let if_match = |tag: &str| (header::IF_MATCH, tag.to_owned());
        let (name, value) = if_match("W/\"00\"");
        refused(with(&it, &format!("PUT {path}"), &zoe, (name, &value), &other).await, 412, "");
        let anew = with(&it, &format!("PUT {path}"), &zoe, (header::IF_NONE_MATCH, "*"), &other).await;
        refused(anew, 412, "");
        let (name, value) = if_match(&tag);
        let changed = with(&it, &format!("PUT {path}"), &zoe, (name, &value), &other).await;
        assert_eq!(changed.status, 200, "{kind}: {}", changed.body);
        assert_eq!(changed.body[change], other[change]);
        assert_ne!(changed.headers[header::ETAG].to_str().unwrap(), tag);
        let (name, value) = if_match(&tag);
        refused(with(&it, &format!("PUT {path}"), &zoe, (name, &value), &new).await, 412, "");
    }
    let found = it.get("$directory?text=another%20&_count=50").await.ok();
    assert!(found["total"].as_u64().unwrap() >= 2, "the search knows them: {found}");
}

#[tokio::test]
async fn a_resource_is_made_once_under_an_id_of_the_servers() {
    let (it, zoe) = administered().await;
    let post = async |kind: &str, criteria: Option<&str>, body: &Value| {
        let call = format!("POST /fhir/R4/{kind}");
        match criteria {
            None => it.server.call(&call, &zoe, body.clone()).await,
            Some(criteria) => with(&it, &call, &zoe, none_exist(criteria), body).await,
        }
    };
    for (kind, criteria, body) in [
        ("Organization", format!("identifier={ODS}|RXX02"), organisation("RXX02")),
        ("Location", "identifier=FLEM".to_owned(), place("FLEM", "wa", "riverside")),
        ("Practitioner", format!("identifier={GMC}%7C7000001"), person("ngozi.onwudiwe", "7000001")),
        ("HealthcareService", "name=stroke".to_owned(), role()),
        ("CareTeam", "name=Stroke%20team".to_owned(), team()),
    ] {
        let made = post(kind, Some(&criteria), &body).await;
        assert_eq!(made.status, 201, "{kind}: {}", made.body);
        let id = text(&made.body, "id");
        let location = format!("/fhir/R4/{kind}/{id}");
        assert_eq!(made.headers[header::LOCATION].to_str().unwrap(), location);
        let again = post(kind, Some(&criteria), &body).await;
        assert_eq!((again.status.as_u16(), &again.body["id"]), (200, &made.body["id"]), "{kind}");
        assert!(again.headers.get(header::LOCATION).is_none());
        refused(post(kind, Some("colour=red"), &body).await, 400, "If-None-Exist");
    }
    assert_eq!(it.get("Practitioner/ngozi.onwudiwe").await.ok()["name"][0]["family"], "Onwudiwe");
    post("HealthcareService", None, &role()).await;
    refused(post("HealthcareService", Some("name=stroke"), &role()).await, 412, "");
    let anonymous = json!({ "resourceType": "Practitioner", "name": [{ "family": "Doe" }] });
    refused(post("Practitioner", None, &anonymous).await, 400, "Practitioner.extension(matrix-id)");
    let stranger = post(
        "Practitioner",
        None,
        &person("someone", "1")
            .as_object()
            .map(|it| {
                let mut it = it.clone();
                it["extension"][0]["valueString"] = json!("@someone:elsewhere.example");
                Value::Object(it)
            })
            .unwrap(),
    )
    .await;
    refused(stranger, 400, "Practitioner.extension(matrix-id)");
}

/// Every path that a refusal names.
fn paths(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 400, "{}", answer.body);
    let issues = answer.body["issue"].as_array().unwrap();
    issues.iter().map(|it| it["expression"][0].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn everything_that_is_wrong_is_named_at_once_and_nothing_is_changed() {
    let (it, zoe) = administered().await;
    let before = it.server.store.read_now(|tx| wardline_store::clinical::directory::version(tx)).unwrap();
    let put = async |path: &str, body: Value| {
        paths(&it.server.call(&format!("PUT /fhir/R4/{path}"), &zoe, body).await)
    };
    let bad = json!({
        "resourceType": "Organization",
        "id": "other",
        "active": false,
        "name": " ",
        "telecom": [{ "value": "0123" }],
        "identifier": [{ "system": "https://example.org/code", "value": "rxx 1" }],
    });
    assert_eq!(
        put("Organization/ncht", bad).await,
        [
            "Organization.id",
            "Organization.telecom",
            "Organization.active",
            "Organization.name",
            "Organization.identifier[0].system",
            "Organization.identifier[0].value"
        ]
    );
    let bad = json!({
        "resourceType": "Location",
        "status": "suspended",
        "name": 5,
        "physicalType": { "coding": [{ "system": "http://snomed.info/sct", "code": "wa" }] },
        "partOf": { "reference": "Organization/x9r" },
    });
    assert_eq!(
        put("Location/fleming", bad).await,
        [
            "Location.status",
            "Location.name",
            "Location.physicalType.coding[0].system",
            "Location.partOf.reference"
        ]
    );
    let bad = json!({
        "resourceType": "Practitioner",
        "name": [{ "given": ["A", 5] }],
        "telecom": [{ "system": "phone", "value": "07700 900000" }],
        "identifier": [
            { "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018" },
            { "system": "gmc", "value": "" },
        ],
        "extension": [{ "url": format!("{EXTENSION}matrix-id"), "valueString": "@else:riverside.example" }],
    });
    assert_eq!(
        put("Practitioner/ngozi", bad).await,
        [
            "Practitioner.telecom",
            "Practitioner.name[0].family",
            "Practitioner.name[0].given[1]",
            "Practitioner.extension(matrix-id)",
            "Practitioner.identifier[0].system",
            "Practitioner.identifier[1].system",
            "Practitioner.identifier[1].value",
        ]
    );
    let mut bad = role();
    bad["type"] = json!([{ "coding": [{ "system": "http://snomed.info/sct", "code": "privacy-officer" }] }]);
    bad["location"] = json!([{ "reference": "Location/nightingale" }, { "reference": "Ward/7" }]);
    bad["extension"] = json!([{ "url": "https://example.org/colour", "valueString": "red" }]);
    bad["comment"] = json!("Ask for Ada");
    assert_eq!(
        put("HealthcareService/stroke", bad).await,
        [
            "HealthcareService.type[0].coding[0].system",
            "HealthcareService.location[1].reference",
            "HealthcareService.comment",
            "HealthcareService.extension[0].url",
        ]
    );
    let bad = json!({
        "resourceType": "CareTeam",
        "name": "x",
        "subject": { "reference": "Patient/1" },
        "participant": [
            {},
            { "role": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "medical-registrar" }] }] },
            { "member": { "reference": "Patient/1" } },
        ],
    });
    assert_eq!(
        put("CareTeam/stroke", bad).await,
        [
            "CareTeam.subject",
            "CareTeam.participant[0]",
            "CareTeam.participant[1].role[0].coding[0].system",
            "CareTeam.participant[2].member.reference",
        ]
    );
    // What the directory itself contradicts.
    let mut nowhere = role();
    nowhere["location"] = json!([{ "reference": "Location/attic" }, { "reference": "Location/barts" }]);
    nowhere["providedBy"] = json!({ "reference": "Organization/none" });
    nowhere["extension"][0]["valueReference"] = json!({ "reference": "HealthcareService/none" });
    assert_eq!(
        put("HealthcareService/stroke", nowhere).await,
        [
            "HealthcareService.providedBy.reference",
            "HealthcareService.location[0].reference",
            "HealthcareService.extension(role-fallback)",
        ]
    );
    let mut nobody = team();
    nobody["participant"][0]["role"][0]["coding"][0]["code"] = json!("no-role");
    nobody["participant"][1]["member"]["reference"] = json!("Practitioner/nobody");
    assert_eq!(
        put("CareTeam/stroke", nobody).await,
        ["CareTeam.participant[0].role", "CareTeam.participant[1].member"]
    );
    for (path, body, wrong) in [
        ("Location/fleming", place("NIGHT", "wa", "riverside"), "Location.identifier[0].value"),
        ("Location/fleming", place("FLEM", "wa", "barts"), "Location.partOf.reference"),
        ("Location/fleming", place("FLEM", "bd", "riverside"), "Location.partOf.reference"),
        ("Location/fleming", place("FLEM", "si", "riverside"), "Location.partOf"),
        ("Location/barts", place("BARTS", "si", "riverside"), "Location.partOf"),
        ("Organization/ncht", organisation("X9R"), "Organization.identifier[0].value"),
        ("Organization/ncht", json!({ "resourceType": "Patient" }), "Organization.resourceType"),
        ("Organization/ncht", json!([1]), "Organization"),
    ] {
        assert_eq!(put(path, body).await[0], wrong, "{path}");
    }
    let after = it.server.store.read_now(|tx| wardline_store::clinical::directory::version(tx)).unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn an_import_stays_marked_and_a_provisioned_team_is_kept_elsewhere() {
    let (it, zoe) = administered().await;
    let ward = it.get("Location/barts").await.ok();
    assert_eq!(ward["meta"]["source"], "https://wardline.org/fhir/source/bundle");
    let mut changed = ward.clone();
    changed["description"] = json!("Cardiology");
    let answer = it.server.call("PUT /fhir/R4/Location/barts", &zoe, changed).await.ok();
    assert_eq!(answer["description"], "Cardiology");
    assert_eq!(answer["meta"]["source"], ward["meta"]["source"]);
    assert_ne!(answer["meta"]["versionId"], ward["meta"]["versionId"]);

    let scim = wardline_store::clinical::teams::Team {
        id: "outreach".to_owned(),
        name: "Outreach".to_owned(),
        source: Some("scim".to_owned()),
        members: Vec::new(),
    };
    it.server.store.write(move |tx| wardline_store::clinical::teams::put(tx, &scim)).await.unwrap();
    let mut team = it.get("CareTeam/outreach").await.ok();
    assert_eq!(team["meta"]["source"], "https://wardline.org/fhir/source/scim");
    team["name"] = json!("Ours");
    let kept = it.server.call("PUT /fhir/R4/CareTeam/outreach", &zoe, team).await;
    assert_eq!(kept.body["issue"][0]["details"]["coding"][0]["code"], "kept-elsewhere");
    refused(kept, 409, "");
}
