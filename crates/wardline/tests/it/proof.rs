//! `wardline request prove` and `verify` on a server's data.

use std::{fs, path::Path, process::Output, sync::Arc};

use wardline_clinical::{Caller, ImportMode, NewRequest};
use wardline_domain::{
    Clock, Timestamp,
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
    ruma::UserId,
};
use wardline_server::{Config, House, SystemRandom};

use crate::process::run;

/// 2026-11-22 12:00 in London, in the day shift.
#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_348_800_000)
    }
}

fn caller(person: &str) -> Caller {
    let user = UserId::parse(format!("@{person}:riverside.example")).unwrap();
    Caller { user, device: Some("PHONE".to_owned()) }
}

/// A data folder in which a request was raised and accepted; the published key.
async fn accepted(data: &Path) -> String {
    let config = Config::new("riverside.example".try_into().unwrap(), data.to_owned());
    let house = House::open(&config, config.listen, Arc::new(Noon), Arc::new(SystemRandom)).await.unwrap();
    for person in ["grace.adeyemi", "priya.raman"] {
        house.identity().create_account(person, None, false).await.unwrap();
    }
    let clinical = house.clinical();
    for file in ["bundle.json", "admissions.hl7"] {
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").join(file);
        clinical.import(&fs::read(demo).unwrap(), ImportMode::Strict).await.unwrap();
    }
    assert_eq!(clinical.drain_outbox().await.unwrap(), 0);
    let grace = caller("grace.adeyemi");
    let patient = clinical.patients_in_hospital(&grace, None).await.unwrap().remove(0).reference;
    let new = NewRequest {
        id: "r1".to_owned(),
        class: Class::Urgent,
        patient,
        addressed: Ask::Role("medical-registrar".to_owned()),
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    };
    clinical.raise(&grace, new).await.unwrap();
    clinical.command(&caller("priya.raman"), "r1", Command::Accept).await.unwrap();
    let bundle = clinical.prove("r1").await.unwrap();
    house.close().await;
    let keys = wardline_domain::care::proof::own_keys(&bundle).unwrap();
    let (id, key) = keys.into_iter().next().unwrap();
    format!("{id}={key}")
}

fn text(output: Output) -> (Option<i32>, String) {
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_proven_offline_and_every_change_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let key = accepted(&data).await;
    let data = data.to_str().unwrap();
    let place = ["--data", data, "--server-name", "riverside.example"];
    let (code, bundle) = text(run(&[&["request", "prove", "r1"], &place[..]].concat()));
    assert_eq!(code, Some(0), "{bundle}");

    let file = dir.path().join("proof.json");
    let path = file.to_str().unwrap();
    fs::write(&file, &bundle).unwrap();
    let (code, said) = text(run(&["request", "verify", path, "--key", &key]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("request r1: 2 transitions, unchanged and without a gap"), "{said}");
    assert!(said.contains("accepted by Dr Priya Raman (priya.raman), device PHONE"), "{said}");
    assert!(!said.contains("ATTENTION"), "{said}");
    let (code, said) = text(run(&["request", "verify", path]));
    assert_eq!(code, Some(0));
    assert!(said.contains("ATTENTION: compare this key"), "{said}");

    fs::write(&file, bundle.replace("\"accepted\"", "\"declined\"")).unwrap();
    let (code, said) = text(run(&["request", "verify", path, "--key", &key]));
    assert_eq!(code, Some(1));
    assert!(said.contains("link 2: the signature"), "{said}");

    let (code, said) = text(run(&[&["request", "prove", "r2"], &place[..]].concat()));
    assert_eq!((code, said.trim()), (Some(1), "wardline: Task not found"));
    fs::write(&file, "{\"format\":\"something\"}").unwrap();
    let (code, said) = text(run(&["request", "verify", path]));
    assert_eq!(code, Some(1));
    assert!(said.contains("this is not a proof of a request: format"), "{said}");
}
