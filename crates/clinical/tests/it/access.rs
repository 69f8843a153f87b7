//! Membership decides who may resolve a patient, and every resolution is on record.

use wardline_clinical::ClinicalError;

use crate::support::{Hospital, caller};

#[tokio::test]
async fn members_resolve_and_others_do_not() {
    let it = Hospital::demo().await;
    let reference = it.patient().await;
    let before = it.audit_is_whole().await;
    let patient = it.clinical.read_patient(&caller("grace.adeyemi"), &reference).await.unwrap();
    assert!(patient.record.nhs_number.is_some() && patient.record.name.is_some());
    let stranger = it.clinical.read_patient(&caller("megan.evans"), &reference).await;
    assert!(matches!(stranger, Err(ClinicalError::Forbidden(_))));
    assert_eq!(it.audit_is_whole().await, before + 2, "the refusal is on record too");
    assert!(it.clinical.conversation(&caller("grace.adeyemi"), &reference).is_ok());
    assert!(it.clinical.conversation(&caller("megan.evans"), &reference).is_err());
    assert!(matches!(
        it.clinical.conversation(&caller("grace.adeyemi"), "x"),
        Err(ClinicalError::NotFound(_))
    ));
}

#[tokio::test]
async fn a_ward_list_has_the_patients_of_the_callers_rooms() {
    let it = Hospital::demo().await;
    let count = async |who: &str, ward: Option<&str>| {
        it.clinical.patients_in_hospital(&caller(who), ward.map(str::to_owned)).await.unwrap().len()
    };
    assert_eq!(count("grace.adeyemi", Some("nightingale")).await, 8);
    assert_eq!(count("grace.adeyemi", Some("barts")).await, 0);
    assert_eq!(count("priya.raman", None).await, 16);
    assert_eq!(count("lina.chen", None).await, 24);
    assert_eq!(count("dev.patel", None).await, 0);
}

#[tokio::test]
async fn the_database_says_nothing_about_patients_or_who_is_on_call() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    let bytes = it.database_bytes();
    for secret in ["Akhtar", "Shabana", "9990000018", "RGH410200", "1941-06-23", "A-1\""] {
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} is in the database");
    }
}

#[tokio::test]
async fn a_role_has_its_holder_or_is_vacant() {
    let it = Hospital::demo().await;
    let on_call = it.clinical.on_call().await.unwrap();
    let holder = |id: &str| {
        let role = on_call.iter().find(|r| r.service.id == id).unwrap();
        role.holder.as_ref().map(|(_, person)| person.display())
    };
    assert_eq!(holder("medical-registrar").as_deref(), Some("Dr Priya Raman"));
    assert_eq!(holder("anaesthetist"), None);
    it.clock.0.fetch_add(9 * 3_600_000, std::sync::atomic::Ordering::SeqCst);
    let night = it.clinical.on_call_for("medical-registrar").unwrap().holder.unwrap().1;
    assert_eq!(night.display(), "Dr Daniel Osei");
    assert!(it.clinical.on_call_for("pharmacist").unwrap().holder.is_none());
}
