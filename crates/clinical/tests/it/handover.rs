//! The handover list of a role.

use wardline_clinical::{ClinicalError, HandoverList, NewRequest, Until};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
};

use crate::support::{Hospital, MINUTE, NOON, caller};

async fn raise(it: &Hospital, id: &str, class: Class, to: Ask) {
    let new = NewRequest {
        id: id.to_owned(),
        class,
        patient: it.patient().await,
        addressed: to,
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    };
    it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
}

fn list(it: &Hospital, person: &str) -> Result<HandoverList, ClinicalError> {
    it.clinical.handover_list(&caller(person), "medical-registrar")
}

fn ids(list: &HandoverList) -> Vec<&str> {
    list.open.iter().flat_map(|(_, tasks)| tasks).map(|it| it.task.id.as_str()).collect()
}

async fn accept(it: &Hospital, person: &str, digest: &str) -> Result<HandoverList, ClinicalError> {
    it.clinical.accept_handover(&caller(person), "medical-registrar", digest).await
}

#[tokio::test]
async fn everything_open_is_on_the_list_and_the_incoming_holder_accepts_exactly_that() {
    let it = Hospital::demo().await;
    let registrar = || Ask::Role("medical-registrar".to_owned());
    raise(&it, "information", Class::Information, registrar()).await;
    raise(&it, "action", Class::Action, registrar()).await;
    raise(&it, "urgent", Class::Urgent, registrar()).await;
    raise(&it, "person", Class::Action, Ask::Person("megan.evans".to_owned())).await;
    raise(&it, "done", Class::Action, registrar()).await;
    it.say("priya.raman", "done", Command::Complete).await.unwrap();

    let before = list(&it, "priya.raman").unwrap();
    assert_eq!(
        ids(&before),
        ["urgent", "action", "person", "information"],
        "also what her ward's patients wait for"
    );
    assert_eq!(before.open.len(), 1, "one card for the patient");
    assert!(matches!(list(&it, "daniel.osei"), Err(ClinicalError::Forbidden(_))), "it is not his yet");

    it.clinical
        .offer_role(&caller("priya.raman"), "medical-registrar", "daniel.osei", Until::ShiftEnd)
        .await
        .unwrap();
    let read = list(&it, "daniel.osei").unwrap();
    assert_eq!((read.digest.as_str(), read.is_accepted()), (before.digest.as_str(), false));
    for command in [Command::Deliver, Command::See] {
        it.say("priya.raman", "action", command).await.unwrap();
        assert_eq!(list(&it, "daniel.osei").unwrap().digest, read.digest, "who reads the list causes that");
    }
    let words = Command::Comment { text: "Bloods are back".to_owned() };
    it.say("priya.raman", "action", words).await.unwrap();
    let late = accept(&it, "daniel.osei", &read.digest).await;
    assert!(matches!(late, Err(ClinicalError::Conflict(_))), "it has changed since he read it");
    let read = list(&it, "daniel.osei").unwrap();
    let accepted = accept(&it, "daniel.osei", &read.digest).await.unwrap();
    assert!(accepted.is_accepted());
    it.say("priya.raman", "information", Command::See).await.unwrap();
    assert!(list(&it, "daniel.osei").unwrap().is_accepted(), "it shows still");
    let entries = it.audit_is_whole().await;
    accept(&it, "daniel.osei", &read.digest).await.unwrap();
    assert_eq!(it.audit_is_whole().await, entries, "a repetition changes nothing");
    assert_eq!(accepted.accepted.unwrap().tasks, 4);
    assert!(matches!(accept(&it, "megan.evans", &read.digest).await, Err(ClinicalError::Forbidden(_))));
}

#[tokio::test]
async fn nothing_open_vanishes_at_the_end_of_the_shift() {
    let it = Hospital::demo().await;
    it.clinical.follow_rota(Timestamp(NOON)).await.unwrap();
    let registrar = Ask::Role("medical-registrar".to_owned());
    raise(&it, "urgent", Class::Urgent, registrar).await;
    it.say("priya.raman", "urgent", Command::Accept).await.unwrap();
    // Nobody accepts any list; the night's registrar begins at 20:00.
    it.pass(8 * 60 * MINUTE + 1000).await;
    it.clinical.follow_rota(Timestamp(NOON + 8 * 60 * MINUTE + 1000)).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    let night = it.clinical.on_call_for("medical-registrar").unwrap().holder.unwrap().1.id;
    assert_ne!(night, "priya.raman");
    let read = list(&it, &night).unwrap();
    assert_eq!(ids(&read), ["urgent"]);
    let request = &read.open[0].1[0].task.request;
    assert_eq!((request.holders.as_slice(), request.accepted_by.as_ref()), ([night].as_slice(), None));
    assert!(request.next_step_at.is_some(), "and its clock runs");
    assert!(matches!(list(&it, "priya.raman"), Err(ClinicalError::Forbidden(_))));
}
