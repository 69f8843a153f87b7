//! A role that nobody holds is an alarm.

use std::sync::atomic::Ordering;

use wardline_clinical::{ClinicalError, ImportMode, Reach, TaskView, Until};
use wardline_domain::{
    Timestamp,
    care::request::{Command, State},
};

use wardline_store::{push_rules, users};

use crate::support::{Hospital, MINUTE, NOON, caller};

const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{
    "resourceType":"HealthcareService","id":"anaesthetist","name":"Anaesthetist on call","extension":[{
    "url":"https://wardline.org/fhir/StructureDefinition/role-fallback",
    "valueReference":{"reference":"HealthcareService/site-manager"}}]}}]}"#;

impl Hospital {
    async fn vacant() -> Self {
        let it = Self::demo().await;
        it.watch().await;
        it.clinical.import(BUNDLE.as_bytes(), ImportMode::Strict).await.unwrap();
        it
    }

    async fn watch(&self) {
        self.clinical.follow_rota(Timestamp(self.clock.0.load(Ordering::SeqCst))).await.unwrap();
        assert_eq!(self.clinical.drain_outbox().await.unwrap(), 0);
    }

    async fn alarms(&self) -> Vec<TaskView> {
        let mut found = self.clinical.tasks(&caller("dev.patel"), None, None, None).await.unwrap();
        found.retain(|view| view.task.description.is_some());
        found
    }
}

#[tokio::test]
async fn a_vacancy_is_told_once_and_ends_when_the_role_is_held() {
    let it = Hospital::vacant().await;
    it.watch().await;
    let alarm = it.alarms().await.remove(0);
    assert_eq!(alarm.task.request.holders, ["dev.patel"]);
    assert_eq!((alarm.task.patient, alarm.names["clerk"].as_str()), (None, "Wardline"));
    assert_eq!(it.rooms.lines(), ["Nobody holds Anaesthetist on call now. Asking Dev Patel (Site manager)."]);
    let members = it.rooms.members.lock().unwrap()[&alarm.task.room].clone();
    assert!(members.contains(&caller("dev.patel").user), "who is asked is in the role's conversation");

    it.say("dev.patel", &alarm.task.id, Command::Complete).await.unwrap();
    let it = it.restart();
    it.pass(60 * MINUTE).await;
    it.watch().await;
    assert_eq!(it.alarms().await.len(), 1, "not again while it lasts");

    it.clinical.take_role(&caller("samuel.mbeki"), "anaesthetist", Until::ShiftEnd).await.unwrap();
    it.clinical.release_role(&caller("samuel.mbeki"), "anaesthetist").await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    assert_eq!(it.alarms().await.len(), 2, "a new vacancy is a new alarm");
    it.clinical.take_role(&caller("samuel.mbeki"), "anaesthetist", Until::ShiftEnd).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    let over = it.alarms().await;
    assert!(over.iter().any(|view| view.task.request.state == State::Cancelled));
    assert!(over.iter().all(|view| view.task.request.state.is_final()));
    it.audit_is_whole().await;
}

#[tokio::test]
async fn a_vacancy_climbs_like_any_request_and_repeats_at_the_last() {
    let it = Hospital::vacant().await;
    it.watch().await;
    it.pass(5 * MINUTE).await;
    assert!(it.rooms.lines()[1].ends_with("asking Dev Patel (Site manager) again."));
    assert!(it.alarms().await[0].task.request.overdue);
}

#[tokio::test]
async fn a_vacancy_that_is_over_before_it_was_told_is_not_told() {
    let it = Hospital::vacant().await;
    it.rooms.down.store(true, Ordering::SeqCst);
    it.clinical.follow_rota(Timestamp(NOON)).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    it.clinical.take_role(&caller("samuel.mbeki"), "anaesthetist", Until::ShiftEnd).await.unwrap();
    it.rooms.down.store(false, Ordering::SeqCst);
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert!(it.alarms().await.is_empty());
}

#[tokio::test]
async fn the_playbook_of_a_role_names_who_is_told_too() {
    let it = Hospital::demo().await;
    let text = String::from_utf8(crate::support::demo("playbooks/deteriorating-patient.toml")).unwrap();
    let own = text
        .replace("id = \"deteriorating-patient\"", "id = \"anaesthesia\"")
        .replace("classes = [\"urgent\"]", "classes = [\"urgent\"]\nroles = [\"anaesthetist\"]");
    it.clinical.import(own.as_bytes(), ImportMode::Strict).await.unwrap();
    it.watch().await;
    let lines = it.rooms.lines();
    assert_eq!(
        lines,
        ["Nobody holds Anaesthetist on call now. Asking Miss Hannah Whitfield (Surgical registrar)."]
    );
}

#[tokio::test]
async fn a_fallback_must_be_another_role_that_exists() {
    let it = Hospital::demo().await;
    for wrong in ["HealthcareService/anaesthetist", "HealthcareService/nobody", "Practitioner/dev.patel"] {
        let bundle = BUNDLE.replace("HealthcareService/site-manager", wrong);
        let refused = it.clinical.import(bundle.as_bytes(), ImportMode::Strict).await;
        let Err(ClinicalError::ImportRefused(report)) = refused else { panic!("{wrong}: {refused:?}") };
        assert!(report.problems[0].problem.starts_with("extension(role-fallback)"), "{report:?}");
    }
}

impl Hospital {
    /// Samuel Mbeki holds the role from now on; his account has a phone that was last seen at noon.
    async fn samuel_with_a_phone(self) -> Self {
        let it = self.watching_devices();
        let person = "(SELECT nid FROM users WHERE user_id = '@samuel.mbeki:riverside.example')";
        let rows = [
            format!(
                "INSERT INTO devices (user_nid, device_id, created_at, last_seen_at) VALUES ({person}, 'PHONE', 0, {NOON})"
            ),
            format!(
                "INSERT INTO sessions (user_nid, device_id, created_at, grant_id) VALUES ({person}, 'PHONE', 0, 1)"
            ),
        ];
        let samuel = caller("samuel.mbeki");
        let user = samuel.user.clone();
        it.store
            .write(move |tx| {
                users::intern(tx, &user)?;
                rows.iter().try_for_each(|row| tx.execute(row, &[]).map(drop))
            })
            .await
            .unwrap();
        it.clinical.take_role(&samuel, "anaesthetist", Until::ShiftEnd).await.unwrap();
        it.watch().await;
        it
    }

    fn reach(&self) -> Option<Reach> {
        self.clinical.on_call_for("anaesthetist").unwrap().reach
    }

    /// The alarms about this role that are open.
    async fn open_alarms(&self) -> usize {
        let about =
            |it: &TaskView| it.task.description.as_deref().is_some_and(|it| it.contains("Anaesthetist"));
        self.alarms().await.iter().filter(|it| about(it) && !it.task.request.state.is_final()).count()
    }
}

#[tokio::test]
async fn a_holder_who_cannot_be_reached_is_an_alarm_until_a_device_is_used() {
    let it = Hospital::vacant().await.samuel_with_a_phone().await;
    assert_eq!((it.reach(), it.open_alarms().await), (Some(Reach::Reachable), 0));
    it.pass(16 * MINUTE).await;
    it.watch().await;
    assert_eq!((it.reach(), it.open_alarms().await), (Some(Reach::Unreachable), 1));
    let said = it.rooms.lines();
    let line = "Whoever holds Anaesthetist on call cannot be reached on any device. Asking Dev Patel (Site manager).";
    assert!(said.iter().any(|it| it == line), "{said:?}");
    let seen = format!("UPDATE devices SET last_seen_at = {}", NOON + 16 * MINUTE);
    it.store.write(move |tx| tx.execute(&seen, &[])).await.unwrap();
    it.pass(31_000).await;
    it.watch().await;
    assert_eq!((it.reach(), it.open_alarms().await), (Some(Reach::Reachable), 0));
}

#[tokio::test]
async fn push_reaches_a_device_unless_it_is_muted() {
    let it = Hospital::vacant().await.samuel_with_a_phone().await;
    let pusher = "INSERT INTO pushers (user_nid, device_id, app_id, pushkey, kind, app_display_name, \
                  device_display_name, lang, data, created_at, cursor, activated, ack_until) \
                  SELECT nid, 'PHONE', 'app', 'key', 'http', 'App', 'Phone', 'en', '{}', 0, 0, 1, 0 FROM users \
                  WHERE user_id = '@samuel.mbeki:riverside.example'";
    it.store.write(move |tx| tx.execute(pusher, &[])).await.unwrap();
    it.pass(60 * MINUTE).await;
    it.watch().await;
    assert_eq!((it.reach(), it.open_alarms().await), (Some(Reach::Reachable), 0));
    let user = caller("samuel.mbeki").user;
    let muted = r#"{"override":[{"rule_id":".m.rule.master","enabled":true,"default":true,"actions":[]}]}"#;
    it.store
        .write(move |tx| {
            let user = users::find(tx, &user)?.unwrap();
            push_rules::put(tx, user, muted).map(drop)
        })
        .await
        .unwrap();
    it.pass(31_000).await;
    it.watch().await;
    assert_eq!((it.reach(), it.open_alarms().await), (Some(Reach::Muted), 1));
}
