//! Opening a conversation from outside the care team, and who looked at a patient.

use std::sync::atomic::Ordering;

use wardline_clinical::{AccessKind, BreakGlass, ClinicalError, ImportMode, LooksWanted};
use wardline_domain::{Timestamp, care::request::State};

use crate::support::{Hospital, MINUTE, NOON, caller};

const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"collection","entry":[
    {"resource":{"resourceType":"HealthcareService","id":"privacy","name":"Privacy officer",
        "type":[{"coding":[{"code":"privacy-officer"}]}]}},
    {"resource":{"resourceType":"PractitionerRole","id":"privacy-dev",
        "practitioner":{"reference":"Practitioner/dev.patel"},
        "healthcareService":[{"reference":"HealthcareService/privacy"}]}}]}"#;

fn asked(number: &str, born: Option<&str>, family: Option<&str>, reason: &str) -> BreakGlass {
    BreakGlass {
        nhs_number: number.parse().unwrap(),
        birth_date: born.map(Into::into),
        family: family.map(Into::into),
        reason: reason.into(),
    }
}

async fn hospital() -> Hospital {
    let it = Hospital::demo().await;
    it.clinical.import(BUNDLE.as_bytes(), ImportMode::Strict).await.unwrap();
    it
}

const WHY: &str = "Called to the ward, patient collapsed";

#[tokio::test]
async fn two_identifiers_and_a_reason_open_the_conversation_on_record() {
    let it = hospital().await;
    let megan = caller("megan.evans");
    let patient = it.clinical.patients_in_hospital(&caller("grace.adeyemi"), None).await.unwrap().remove(0);
    let (number, born) = (patient.record.nhs_number.unwrap().digits(), patient.record.birth_date.unwrap());
    assert!(it.clinical.read_patient(&megan, &patient.reference).await.is_err());
    let family = patient.record.name.unwrap().family.to_uppercase();
    let (reference, room) =
        it.clinical.break_glass(&megan, asked(&number, Some(&born), Some(&family), WHY)).await.unwrap();
    assert_eq!((&reference, Some(&room)), (&patient.reference, patient.room.as_ref()));
    it.clinical.read_patient(&megan, &reference).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    assert_eq!(
        it.rooms.lines(),
        ["Megan Evans opened a patient's conversation by break-glass. Asking Dev Patel (Privacy officer)."]
    );
    let dev = caller("dev.patel");
    let told = it.clinical.tasks(&dev, None, None, None).await.unwrap().remove(0);
    assert_eq!((told.task.patient.as_ref(), told.task.request.state), (Some(&reference), State::Raised));
    assert_ne!(told.task.room, room);
    assert!(it.clinical.read_patient(&dev, &reference).await.is_err(), "to be told is not to be let in");
    let ward =
        it.clinical.tasks(&caller("grace.adeyemi"), Some(reference.clone()), None, None).await.unwrap();
    assert!(ward.is_empty(), "it is the officer's business alone");

    let list = it.clinical.accesses(&dev, &reference, LooksWanted::default()).await.unwrap();
    let seen: Vec<(AccessKind, &str, bool)> =
        list.iter().map(|a| (a.kind, a.person.as_ref().map_or("", |p| p.id.as_str()), a.allowed)).collect();
    assert_eq!(
        seen,
        [
            (AccessKind::ListRead, "dev.patel", true),
            (AccessKind::Read, "dev.patel", false),
            (AccessKind::Read, "megan.evans", true),
            (AccessKind::BreakGlass, "megan.evans", true),
            (AccessKind::Read, "megan.evans", false),
            (AccessKind::Searched, "grace.adeyemi", true),
        ]
    );
    assert_eq!(list[3].reason.as_deref(), Some(WHY));
    let refused = it.clinical.accesses(&megan, &reference, LooksWanted::default()).await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))));
    it.audit_is_whole().await;
    let bytes = it.database_bytes();
    assert!(!bytes.windows(WHY.len()).any(|w| w == WHY.as_bytes()), "the reason is sealed");
}

#[tokio::test]
async fn wrong_identifiers_say_nothing_about_who_exists() {
    let it = hospital().await;
    let megan = caller("megan.evans");
    let patient = it.clinical.patients_in_hospital(&caller("grace.adeyemi"), None).await.unwrap().remove(0);
    let number = patient.record.nhs_number.unwrap().digits();
    let before = it.audit_is_whole().await;
    let mut said = Vec::new();
    for attempt in [
        asked(&number, Some("1900-01-01"), None, WHY),
        asked(&number, None, Some("Nobody"), WHY),
        asked(&number, patient.record.birth_date.as_deref(), Some("Nobody"), WHY),
        asked("9434765919", patient.record.birth_date.as_deref(), None, WHY),
    ] {
        said.push(it.clinical.break_glass(&megan, attempt).await.unwrap_err().to_string());
    }
    assert!(said.iter().all(|s| s == "a patient with these two identifiers was not found"), "{said:?}");
    assert_eq!(it.audit_is_whole().await, before + 4, "each attempt is on record");
    assert!(it.clinical.conversation(&megan, &patient.reference).is_err());

    let born = patient.record.birth_date.as_deref();
    for (attempt, field) in
        [(asked(&number, born, None, " "), "reason"), (asked(&number, None, None, WHY), "second identifier")]
    {
        let error = it.clinical.break_glass(&megan, attempt).await.unwrap_err();
        assert!(
            matches!(&error, ClinicalError::Invalid { .. }) && error.to_string().contains(field),
            "{error}"
        );
    }
    let guest = it.clinical.break_glass(&caller("guest"), asked(&number, born, None, WHY)).await;
    assert!(matches!(guest, Err(ClinicalError::Forbidden(_))));
}

#[tokio::test]
async fn the_officer_finds_a_patient_with_a_reason_and_reads_the_list_in_parts() {
    let it = hospital().await;
    let (grace, dev, megan) = (caller("grace.adeyemi"), caller("dev.patel"), caller("megan.evans"));
    let why = "Complaint of the family, case 12";
    let ward = it.clinical.patients_in_hospital(&grace, None).await.unwrap();
    let patient = ward.into_iter().find(|it| it.record.name.as_ref().unwrap().family == "Okonkwo").unwrap();
    let number = patient.record.nhs_number.unwrap().digits();
    it.clock.0.fetch_add(24 * 60 * MINUTE, Ordering::SeqCst);
    for text in [number.as_str(), "okonkwo", "chi OKON", "  Okonkwo, Chidi "] {
        let (found, total) = it.clinical.find_for_access_list(&dev, text, why).await.unwrap();
        let refs: Vec<_> = found.iter().map(|it| &it.reference).collect();
        assert_eq!((refs, total), (vec![&patient.reference], 1), "{text}");
    }
    assert_eq!(it.clinical.find_for_access_list(&dev, "Nobody", why).await.unwrap().1, 0);
    assert_eq!(it.clinical.find_for_access_list(&dev, "9434765919", why).await.unwrap().1, 0);
    for (text, reason, field) in [("o", why, "text"), ("okonkwo", "  ", "reason")] {
        let error = it.clinical.find_for_access_list(&dev, text, reason).await.unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
    let refused = it.clinical.find_for_access_list(&megan, &number, why).await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))));

    let list = async |wanted: LooksWanted| {
        let list = it.clinical.accesses(&dev, &patient.reference, wanted).await.unwrap();
        list.into_iter().map(|it| (it.kind, it.person.unwrap().id, it.reason)).collect::<Vec<_>>()
    };
    let all = list(LooksWanted::default()).await;
    assert_eq!(all[1], (AccessKind::Found, "dev.patel".into(), Some(why.into())));
    assert_eq!(all.last().unwrap(), &(AccessKind::Searched, "grace.adeyemi".into(), None));
    let day = Timestamp(NOON + 12 * 60 * MINUTE);
    let yesterday = list(LooksWanted { until: Some(day), ..LooksWanted::default() }).await;
    assert_eq!(yesterday.len(), 1);
    let today = list(LooksWanted { from: Some(day), ..LooksWanted::default() }).await;
    assert!(today.iter().all(|it| it.1 == "dev.patel") && today.len() > 4);
    let one = list(LooksWanted { person: Some("grace.adeyemi".into()), ..LooksWanted::default() }).await;
    assert_eq!(one, [(AccessKind::Searched, "grace.adeyemi".into(), None)]);
    it.audit_is_whole().await;
    let bytes = it.database_bytes();
    assert!(!bytes.windows(why.len()).any(|w| w == why.as_bytes()), "the reason is sealed");

    // What a screen reads again within the hour is one look.
    for _ in 0..5 {
        it.clinical.patients_in_hospital(&grace, None).await.unwrap();
        it.clock.0.fetch_add(MINUTE, Ordering::SeqCst);
    }
    it.clock.0.fetch_add(60 * MINUTE, Ordering::SeqCst);
    it.clinical.patients_in_hospital(&grace, None).await.unwrap();
    let person = Some("grace.adeyemi".to_owned());
    let wanted = LooksWanted { person, ..LooksWanted::default() };
    let looks = it.clinical.accesses(&dev, &patient.reference, wanted).await.unwrap();
    let heaps: Vec<_> = looks.iter().map(|it| (it.times, it.at.millis_since(it.since))).collect();
    assert_eq!(heaps, [(1, 0), (5, 4 * MINUTE), (1, 0)]);
}
