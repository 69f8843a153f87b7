//! Reminders, whom they notify, and how often teams are interrupted.

use serde_json::{Value, json};
use wardline_clinical::{ClinicalError, ImportMode, NewRequest};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
};

use crate::support::{Hospital, MINUTE, NOON, caller};

async fn raise(it: &Hospital, id: &str, class: Class) -> Value {
    let new = NewRequest {
        id: id.to_owned(),
        class,
        patient: it.patient().await,
        addressed: Ask::Role("medical-registrar".to_owned()),
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    };
    it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    it.rooms.last()
}

/// A team with the holder of the registrar's role; two interruptions an hour are its budget.
async fn team(it: &Hospital) {
    let team = json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": {
        "resourceType": "CareTeam", "id": "noisy", "name": "Medical team",
        "participant": [{ "member": { "reference": "Practitioner/priya.raman" } }],
    } }] });
    it.clinical.import(team.to_string().as_bytes(), ImportMode::Strict).await.unwrap();
}

#[tokio::test]
async fn an_urgent_request_reminds_every_minute_until_it_is_accepted() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    let asked = json!({ "user_ids": ["@priya.raman:riverside.example"] });
    assert_eq!(it.rooms.last()["m.mentions"], asked);
    it.pass(59_000).await;
    assert_eq!(it.rooms.lines().len(), 1);
    it.pass(1000).await;
    let reminder = it.rooms.last();
    assert_eq!(reminder["body"], "Still waiting for Medical registrar.");
    assert_eq!((&reminder["reminder"], &reminder["m.mentions"]), (&json!(true), &asked));
    it.say("priya.raman", "r1", Command::See).await.unwrap();
    it.pass(MINUTE).await;
    assert_eq!(it.rooms.last()["reminder"], true, "seen is not accepted");
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    let said = it.rooms.lines().len();
    for _ in 0..5 {
        it.pass(MINUTE).await;
    }
    assert_eq!(it.rooms.lines().len(), said);
}

#[tokio::test]
async fn reminders_that_were_missed_are_left_out_and_the_next_ones_come() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    let it = it.restart();
    it.pass(2 * MINUTE + 31_000).await;
    assert_eq!(it.rooms.lines().len(), 1);
    it.pass(29_000).await;
    assert_eq!(it.rooms.last()["reminder"], true, "the third minute");
    // At the fifth the next step asks, and its own minutes begin.
    it.pass(MINUTE).await;
    it.pass(MINUTE).await;
    assert!(it.rooms.last()["body"].as_str().unwrap().starts_with("No answer"));
    it.pass(MINUTE).await;
    assert_eq!(it.rooms.last()["body"], "Still waiting for Surgical registrar.");
}

#[tokio::test]
async fn action_and_information_do_not_remind_and_information_makes_no_sound() {
    let it = Hospital::demo().await;
    let action = raise(&it, "a1", Class::Action).await;
    assert!(action["m.mentions"].is_object());
    let information = raise(&it, "i1", Class::Information).await;
    assert!(information.get("m.mentions").is_none());
    let said = it.rooms.lines().len();
    for _ in 0..4 {
        it.pass(MINUTE).await;
    }
    assert_eq!(it.rooms.lines().len(), said);
}

#[tokio::test]
async fn beyond_the_budget_actions_make_no_sound_but_urgent_requests_do() {
    let it = Hospital::demo().await;
    team(&it).await;
    assert!(raise(&it, "a1", Class::Action).await["m.mentions"].is_object());
    assert!(raise(&it, "a2", Class::Action).await["m.mentions"].is_object());
    let third = raise(&it, "a3", Class::Action).await;
    assert_eq!((third.get("m.mentions"), &third["over_budget"]), (None, &json!(true)));
    assert!(raise(&it, "u1", Class::Urgent).await["m.mentions"].is_object(), "whatever the budget");
    it.pass(61 * MINUTE).await;
    assert!(raise(&it, "a4", Class::Action).await["m.mentions"].is_object(), "an hour later");
}

#[tokio::test]
async fn the_noise_report_counts_by_class_reason_and_hour() {
    let it = Hospital::demo().await;
    team(&it).await;
    for id in ["a1", "a2", "a3"] {
        raise(&it, id, Class::Action).await;
    }
    it.raise("u1", "medical-registrar").await.unwrap();
    raise(&it, "i1", Class::Information).await;
    it.pass(MINUTE).await;
    let end = Timestamp(NOON + 2 * 60 * MINUTE);
    let report = it.clinical.noise("noisy", Some(Timestamp(NOON)), Some(end)).unwrap();
    assert_eq!((report.total, report.quiet, report.budget), (5, 1, Some(2)));
    assert_eq!(report.by_class.into_iter().collect::<Vec<_>>(), [("action".into(), 3), ("urgent".into(), 2)]);
    assert_eq!(report.by_kind.into_iter().collect::<Vec<_>>(), [("asked".into(), 4), ("reminded".into(), 1)]);
    assert_eq!(report.by_hour.into_iter().collect::<Vec<_>>(), [(12, 5)]);
    assert_eq!((report.hours_over, report.most), (1, 5));
    let before = it.clinical.noise("noisy", None, Some(Timestamp(NOON))).unwrap();
    assert_eq!(before.total, 0);
    assert!(matches!(it.clinical.noise("nobody", None, None), Err(ClinicalError::NotFound(_))));
    let backwards = it.clinical.noise("noisy", Some(end), Some(Timestamp(NOON)));
    assert!(matches!(backwards, Err(ClinicalError::Invalid { .. })));
}
