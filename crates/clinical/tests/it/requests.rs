//! Raising, escalating, accepting.

use wardline_clinical::{ClinicalError, NewRequest};
use wardline_domain::care::{
    playbook::{Ask, Class},
    request::{Command, Reason, RequestError, State},
};

use crate::support::{Hospital, MINUTE, NOON, caller};

#[tokio::test]
async fn the_holder_is_asked_and_accepts() {
    let it = Hospital::demo().await;
    let (view, new) = it.raise("r1", "medical-registrar").await.unwrap();
    assert!(new);
    assert_eq!(view.task.request.holders, ["priya.raman"]);
    assert_eq!(view.task.playbook.as_deref(), Some("deteriorating-patient"));
    assert_eq!(view.next.as_deref(), Some("Surgical registrar"));
    assert_eq!(view.task.request.next_step_at.unwrap().as_millis(), NOON + 5 * MINUTE);
    for command in [Command::Deliver, Command::See, Command::Accept, Command::Arrive, Command::Complete] {
        it.say("priya.raman", "r1", command).await.unwrap();
    }
    assert_eq!(
        it.rooms.lines(),
        [
            "Urgent request: asking Dr Priya Raman (Medical registrar).",
            "Delivered to Dr Priya Raman.",
            "Seen by Dr Priya Raman.",
            "Dr Priya Raman accepted.",
            "Dr Priya Raman has arrived.",
            "Dr Priya Raman has completed the request.",
        ]
    );
    assert_eq!(it.pass(60 * MINUTE).await, 0, "no clock is left");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn nobody_answers_and_it_climbs_by_the_playbook() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    it.pass(5 * MINUTE).await;
    let update = it.rooms.last();
    assert_eq!(
        update["body"],
        "No answer in 5 minutes: also asking Miss Hannah Whitfield (Surgical registrar)."
    );
    assert_eq!(update["invite"], "@hannah.whitfield:riverside.example", "she does not cover the ward");
    assert_eq!(update["asks"], "@hannah.whitfield:riverside.example");
    assert_eq!(update["role"], "HealthcareService/surgical-registrar");
    assert_eq!(update["next_step_at"], NOON + 10 * MINUTE);
    assert!(it.rooms.invited.lock().unwrap().is_empty(), "the members' clients come first");
    it.pass(5000).await;
    assert_eq!(it.rooms.invited.lock().unwrap().len(), 1, "then the clerk");
    it.pass(5 * MINUTE).await;
    it.pass(5 * MINUTE).await;
    let view = it.clinical.task(&caller("dev.patel"), "r1").unwrap();
    assert!(view.task.request.overdue);
    assert_eq!(view.task.request.holders, ["dev.patel"]);
    assert!(it.rooms.lines().last().unwrap().ends_with("asking Dev Patel (Site manager) again."));
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    assert!(matches!(
        it.say("dev.patel", "r1", Command::Accept).await,
        Err(ClinicalError::Request(RequestError::AcceptedBy(by))) if by == "priya.raman"
    ));
    it.audit_is_whole().await;
}

#[tokio::test]
async fn a_member_who_is_asked_is_not_invited() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    assert!(it.rooms.last().get("invite").is_none());
    it.pass(6000).await;
    assert!(it.rooms.invited.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_vacant_role_is_passed_over_and_said() {
    let it = Hospital::demo().await;
    let (view, _) = it.raise("r1", "anaesthetist").await.unwrap();
    assert_eq!(view.task.request.holders, ["hannah.whitfield"]);
    assert_eq!(view.transitions[0].reason, Some(Reason::Vacant));
    assert_eq!(it.rooms.lines()[0], "Nobody holds Anaesthetist on call now.");
}

#[tokio::test]
async fn a_decline_asks_the_next_at_once_and_its_words_stay_sealed() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    let reason = "with Mrs Akhtar in resus".to_owned();
    let view = it.say("priya.raman", "r1", Command::Decline { reason: reason.clone() }).await.unwrap();
    assert_eq!(view.task.request.step, 1);
    assert_eq!(view.transitions[1].reason, Some(Reason::Said(reason.clone())));
    assert!(it.rooms.said.lock().unwrap().iter().all(|(_, c)| !c.to_string().contains("Akhtar")));
    let bytes = it.database_bytes();
    assert!(!bytes.windows(reason.len()).any(|w| w == reason.as_bytes()));
}

#[tokio::test]
async fn raising_twice_is_one_request_and_another_content_is_refused() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    let (view, new) = it.raise("r1", "medical-registrar").await.unwrap();
    assert!(!new);
    assert_eq!(view.task.request.state, State::Accepted);
    assert!(matches!(it.raise("r1", "site-manager").await, Err(ClinicalError::Conflict(_))));
    assert_eq!(it.rooms.lines().len(), 2);
}

#[tokio::test]
async fn bad_requests_name_the_field_and_change_nothing() {
    let it = Hospital::demo().await;
    let path = |error: ClinicalError| match error {
        ClinicalError::Invalid { path, .. } => path,
        other => panic!("{other}"),
    };
    assert_eq!(path(it.raise("r1", "no-such-role").await.unwrap_err()), "Task.owner");
    let new = NewRequest {
        id: "r2".into(),
        class: Class::Urgent,
        patient: it.patient().await,
        addressed: Ask::Person("priya.raman".into()),
        needed_by: None,
        playbook: Some("no-such-playbook".into()),
        event: None,
        room: None,
    };
    let nurse = caller("grace.adeyemi");
    assert_eq!(
        path(it.clinical.raise(&nurse, new.clone()).await.unwrap_err()),
        "Task.extension(request-playbook)"
    );
    let unknown = NewRequest { patient: "nobody".into(), ..new.clone() };
    assert_eq!(path(it.clinical.raise(&nurse, unknown).await.unwrap_err()), "Task.for");
    let room = NewRequest { room: Some("!other:riverside.example".try_into().unwrap()), ..new.clone() };
    assert_eq!(path(it.clinical.raise(&nurse, room).await.unwrap_err()), "Task.extension(request-room)");
    let stranger = it.clinical.raise(&caller("megan.evans"), new).await;
    assert!(matches!(stranger, Err(ClinicalError::Forbidden(_))));
    assert!(it.clinical.tasks(&nurse, None, None, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn people_find_what_concerns_them() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    it.pass(1000).await;
    it.raise("r2", "site-manager").await.unwrap();
    let ids =
        |views: Vec<wardline_clinical::TaskView>| views.into_iter().map(|v| v.task.id).collect::<Vec<_>>();
    let find = async |who: &str, requester: Option<&str>, owner: Option<&str>| {
        let (requester, owner) = (requester.map(str::to_owned), owner.map(str::to_owned));
        ids(it.clinical.tasks(&caller(who), None, requester, owner).await.unwrap())
    };
    assert_eq!(find("grace.adeyemi", Some("grace.adeyemi"), None).await, ["r2", "r1"]);
    assert_eq!(find("priya.raman", None, Some("priya.raman")).await, ["r1"]);
    assert_eq!(find("dev.patel", None, None).await, ["r2"], "he is in no room but was asked");
    assert!(find("megan.evans", None, None).await.is_empty());
    assert!(matches!(it.clinical.task(&caller("megan.evans"), "r1"), Err(ClinicalError::NotFound(_))));
}

#[tokio::test]
async fn a_request_is_passed_on_and_reopened() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    let to = |person: &str| Command::Reassign { to: person.to_owned() };
    let nobody = it.say("priya.raman", "r1", to("no.body")).await;
    assert!(matches!(nobody, Err(ClinicalError::Invalid { path, .. }) if path.contains("to")));
    it.say("priya.raman", "r1", to("megan.evans")).await.unwrap();
    let update = it.rooms.last();
    assert_eq!(update["body"], "Dr Priya Raman passed it on: now asking Megan Evans.");
    assert_eq!(update["invite"], "@megan.evans:riverside.example");
    it.say("megan.evans", "r1", Command::Complete).await.unwrap();
    let view = it.say("grace.adeyemi", "r1", Command::Reopen).await.unwrap();
    assert_eq!(view.task.request.holders, ["priya.raman"]);
    assert!(
        it.rooms
            .lines()
            .last()
            .unwrap()
            .ends_with("reopened the request: asking Dr Priya Raman (Medical registrar).")
    );
    assert_eq!(it.pass(5 * MINUTE).await, 2, "its clock runs again, and the invitation's");
    it.audit_is_whole().await;
}
