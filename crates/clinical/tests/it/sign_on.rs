//! Taking a role, handing it over, putting it down; what follows the role.

use std::sync::atomic::Ordering;

use wardline_clinical::{ClinicalError, ImportMode, OnCall, Rank, Until};
use wardline_domain::{
    Timestamp,
    care::request::{Command, State},
};

use crate::support::{Hospital, MINUTE, NOON, caller};

const HOUR: i64 = 60 * MINUTE;
const REGISTRAR: &str = "medical-registrar";

fn holder(it: &OnCall) -> Option<(&str, i64)> {
    it.holder.as_ref().map(|(shift, person)| (person.id.as_str(), shift.end.as_millis()))
}

impl Hospital {
    /// Moves the clock to `millis` after noon and has the rota acted upon.
    async fn at(&self, millis: i64) {
        let now = NOON + millis;
        self.clock.0.store(now, Ordering::SeqCst);
        self.clinical.follow_rota(Timestamp(now)).await.unwrap();
        assert_eq!(self.clinical.drain_outbox().await.unwrap(), 0);
    }

    async fn patients_of(&self, person: &str) -> usize {
        self.clinical.patients_in_hospital(&caller(person), None).await.unwrap().len()
    }

    async fn hand_over(&self, from: &str, to: &str) -> OnCall {
        self.clinical.offer_role(&caller(from), REGISTRAR, to, Until::ShiftEnd).await.unwrap();
        let on_call = self.clinical.accept_role(&caller(to), REGISTRAR).await.unwrap();
        assert_eq!(self.clinical.drain_outbox().await.unwrap(), 0);
        on_call
    }
}

#[tokio::test]
async fn a_vacant_role_is_taken_at_once_and_ends_by_itself() {
    let it = Hospital::demo().await;
    let taken =
        it.clinical.take_role(&caller("samuel.mbeki"), "anaesthetist", Until::ShiftEnd).await.unwrap();
    assert_eq!(holder(&taken), Some(("samuel.mbeki", NOON + 12 * HOUR)));
    assert_eq!(taken.rank, Some(Rank::SignOn));
    let again =
        it.clinical.take_role(&caller("samuel.mbeki"), "anaesthetist", Until::ShiftEnd).await.unwrap();
    assert_eq!(holder(&again), holder(&taken), "a repeat changes nothing");
    let other = it.clinical.take_role(&caller("lina.chen"), "anaesthetist", Until::ShiftEnd).await;
    assert!(matches!(other, Err(ClinicalError::Conflict(_))), "{other:?}");
    it.at(12 * HOUR).await;
    assert_eq!(it.clinical.on_call_for("anaesthetist").unwrap().holder, None);
    it.audit_is_whole().await;
}

#[tokio::test]
async fn a_role_is_offered_and_accepted_and_goes_back_to_the_rota_at_the_end() {
    let it = Hospital::demo().await;
    let offered = it
        .clinical
        .offer_role(&caller("priya.raman"), REGISTRAR, "samuel.mbeki", Until::ShiftEnd)
        .await
        .unwrap();
    assert_eq!(holder(&offered).unwrap().0, "priya.raman", "until it is accepted");
    assert_eq!(offered.offer.unwrap().to.id, "samuel.mbeki");
    let stranger = it.clinical.accept_role(&caller("lina.chen"), REGISTRAR).await;
    assert!(matches!(stranger, Err(ClinicalError::Forbidden(_))));
    let declined = it.clinical.decline_role(&caller("samuel.mbeki"), REGISTRAR).await.unwrap();
    assert_eq!((holder(&declined).unwrap().0, &declined.offer), ("priya.raman", &None));
    let late = it.clinical.accept_role(&caller("samuel.mbeki"), REGISTRAR).await;
    assert!(matches!(late, Err(ClinicalError::Conflict(_))));

    let short = Until::Clock("18:00".parse().unwrap());
    let offered =
        it.clinical.offer_role(&caller("priya.raman"), REGISTRAR, "samuel.mbeki", short).await.unwrap();
    assert_eq!(offered.offer.unwrap().until.as_millis(), NOON + 6 * HOUR);
    let accepted = it.hand_over("priya.raman", "samuel.mbeki").await;
    assert_eq!(holder(&accepted), Some(("samuel.mbeki", NOON + 8 * HOUR)));
    assert_eq!(it.clinical.accept_role(&caller("samuel.mbeki"), REGISTRAR).await.unwrap(), accepted);
    it.clinical.release_role(&caller("samuel.mbeki"), REGISTRAR).await.unwrap();
    assert_eq!(
        it.clinical.on_call_for(REGISTRAR).unwrap().holder,
        None,
        "who handed it over does not have it back unasked"
    );
    it.at(8 * HOUR).await;
    assert_eq!(holder(&it.clinical.on_call_for(REGISTRAR).unwrap()).unwrap().0, "daniel.osei");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn who_does_not_hold_a_role_cannot_pass_it_on() {
    let it = Hospital::demo().await;
    let offer =
        it.clinical.offer_role(&caller("lina.chen"), REGISTRAR, "samuel.mbeki", Until::ShiftEnd).await;
    assert!(matches!(offer, Err(ClinicalError::Forbidden(_))));
    let release = it.clinical.release_role(&caller("lina.chen"), REGISTRAR).await;
    assert!(matches!(release, Err(ClinicalError::Forbidden(_))));
    let nobody = it.clinical.offer_role(&caller("priya.raman"), REGISTRAR, "no.body", Until::ShiftEnd).await;
    assert!(matches!(nobody, Err(ClinicalError::Invalid { path, .. }) if path.contains("to")));
    let guest = it.clinical.take_role(&caller("guest"), "anaesthetist", Until::ShiftEnd).await;
    assert!(matches!(guest, Err(ClinicalError::Forbidden(_))));
    let unknown = it.clinical.take_role(&caller("lina.chen"), "no-role", Until::ShiftEnd).await;
    assert!(matches!(unknown, Err(ClinicalError::NotFound(_))));
}

#[tokio::test]
async fn a_sign_on_that_overlaps_the_next_shift_is_refused() {
    let it = Hospital::demo().await;
    it.clinical.release_role(&caller("priya.raman"), REGISTRAR).await.unwrap();
    let take = async |until| it.clinical.take_role(&caller("samuel.mbeki"), REGISTRAR, until).await;
    for (until, problem) in [
        (
            Until::At(Timestamp(NOON + 9 * HOUR)),
            "overlaps a shift of the same role that begins at 2026-11-22T20:00",
        ),
        (Until::At(Timestamp(NOON)), "within the coming 24 hours"),
        (Until::At(Timestamp(NOON + 25 * HOUR)), "within the coming 24 hours"),
        (Until::Clock("08:00".parse().unwrap()), "overlaps"),
    ] {
        let error = take(until).await.unwrap_err().to_string();
        assert!(error.starts_with("Parameters.parameter(until): ") && error.contains(problem), "{error}");
    }
    assert_eq!(it.clinical.on_call_for(REGISTRAR).unwrap().holder, None, "nothing changed");
    let taken = take(Until::Clock("18:00".parse().unwrap())).await.unwrap();
    assert_eq!(holder(&taken).unwrap().1, NOON + 6 * HOUR);
    let longer = take(Until::Clock("20:00".parse().unwrap())).await.unwrap();
    assert_eq!(holder(&longer).unwrap().1, NOON + 8 * HOUR, "who holds it may hold it longer");
}

#[tokio::test]
async fn a_night_over_the_change_of_the_clocks_ends_by_the_clock() {
    let it = Hospital::demo().await;
    // 2027-03-27 20:00 in London; summer time begins in the night.
    let evening: i64 = 1_806_177_600_000;
    it.clock.0.store(evening, Ordering::SeqCst);
    let until = Until::Clock("08:00".parse().unwrap());
    let taken = it.clinical.take_role(&caller("samuel.mbeki"), "anaesthetist", until).await.unwrap();
    assert_eq!(holder(&taken).unwrap().1, evening + 11 * HOUR);
}

#[tokio::test]
async fn open_requests_and_conversations_follow_the_role() {
    let it = Hospital::demo().await;
    it.at(0).await;
    it.raise("asked", REGISTRAR).await.unwrap();
    it.raise("taken", REGISTRAR).await.unwrap();
    it.raise("done", REGISTRAR).await.unwrap();
    it.say("priya.raman", "taken", Command::OnMyWay).await.unwrap();
    it.say("priya.raman", "done", Command::Complete).await.unwrap();
    assert_eq!((it.patients_of("priya.raman").await, it.patients_of("samuel.mbeki").await), (16, 0));

    it.hand_over("priya.raman", "samuel.mbeki").await;
    for id in ["asked", "taken"] {
        let view = it.clinical.task(&caller("grace.adeyemi"), id).unwrap();
        assert_eq!(view.task.request.holders, ["samuel.mbeki"], "{id}");
        assert_eq!((view.task.request.state, view.task.request.accepted_by), (State::Raised, None));
    }
    let done = it.clinical.task(&caller("grace.adeyemi"), "done").unwrap();
    assert_eq!(done.task.request.state, State::Completed);
    assert_eq!(
        it.rooms.lines().last().unwrap(),
        "Medical registrar was handed over: now asking Samuel Mbeki (Medical registrar)."
    );
    assert!(it.rooms.last().get("invite").is_none(), "he is in the room already");
    assert_eq!((it.patients_of("priya.raman").await, it.patients_of("samuel.mbeki").await), (0, 16));
    assert_eq!(it.patients_of("grace.adeyemi").await, 8);
    it.say("samuel.mbeki", "taken", Command::Accept).await.unwrap();

    it.at(8 * HOUR).await;
    assert_eq!((it.patients_of("samuel.mbeki").await, it.patients_of("daniel.osei").await), (0, 16));
    let view = it.clinical.task(&caller("grace.adeyemi"), "taken").unwrap();
    assert_eq!(view.task.request.holders, ["daniel.osei"], "at the end of the shift too");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn who_has_another_reason_to_be_in_a_conversation_stays() {
    let it = Hospital::demo().await;
    it.at(0).await;
    // Tomasz works on Seacole ward; for a while he also holds the registrar's role.
    it.hand_over("priya.raman", "tomasz.kowalski").await;
    assert_eq!(it.patients_of("tomasz.kowalski").await, 16);
    it.raise("r1", "site-manager").await.unwrap();
    it.hand_over("tomasz.kowalski", "priya.raman").await;
    assert_eq!(it.patients_of("tomasz.kowalski").await, 8);
    assert_eq!(it.patients_of("priya.raman").await, 16);
}

#[tokio::test]
async fn who_still_works_on_a_request_stays_until_it_is_over() {
    let it = Hospital::demo().await;
    it.at(0).await;
    let patient = it.patient().await;
    it.raise("r1", REGISTRAR).await.unwrap();
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    it.clinical.release_role(&caller("priya.raman"), REGISTRAR).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    let here = |it: &Hospital| it.clinical.conversation(&caller("priya.raman"), &patient).is_ok();
    assert!(here(&it), "nobody took the role, so it is still her request");
    assert_eq!(it.patients_of("priya.raman").await, 1);
    it.say("priya.raman", "r1", Command::Complete).await.unwrap();
    assert!(!here(&it));
}

#[tokio::test]
async fn a_deputy_holds_the_role_while_nobody_else_does() {
    let it = Hospital::demo().await;
    let deputy = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{
        "resourceType":"PractitionerRole","id":"deputy","practitioner":{"reference":"Practitioner/samuel.mbeki"},
        "healthcareService":[{"reference":"HealthcareService/medical-registrar"}],
        "code":[{"coding":[{"code":"deputy"}]}],
        "availableTime":[{"availableStartTime":"08:00:00","availableEndTime":"20:00:00"}]}}]}"#;
    it.clinical.import(deputy.as_bytes(), ImportMode::Strict).await.unwrap();
    assert_eq!(holder(&it.clinical.on_call_for(REGISTRAR).unwrap()).unwrap().0, "priya.raman");
    let released = it.clinical.release_role(&caller("priya.raman"), REGISTRAR).await.unwrap();
    assert_eq!((holder(&released).unwrap().0, released.rank), ("samuel.mbeki", Some(Rank::Deputy)));
    let taken = it.clinical.take_role(&caller("lina.chen"), REGISTRAR, Until::ShiftEnd).await.unwrap();
    assert_eq!(holder(&taken), Some(("lina.chen", NOON + 8 * HOUR)));
}

#[tokio::test]
async fn two_people_cannot_have_a_role_in_the_rota_at_once() {
    let it = Hospital::demo().await;
    let rota = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{
        "resourceType":"PractitionerRole","id":"extra","practitioner":{"reference":"Practitioner/samuel.mbeki"},
        "healthcareService":[{"reference":"HealthcareService/medical-registrar"}],
        "period":{"start":"2026-11-22T19:00:00Z","end":"2026-11-22T21:00:00Z"}}}]}"#;
    let report = it.clinical.import(rota.as_bytes(), ImportMode::Skip).await.unwrap();
    assert_eq!(report.applied, 0);
    assert!(
        report.problems[0].problem.starts_with("period: overlaps shift medical-registrar-priya-20261122-0")
    );
}
