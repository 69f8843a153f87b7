//! What the clinical floor does in rooms, over the real engine.

use std::{net::SocketAddr, path::Path, sync::Arc};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use wardline_clinical::{BreakGlass, Caller, ImportMode, Until};
use wardline_domain::{Clock, Timestamp, ruma::OwnedUserId};
use wardline_server::{Config, House, SystemRandom};

const PASSWORD: &str = "correct horse battery";
const PEOPLE: [&str; 5] = ["grace.adeyemi", "megan.evans", "priya.raman", "samuel.mbeki", "dev.patel"];
const ADA: &str = "9990000018^^^NHS^NH~L1^^^X9R^PI||Okafor^Ada||19580311|F";
const OTHER: &str = "L2^^^X9R^PI||Okafor^Ada||19580311|F";

/// Noon in London, in the day shift.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_348_800_000)
    }
}

struct Hospital {
    house: House,
    _folder: tempfile::TempDir,
}

fn caller(person: &str) -> Caller {
    let user: OwnedUserId = format!("@{person}:riverside.example").try_into().unwrap();
    Caller { user, device: None }
}

fn message(kind: &str, pid: &str, rest: &str) -> String {
    format!("MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^{kind}|1|P|2.4\rPID|1||{pid}\r{rest}\r")
}

impl Hospital {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new("riverside.example".try_into().unwrap(), folder.path().join("data"));
        config.accounts.password_login = Some(true);
        let house =
            House::open(&config, config.listen, Arc::new(Noon), Arc::new(SystemRandom)).await.unwrap();
        for person in PEOPLE {
            house.identity().create_account(person, Some(PASSWORD), false).await.unwrap();
        }
        let it = Self { house, _folder: folder };
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/bundle.json");
        it.import(&std::fs::read_to_string(demo).unwrap()).await;
        it.import(&message("A01", ADA, "PV1||I|NIGHT^A^1")).await;
        it.import(&message("A01", OTHER, "PV1||I|BARTS^B^2")).await;
        it
    }

    async fn import(&self, file: &str) {
        self.house.clinical().import(file.as_bytes(), ImportMode::Strict).await.unwrap();
        self.follow().await;
    }

    /// Has everything done that follows from decisions.
    async fn follow(&self) {
        self.house.clinical().follow_rota(Noon.now()).await.unwrap();
        assert_eq!(self.house.clinical().drain_outbox().await.unwrap(), 0);
    }

    async fn patients_of(&self, person: &str) -> Vec<String> {
        let found = self.house.clinical().patients_in_hospital(&caller(person), None).await.unwrap();
        found.into_iter().map(|patient| patient.reference).collect()
    }

    async fn call(&self, request: &str, token: &str, body: Option<Value>) -> Value {
        let (method, path) = request.split_once(' ').unwrap();
        let peer: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .extension(ConnectInfo(peer))
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .unwrap();
        let response = self.house.router(CancellationToken::new()).oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn token(&self, person: &str) -> String {
        let body = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": person },
            "password": PASSWORD,
        });
        let answer = self.call("POST /_matrix/client/v3/login", "", Some(body)).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn words_in_clear_and_forged_progress_are_refused() {
    let it = Hospital::open().await;
    let token = it.token("grace.adeyemi").await;
    let patient = it.patients_of("grace.adeyemi").await.remove(0);
    let found = it.call(&format!("GET /fhir/R4/Patient/{patient}/$conversation"), &token, None).await;
    let room = found["parameter"][0]["valueString"].as_str().unwrap();
    let send = async |kind: &str| {
        let path = format!("PUT /_matrix/client/v3/rooms/{room}/send/{kind}/1");
        it.call(&path, &token, Some(json!({ "msgtype": "m.text", "body": "in clear" }))).await
    };
    for kind in ["m.room.message", "m.sticker", "org.wardline.request", "org.wardline.request.update"] {
        assert_eq!(send(kind).await["errcode"], "M_FORBIDDEN", "{kind}");
    }
    assert!(send("m.room.encrypted").await["event_id"].is_string());
    let state = format!("PUT /_matrix/client/v3/rooms/{room}/state/org.wardline.patient");
    assert_eq!(it.call(&state, &token, Some(json!({ "ref": "another" }))).await["errcode"], "M_FORBIDDEN");
}

#[tokio::test]
async fn conversations_follow_a_role() {
    let it = Hospital::open().await;
    let clinical = it.house.clinical();
    assert_eq!(it.patients_of("priya.raman").await.len(), 1);
    let (priya, samuel) = (caller("priya.raman"), caller("samuel.mbeki"));
    clinical.offer_role(&priya, "medical-registrar", "samuel.mbeki", Until::ShiftEnd).await.unwrap();
    clinical.accept_role(&samuel, "medical-registrar").await.unwrap();
    it.follow().await;
    assert_eq!(it.patients_of("priya.raman").await.len(), 0, "she has left");
    assert_eq!(it.patients_of("samuel.mbeki").await.len(), 1);
    clinical.offer_role(&samuel, "medical-registrar", "priya.raman", Until::ShiftEnd).await.unwrap();
    clinical.accept_role(&priya, "medical-registrar").await.unwrap();
    it.follow().await;
    assert_eq!(it.patients_of("priya.raman").await.len(), 1, "and come back");
}

#[tokio::test]
async fn a_vacancy_is_told_in_the_conversation_of_the_role() {
    let it = Hospital::open().await;
    it.import(
        r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{
        "resourceType":"HealthcareService","id":"anaesthetist","name":"Anaesthetist on call","extension":[{
        "url":"https://wardline.org/fhir/StructureDefinition/role-fallback",
        "valueReference":{"reference":"HealthcareService/site-manager"}}]}}]}"#,
    )
    .await;
    let told = it.house.clinical().tasks(&caller("dev.patel"), None, None, None).await.unwrap();
    let room = told[0].task.room.clone();
    let token = it.token("dev.patel").await;
    let state = |kind: &str| format!("GET /_matrix/client/v3/rooms/{room}/state/{kind}");
    assert_eq!(it.call(&state("org.wardline.role"), &token, None).await["id"], "anaesthetist");
    assert_eq!(it.call(&state("m.room.name"), &token, None).await["name"], "Anaesthetist on call");
    assert_eq!(it.call(&state("m.room.encryption"), &token, None).await["algorithm"], "m.megolm.v1.aes-sha2");
    let said = it.call(&format!("GET /_matrix/client/v3/rooms/{room}/messages?dir=b"), &token, None).await;
    let body = "Nobody holds Anaesthetist on call now. Asking Dev Patel (Site manager).";
    assert!(said["chunk"].as_array().unwrap().iter().any(|event| event["content"]["body"] == body), "{said}");
}

#[tokio::test]
async fn merged_conversations_lead_to_one() {
    let it = Hospital::open().await;
    let clinical = it.house.clinical();
    let (kept, ended) =
        (it.patients_of("grace.adeyemi").await.remove(0), it.patients_of("megan.evans").await.remove(0));
    let megan = caller("megan.evans");
    let room = clinical.conversation(&megan, &ended).unwrap();
    it.import(&message("A40", ADA, "MRG|L2^^^X9R^PI")).await;
    let target = clinical.conversation(&megan, &kept).unwrap();
    let token = it.token("megan.evans").await;
    let state = |kind: &str| format!("GET /_matrix/client/v3/rooms/{room}/state/{kind}");
    let tombstone = it.call(&state("m.room.tombstone"), &token, None).await;
    assert_eq!(tombstone["replacement_room"], target.as_str());
    let read = it.call(&format!("GET /_matrix/client/v3/rooms/{room}/messages?dir=b"), &token, None).await;
    assert!(read["chunk"].as_array().unwrap().iter().any(|e| e["type"] == "org.wardline.patient.merged"));
}

#[tokio::test]
async fn break_glass_opens_the_room() {
    let it = Hospital::open().await;
    let patient = it.patients_of("grace.adeyemi").await.remove(0);
    let megan = caller("megan.evans");
    assert!(it.house.clinical().conversation(&megan, &patient).is_err());
    let asked = BreakGlass {
        nhs_number: "9990000018".parse().unwrap(),
        birth_date: Some("1958-03-11".to_owned()),
        family: None,
        reason: "Called to the ward".to_owned(),
    };
    let (_, room) = it.house.clinical().break_glass(&megan, asked).await.unwrap();
    assert_eq!(it.house.clinical().conversation(&megan, &patient).unwrap(), room);
}
