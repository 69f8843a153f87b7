//! Two records of one patient become one; a patient leaves hospital and comes back.

use serde_json::Value;
use wardline_clinical::{ClinicalError, ImportMode, ImportReport, Patient, TaskView, Until};
use wardline_domain::care::{
    playbook::{Ask, Class},
    request::Command,
};

use crate::support::{Hospital, caller};

const ADA: &str = "9990000018^^^NHS^NH~L1^^^X9R^PI||Okafor^Ada||19580311|F";
const OTHER: &str = "9434765919^^^NHS^NH~L2^^^X9R^PI||Okafor^Ada||19580311|F";

async fn send(it: &Hospital, kind: &str, pid: &str, rest: &str) -> Result<ImportReport, ClinicalError> {
    let head = "MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^";
    let file = format!("{head}{kind}|1|P|2.4\rPID|1||{pid}\r{rest}\r");
    let report = it.clinical.import(file.as_bytes(), ImportMode::Strict).await;
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    report
}

/// Ada twice: once on Nightingale ward and once on Barts.
async fn hospital() -> (Hospital, Patient, Patient) {
    let it = Hospital::empty();
    it.clinical.import(&crate::support::demo("bundle.json"), ImportMode::Strict).await.unwrap();
    send(&it, "A01", ADA, "PV1||I|NIGHT^A^1").await.unwrap();
    send(&it, "A01", OTHER, "PV1||I|BARTS^B^2").await.unwrap();
    let of =
        async |person: &str| it.clinical.patients_in_hospital(&caller(person), None).await.unwrap().remove(0);
    let (ada, other) = (of("grace.adeyemi").await, of("megan.evans").await);
    (it, ada, other)
}

async fn raise(it: &Hospital, by: &str, id: &str, patient: &Patient) -> Result<TaskView, ClinicalError> {
    let new = wardline_clinical::NewRequest {
        id: id.to_owned(),
        class: Class::Urgent,
        patient: patient.reference.clone(),
        addressed: Ask::Role("surgical-registrar".to_owned()),
        needed_by: None,
        playbook: None,
        event: Some("$words".to_owned()),
        room: None,
    };
    let raised = it.clinical.raise(&caller(by), new).await;
    it.clinical.drain_outbox().await.unwrap();
    Ok(raised?.0)
}

fn said(it: &Hospital, key: &str) -> Option<Value> {
    it.rooms.said.lock().unwrap().iter().find(|(known, _)| known.starts_with(key)).map(|(_, c)| c.clone())
}

#[tokio::test]
async fn a_merge_joins_two_conversations_and_their_requests() {
    let (it, ada, other) = hospital().await;
    let (kept, ended) = (ada.room.clone().unwrap(), other.room.clone().unwrap());
    raise(&it, "megan.evans", "open", &other).await.unwrap();
    raise(&it, "megan.evans", "done", &other).await.unwrap();
    it.say("hannah.whitfield", "done", Command::Complete).await.unwrap();
    assert!(it.clinical.conversation(&caller("megan.evans"), &ada.reference).is_err());

    send(&it, "A40", ADA, "MRG|L2^^^X9R^PI").await.unwrap();
    let members = it.rooms.members.lock().unwrap().clone();
    for person in ["grace.adeyemi", "megan.evans", "hannah.whitfield", "priya.raman"] {
        assert!(members[&kept].contains(&caller(person).user), "{person}");
    }
    for person in ["grace.adeyemi", "megan.evans", "hannah.whitfield", "priya.raman"] {
        assert!(members[&ended].contains(&caller(person).user), "{person} can read what was said there");
    }
    let tombstone = it.rooms.state.lock().unwrap()[&(ended.clone(), "m.room.tombstone".into())].clone();
    assert_eq!(tombstone["replacement_room"], kept.as_str());
    assert_eq!(said(&it, &format!("merged-{}", other.reference)).unwrap()["ref"], ada.reference);
    assert_eq!(
        said(&it, &format!("merged-into-{}", other.reference)).unwrap()["merged_room"],
        ended.as_str()
    );

    let open = it.clinical.task(&caller("grace.adeyemi"), "open").unwrap().task;
    assert_eq!((open.patient.as_ref(), &open.room), (Some(&ada.reference), &kept));
    assert_eq!(open.event_room.as_ref(), Some(&ended), "the words are where they were sent");
    let done = it.clinical.task(&caller("megan.evans"), "done").unwrap().task;
    assert_eq!((done.patient.as_ref(), &done.room), (Some(&ada.reference), &ended));
    it.say("hannah.whitfield", "open", Command::Accept).await.unwrap();

    // The superseded NHS number leads to the record that goes on.
    send(&it, "A02", OTHER.split('~').next().unwrap(), "PV1||I|SEAC^A^1").await.unwrap();
    let now = it.clinical.patients_in_hospital(&caller("lina.chen"), None).await.unwrap();
    assert_eq!((now.len(), &now[0].reference), (1, &ada.reference));
    let refused = raise(&it, "megan.evans", "late", &other).await;
    assert!(matches!(refused, Err(ClinicalError::Conflict(_))), "{refused:?}");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn whoever_comes_later_reads_both_conversations_and_loses_both() {
    let (it, ada, other) = hospital().await;
    let (kept, ended) = (ada.room.clone().unwrap(), other.room.clone().unwrap());
    send(&it, "A40", ADA, "MRG|L2^^^X9R^PI").await.unwrap();
    let is_in = |person: &str| {
        let members = it.rooms.members.lock().unwrap();
        [&kept, &ended].map(|room| members[room].contains(&caller(person).user))
    };

    // By break-glass.
    let privacy = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":
        {"resourceType":"HealthcareService","id":"privacy","name":"Privacy officer",
        "type":[{"coding":[{"code":"privacy-officer"}]}]}}]}"#;
    it.clinical.import(privacy.as_bytes(), ImportMode::Strict).await.unwrap();
    let asked = wardline_clinical::BreakGlass {
        nhs_number: "9434765919".parse().unwrap(),
        birth_date: Some("1958-03-11".into()),
        family: None,
        reason: "Collapsed".into(),
    };
    assert_eq!(is_in("samuel.mbeki"), [false, false]);
    it.clinical.break_glass(&caller("samuel.mbeki"), asked).await.unwrap();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!(is_in("samuel.mbeki"), [true, true]);

    // Through a role, as long as they hold it.
    let priya = caller("priya.raman");
    assert_eq!(is_in("daniel.osei"), [false, false]);
    it.clinical.offer_role(&priya, "medical-registrar", "daniel.osei", Until::ShiftEnd).await.unwrap();
    it.clinical.accept_role(&caller("daniel.osei"), "medical-registrar").await.unwrap();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!((is_in("daniel.osei"), is_in("priya.raman")), ([true, true], [false, false]));

    // Asked by a request: once they answer it, and not before.
    let new = wardline_clinical::NewRequest {
        id: "asked".to_owned(),
        class: Class::Action,
        patient: ada.reference.clone(),
        addressed: Ask::Person("lina.chen".to_owned()),
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    };
    it.rooms.members.lock().unwrap().get_mut(&kept).unwrap().remove(&caller("lina.chen").user);
    it.rooms.members.lock().unwrap().get_mut(&ended).unwrap().remove(&caller("lina.chen").user);
    it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!(is_in("lina.chen"), [false, false]);
    it.rooms.members.lock().unwrap().get_mut(&kept).unwrap().insert(caller("lina.chen").user);
    it.say("lina.chen", "asked", Command::Accept).await.unwrap();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!(is_in("lina.chen"), [true, true]);
    it.audit_is_whole().await;
}

#[tokio::test]
async fn a_merge_begun_while_rooms_are_down_is_finished_later() {
    let (it, _, other) = hospital().await;
    it.rooms.down.store(true, std::sync::atomic::Ordering::SeqCst);
    let merge =
        format!("MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^A40|1|P|2.4\rPID|1||{ADA}\rMRG|L2^^^X9R^PI\r");
    it.clinical.import(merge.as_bytes(), ImportMode::Strict).await.unwrap();
    assert!(it.clinical.drain_outbox().await.unwrap() > 0);
    let it = it.restart();
    it.rooms.down.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert!(said(&it, &format!("merged-{}", other.reference)).is_some());
}

#[tokio::test]
async fn a_record_is_not_merged_into_itself() {
    let (it, ..) = hospital().await;
    for merged in ["MRG|L1^^^X9R^PI", "MRG|9990000018^^^NHS^NH~L1^^^X9R^PI"] {
        let refused = send(&it, "A40", ADA, merged).await;
        let Err(ClinicalError::ImportRefused(report)) = refused else { panic!("{refused:?}") };
        assert_eq!(report.problems[0].problem, "MRG-1: a record cannot be merged into itself");
    }
}

#[tokio::test]
async fn a_discharge_closes_and_a_readmission_opens_again() {
    let (it, ada, _) = hospital().await;
    let room = ada.room.clone().unwrap();
    raise(&it, "grace.adeyemi", "open", &ada).await.unwrap();
    let report = send(&it, "A03", ADA, "").await.unwrap();
    assert_eq!(report.notices[0].problem, "1 open request(s) of this patient must be completed or cancelled");
    let status = |it: &Hospital| {
        it.rooms.state.lock().unwrap()[&(room.clone(), "org.wardline.patient.status".into())].clone()
    };
    assert_eq!(status(&it)["open"], false);
    assert_eq!(it.rooms.last()["open_requests"], 1);
    let refused = raise(&it, "grace.adeyemi", "late", &ada).await;
    assert!(matches!(refused, Err(ClinicalError::Conflict(_))));
    it.say("grace.adeyemi", "open", Command::Cancel).await.unwrap();

    it.clock.0.fetch_add(1000, std::sync::atomic::Ordering::SeqCst);
    send(&it, "A01", ADA, "PV1||I|NIGHT^A^1").await.unwrap();
    assert_eq!(status(&it)["open"], true);
    raise(&it, "grace.adeyemi", "again", &ada).await.unwrap();
    let died = "9990000018^^^NHS^NH~L1^^^X9R^PI||Okafor^Ada||19580311|F||||||||||||||||||||||Y";
    it.clock.0.fetch_add(1000, std::sync::atomic::Ordering::SeqCst);
    send(&it, "A08", died, "").await.unwrap();
    assert_eq!(status(&it)["deceased"], true);
}
