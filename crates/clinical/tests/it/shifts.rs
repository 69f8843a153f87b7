//! The rota by hand, handing over by code, and the fallback of a role.

use wardline_clinical::{ClinicalError, Duty, Editor, ImportMode, NewShift, PractitionerRole, Rank, Until};
use wardline_domain::{Timestamp, care::request::Command};

use crate::support::{Hospital, MINUTE, NOON, caller};

const HOUR: i64 = 60 * MINUTE;

fn by(person: &str) -> Editor {
    Editor { caller: caller(person), administrator: false }
}

fn shift(person: &str, from: i64, until: i64) -> NewShift {
    NewShift {
        duty: Duty::Role("anaesthetist".to_owned()),
        person: person.to_owned(),
        start: Some(Timestamp(NOON + from * HOUR)),
        end: Some(Timestamp(NOON + until * HOUR)),
        deputy: false,
    }
}

async fn put(it: &Hospital, who: &str, id: &str, new: NewShift) -> Result<PractitionerRole, ClinicalError> {
    it.clinical.put_shift(&by(who), id, new, |_| true).await.map(|(shift, _)| shift)
}

fn holder(it: &Hospital) -> Option<String> {
    it.clinical.on_call_for("anaesthetist").unwrap().holder.map(|(shift, _)| shift.person)
}

#[track_caller]
fn path(result: Result<PractitionerRole, ClinicalError>) -> String {
    match result.unwrap_err() {
        ClinicalError::Invalid { path, .. } => path,
        other => other.to_string(),
    }
}

#[tokio::test]
async fn the_duty_manager_enters_changes_and_removes_a_shift() {
    let it = Hospital::demo().await;
    let refused = put(&it, "grace.adeyemi", "s1", shift("priya.raman", 1, 9)).await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))), "she does not manage the rota");
    // Dev Patel is the site manager of the day, whose role is of the kind duty-manager.
    put(&it, "dev.patel", "s1", shift("priya.raman", 1, 9)).await.unwrap();
    put(&it, "dev.patel", "s1", shift("priya.raman", 1, 9)).await.unwrap();
    assert_eq!(holder(&it), None, "not yet");
    put(&it, "dev.patel", "s1", shift("hannah.whitfield", 0, 8)).await.unwrap();
    assert_eq!(holder(&it).as_deref(), Some("hannah.whitfield"), "who works it may change before it begins");
    assert!(path(put(&it, "dev.patel", "s1", shift("priya.raman", 0, 8)).await).contains("being worked"));
    put(&it, "dev.patel", "s1", shift("hannah.whitfield", 0, 4)).await.unwrap();
    let expected =
        |known: Option<(&PractitionerRole, Rank)>| known.is_some_and(|it| it.0.person == "priya.raman");
    let stale = it.clinical.remove_shift(&by("dev.patel"), "s1", expected).await;
    assert!(matches!(stale, Err(ClinicalError::OtherVersion)));
    it.clinical.remove_shift(&by("dev.patel"), "s1", |_| true).await.unwrap();
    assert_eq!(holder(&it), None, "a shift that is worked ends now");
    it.pass(HOUR).await;
    assert!(path(put(&it, "dev.patel", "s1", shift("hannah.whitfield", 2, 4)).await).contains("has passed"));
    let administrator = Editor { administrator: true, ..by("megan.evans") };
    it.clinical.put_shift(&administrator, "s2", shift("priya.raman", 2, 3), |_| true).await.unwrap();
    it.clinical.remove_shift(&administrator, "s2", |_| true).await.unwrap();
    assert!(matches!(it.clinical.practitioner_role("s2"), Err(ClinicalError::NotFound(_))), "it never was");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn an_impossible_shift_names_the_element_and_changes_nothing() {
    let it = Hospital::demo().await;
    put(&it, "dev.patel", "s1", shift("priya.raman", 1, 9)).await.unwrap();
    let refused = async |new: NewShift| path(put(&it, "dev.patel", "s2", new).await);
    assert_eq!(refused(shift("hannah.whitfield", 8, 12)).await, "PractitionerRole.period", "an overlap");
    assert_eq!(refused(shift("nobody", 10, 12)).await, "PractitionerRole.practitioner");
    assert_eq!(refused(shift("priya.raman", 12, 10)).await, "PractitionerRole.period");
    assert_eq!(refused(shift("priya.raman", -9, -1)).await, "PractitionerRole.period.end");
    assert_eq!(refused(shift("priya.raman", 10, 40)).await, "PractitionerRole.period.end");
    let open = NewShift { end: None, ..shift("priya.raman", 10, 12) };
    assert_eq!(refused(open).await, "PractitionerRole.period.end");
    let role = NewShift { duty: Duty::Role("juggler".into()), ..shift("priya.raman", 10, 12) };
    assert_eq!(refused(role).await, "PractitionerRole.healthcareService[0]");
    let ward = |deputy| NewShift { duty: Duty::Ward("barts".into()), deputy, ..shift("priya.raman", 10, 12) };
    assert_eq!(refused(ward(true)).await, "PractitionerRole.code");
    assert!(matches!(it.clinical.practitioner_role("s2"), Err(ClinicalError::NotFound(_))));
    let forever = NewShift { start: None, end: None, ..ward(false) };
    put(&it, "dev.patel", "s2", forever).await.unwrap();
    let deputy = NewShift { deputy: true, ..shift("hannah.whitfield", 0, 12) };
    put(&it, "dev.patel", "s3", deputy).await.unwrap();
    assert_eq!(holder(&it).as_deref(), Some("hannah.whitfield"), "a deputy may overlap");
}

#[tokio::test]
async fn a_role_goes_from_phone_to_phone_by_a_code_that_is_good_once() {
    let it = Hospital::demo().await;
    let (priya, hannah, megan) = (caller("priya.raman"), caller("hannah.whitfield"), caller("megan.evans"));
    assert!(matches!(
        it.clinical.make_handover_code(&priya, "anaesthetist").await,
        Err(ClinicalError::Forbidden(_))
    ));
    it.clinical.take_role(&priya, "anaesthetist", Until::ShiftEnd).await.unwrap();
    let old = it.clinical.make_handover_code(&priya, "anaesthetist").await.unwrap();
    let new = it.clinical.make_handover_code(&priya, "anaesthetist").await.unwrap();
    assert_eq!(new.until.as_millis(), NOON + 2 * MINUTE);
    let scan = async |who, role: &str, code: &str| it.clinical.take_over_role(who, role, code).await;
    let refused = |result: Result<_, ClinicalError>| matches!(result, Err(ClinicalError::Conflict(_)));
    assert!(refused(scan(&hannah, "anaesthetist", &old.code).await), "a newer code goes before it");
    assert!(refused(scan(&hannah, "medical-registrar", &new.code).await), "it is for one role");
    assert!(refused(scan(&priya, "anaesthetist", &new.code).await), "she holds it");
    let taken = scan(&hannah, "anaesthetist", &new.code).await.unwrap();
    assert_eq!(taken.holder.unwrap().0.person, "hannah.whitfield");
    assert!(refused(scan(&megan, "anaesthetist", &new.code).await), "once");

    let late = it.clinical.make_handover_code(&hannah, "anaesthetist").await.unwrap();
    it.pass(2 * MINUTE).await;
    assert!(refused(scan(&megan, "anaesthetist", &late.code).await), "two minutes");
    let given = it.clinical.make_handover_code(&hannah, "anaesthetist").await.unwrap();
    it.clinical.release_role(&hannah, "anaesthetist").await.unwrap();
    assert!(refused(scan(&megan, "anaesthetist", &given.code).await), "she does not hold it any more");
    let bytes = it.database_bytes();
    let found = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
    assert!(!found(&given.code) && !found(&new.code), "only the hash is kept");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn at_the_end_of_a_shift_the_fallback_is_asked() {
    let it = Hospital::demo().await;
    let role = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"HealthcareService",
        "id":"anaesthetist","name":"Anaesthetist on call","extension":[{
        "url":"https://wardline.org/fhir/StructureDefinition/role-fallback",
        "valueReference":{"reference":"HealthcareService/site-manager"}}]}}]}"#;
    it.clinical.import(role.as_bytes(), ImportMode::Strict).await.unwrap();
    put(&it, "dev.patel", "s1", shift("hannah.whitfield", 0, 1)).await.unwrap();
    it.clinical.follow_rota(Timestamp(NOON)).await.unwrap();
    let (view, _) = it.raise("r1", "anaesthetist").await.unwrap();
    assert_eq!(view.task.request.holders, ["hannah.whitfield"]);
    it.say("hannah.whitfield", "r1", Command::Accept).await.unwrap();
    it.pass(HOUR).await;
    it.clinical.follow_rota(Timestamp(NOON + HOUR)).await.unwrap();
    let view = it.clinical.task(&caller("dev.patel"), "r1").unwrap();
    assert_eq!(
        (view.task.request.holders.as_slice(), &view.task.request.accepted_by),
        (&["dev.patel".to_owned()][..], &None)
    );
    let (second, _) = it.raise("r2", "anaesthetist").await.unwrap();
    assert_eq!(second.task.request.holders, ["dev.patel"], "asked at once");
}
