//! On duty, busy, off duty: who is asked instead, and what may disturb.

use wardline_clinical::{
    ClinicalError, Conflict, Cover, DutyState, DutyStatus, NewRequest, Silence, silence,
};
use wardline_domain::{
    Timestamp,
    care::playbook::{Ask, Class},
};

use crate::support::{Hospital, MINUTE, NOON, caller, cipher, london};

fn off(cover: Option<Cover>) -> DutyStatus {
    DutyStatus { state: DutyState::Off, cover, ..DutyStatus::default() }
}

async fn say(it: &Hospital, person: &str, status: DutyStatus) -> Result<DutyStatus, ClinicalError> {
    it.clinical.set_duty(&caller(person), status).await
}

async fn ask(it: &Hospital, id: &str, class: Class, person: &str) -> Vec<String> {
    let new = NewRequest {
        id: id.to_owned(),
        class,
        patient: it.patient().await,
        addressed: Ask::Person(person.to_owned()),
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    };
    let view = it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap().0;
    it.clinical.drain_outbox().await.unwrap();
    view.task.request.holders
}

/// What may disturb somebody, so many minutes after noon.
async fn disturbs(it: &Hospital, person: &'static str, minutes: i64) -> Silence {
    let at = Timestamp(NOON + minutes * MINUTE);
    let read = move |tx: &wardline_store::ReadTx<'_>| silence(tx, &cipher(), &london(), person, at);
    it.store.read(read).await.unwrap()
}

#[tokio::test]
async fn who_covers_is_asked_instead_of_somebody_who_is_off_duty_and_the_sender_is_told() {
    let it = Hospital::demo().await;
    say(&it, "megan.evans", off(Some(Cover::Person("tomasz.kowalski".into())))).await.unwrap();
    assert_eq!(ask(&it, "r1", Class::Urgent, "megan.evans").await, ["tomasz.kowalski"]);
    assert_eq!(
        it.rooms.lines().last().unwrap(),
        "Urgent request: asking Tomasz Kowalski, who covers for Megan Evans (off duty)."
    );
    let (_, cover) = it.clinical.duty_of("megan.evans").unwrap();
    assert_eq!(cover.as_deref(), Some("tomasz.kowalski"));
    say(&it, "megan.evans", off(Some(Cover::Role("medical-registrar".into())))).await.unwrap();
    assert_eq!(ask(&it, "r2", Class::Urgent, "megan.evans").await, ["priya.raman"], "whoever holds the role");
    say(&it, "megan.evans", DutyStatus::default()).await.unwrap();
    assert_eq!(ask(&it, "r3", Class::Urgent, "megan.evans").await, ["megan.evans"]);
    it.audit_is_whole().await;
}

#[tokio::test]
async fn without_cover_the_sender_learns_at_once_that_nobody_was_asked() {
    let it = Hospital::demo().await;
    let until = Some(Timestamp(NOON + 3 * MINUTE));
    say(&it, "megan.evans", DutyStatus { until, ..off(None) }).await.unwrap();
    assert_ne!(ask(&it, "r0", Class::Urgent, "megan.evans").await, ["megan.evans"], "its playbook goes on");
    // No playbook serves information.
    assert!(ask(&it, "r1", Class::Information, "megan.evans").await.is_empty());
    let said = it.rooms.lines().last().unwrap().clone();
    assert_eq!(said, "Megan Evans is off duty and nobody covers. Please ring switchboard.");
    it.pass(8 * 60 * MINUTE).await;
    let view = it.clinical.task(&caller("grace.adeyemi"), "r1").unwrap();
    assert_eq!(view.task.request.holders, ["megan.evans"], "her time off is over");
    // Two who cover for each other do not go round.
    say(&it, "megan.evans", off(Some(Cover::Person("tomasz.kowalski".into())))).await.unwrap();
    say(&it, "tomasz.kowalski", off(Some(Cover::Person("megan.evans".into())))).await.unwrap();
    assert!(ask(&it, "r2", Class::Information, "megan.evans").await.is_empty());
}

#[tokio::test]
async fn quiet_hours_and_busy_let_only_what_is_urgent_through() {
    let it = Hospital::demo().await;
    let quiet = Some(("22:00".parse().unwrap(), "07:00".parse().unwrap()));
    say(&it, "megan.evans", DutyStatus { quiet, ..DutyStatus::default() }).await.unwrap();
    assert_eq!(disturbs(&it, "megan.evans", 0).await, Silence::None);
    assert_eq!(disturbs(&it, "megan.evans", 10 * 60).await, Silence::ButUrgent, "from 22:00");
    assert_eq!(disturbs(&it, "megan.evans", 18 * 60).await, Silence::ButUrgent, "past midnight");
    assert_eq!(disturbs(&it, "megan.evans", 19 * 60).await, Silence::None, "until 07:00");
    let busy = DutyStatus { state: DutyState::Busy, ..DutyStatus::default() };
    say(&it, "megan.evans", busy).await.unwrap();
    assert_eq!(disturbs(&it, "megan.evans", 0).await, Silence::ButUrgent);
    let until = Some(Timestamp(NOON + 60 * MINUTE));
    say(&it, "megan.evans", DutyStatus { until, quiet, ..off(None) }).await.unwrap();
    assert_eq!(disturbs(&it, "megan.evans", 59).await, Silence::All);
    assert_eq!(disturbs(&it, "megan.evans", 60).await, Silence::None, "it ends by itself");
    assert_eq!(disturbs(&it, "megan.evans", 10 * 60).await, Silence::ButUrgent, "quiet hours go on");
    assert_eq!(disturbs(&it, "priya.raman", 0).await, Silence::None);
}

#[tokio::test]
async fn an_impossible_status_is_refused_and_changes_nothing() {
    let it = Hospital::demo().await;
    let conflict = say(&it, "priya.raman", off(None)).await;
    assert!(matches!(conflict, Err(ClinicalError::Conflict(Conflict::HoldsRole))));
    let refused = async |status: DutyStatus, name: &str| {
        let path = format!("Parameters.parameter({name})");
        let said = say(&it, "megan.evans", status).await;
        assert!(matches!(said, Err(ClinicalError::Invalid { path: at, .. }) if at == path), "{name}");
    };
    refused(off(Some(Cover::Person("megan.evans".into()))), "covered-by").await;
    refused(off(Some(Cover::Person("nobody".into()))), "covered-by").await;
    refused(off(Some(Cover::Role("nobody".into()))), "covered-by").await;
    let on = DutyStatus { cover: Some(Cover::Person("dev.patel".into())), ..DutyStatus::default() };
    refused(on, "covered-by").await;
    refused(DutyStatus { until: Some(Timestamp(NOON)), ..off(None) }, "until").await;
    let same = ("07:00".parse().unwrap(), "07:00".parse().unwrap());
    refused(DutyStatus { quiet: Some(same), ..DutyStatus::default() }, "quiet-until").await;
    assert!(matches!(say(&it, "ghost", off(None)).await, Err(ClinicalError::Forbidden(_))));
    assert_eq!(it.clinical.duty_of("megan.evans").unwrap(), (DutyStatus::default(), None));
}
