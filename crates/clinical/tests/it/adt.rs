//! Every ADT event of the list, patients whose records are restricted, and codes of wrong systems.

use wardline_clinical::{ClinicalError, ImportMode, ImportReport, Patient};

use crate::support::{Hospital, caller, demo};

const ADA: &str = "9990000018^^^NHS^NH~L1^^^X9R^PI||Okafor^Ada||19580311|F";

fn message(kind: &str, pid: &str, rest: &str) -> String {
    format!("MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^{kind}|1|P|2.4\rPID|1||{pid}\r{rest}\r")
}

async fn hospital() -> Hospital {
    let it = Hospital::empty();
    it.clinical.import(&demo("bundle.json"), ImportMode::Strict).await.unwrap();
    it
}

async fn send(it: &Hospital, kind: &str, pid: &str, rest: &str) -> ImportReport {
    let file = message(kind, pid, rest);
    let report = it.clinical.import(file.as_bytes(), ImportMode::Skip).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    report
}

/// Where Ada is: her ward and bed, if she is in hospital.
async fn place(it: &Hospital) -> Option<String> {
    let all = it.clinical.patients_in_hospital(&caller("lina.chen"), None).await.unwrap();
    let ada = all.into_iter().find(|it| it.record.nhs_number.unwrap().digits() == "9990000018")?;
    Some(format!("{} {}", ada.record.ward.unwrap_or_default(), ada.record.bed.unwrap_or_default()))
}

#[tokio::test]
async fn every_event_of_the_list_does_what_it_says() {
    let it = hospital().await;
    for (kind, rest, after) in [
        ("A28", "", None),
        ("A31", "", None),
        ("A04", "PV1||E|NIGHT^A^1", Some("nightingale A-1")),
        ("A01", "PV1||I|NIGHT^A^2", Some("nightingale A-2")),
        ("A02", "PV1||I|SEAC^B^1", Some("seacole B-1")),
        ("A12", "PV1||I|NIGHT^A^2", Some("nightingale A-2")),
        ("A08", "", Some("nightingale A-2")),
        ("A03", "", None),
        ("A13", "PV1||I|NIGHT^A^2", Some("nightingale A-2")),
        ("A11", "", None),
        ("A01", "PV1||I|NIGHT^A^3", Some("nightingale A-3")),
        ("A40", "MRG|L9^^^X9R^PI", Some("nightingale A-3")),
    ] {
        let report = send(&it, kind, ADA, rest).await;
        assert_eq!((report.applied, report.problems.len()), (1, 0), "{kind}: {report:?}");
        assert_eq!(place(&it).await.as_deref(), after, "{kind}");
    }
    for (kind, rest, field) in [
        ("A01", "", "(PV1)"),
        ("A02", "PV1||I|", "PV1-3"),
        ("A12", "PV1||I|ATTIC", "PV1-3"),
        ("A13", "", "(PV1)"),
        ("A40", "", "(MRG)"),
        ("A40", "MRG|L1^^^X9R^PI", "MRG-1"),
        ("A99", "", "MSH-9"),
    ] {
        let report = send(&it, kind, ADA, rest).await;
        assert_eq!(report.applied, 0, "{kind} {rest}");
        assert!(report.problems[0].problem.contains(field), "{kind}: {report:?}");
        assert_eq!(place(&it).await.as_deref(), Some("nightingale A-3"), "nothing changed");
    }
    let stranger = "9990000026^^^NHS^NH||Not^Known";
    for kind in ["A02", "A03", "A08", "A11", "A12", "A13", "A31"] {
        let report = send(&it, kind, stranger, "PV1||I|NIGHT^A^1").await;
        assert!(report.problems[0].problem.starts_with("PID-3"), "{kind}: nobody is made up");
    }
}

#[tokio::test]
async fn of_a_restricted_patient_nothing_is_kept_by_which_they_can_be_found() {
    let it = hospital().await;
    let address = "9990000018^^^NHS^NH~L1^^^X9R^PI||Okafor^Ada||19580311|F|||12 Hidden Lane^^Leeds^^LS1 4AB||01130000000";
    let practice = "PD1|||Secret Surgery^^B86001|G9999999^Doctor|||||||";
    send(&it, "A01", address, &format!("{practice}|Y\rPV1||I|NIGHT^A^1")).await;
    let ada = async || -> Patient {
        it.clinical.patients_in_hospital(&caller("lina.chen"), None).await.unwrap().remove(0)
    };
    assert!(ada().await.record.restricted);
    send(&it, "A08", address, practice).await;
    assert!(ada().await.record.restricted, "what is not said stays");
    send(&it, "A01", "9990000026^^^NHS^NH~L2^^^X9R^PI||Okafor^Ada", "PV1||I|NIGHT^A^2").await;
    send(&it, "A40", "9990000026^^^NHS^NH~L2^^^X9R^PI||Okafor^Ada", "MRG|9990000018^^^NHS^NH").await;
    assert!(ada().await.record.restricted, "of two records of which one is restricted the patient is");
    let shown = format!("{:?}", ada().await);
    let bytes = it.database_bytes();
    for told in ["Hidden Lane", "LS1 4AB", "01130000000", "Secret Surgery", "B86001", "G9999999"] {
        assert!(!shown.contains(told), "{told}");
        assert!(!bytes.windows(told.len()).any(|it| it == told.as_bytes()), "{told} is in the database");
    }
    send(&it, "A08", "9990000026^^^NHS^NH~L2^^^X9R^PI||Okafor^Ada", "PD1||||||||||||N").await;
    assert!(!ada().await.record.restricted);
    let wrong = send(&it, "A08", "9990000026^^^NHS^NH||Okafor^Ada", "PD1||||||||||||R").await;
    assert!(wrong.problems[0].problem.contains("PD1-12"));
}

#[tokio::test]
async fn codes_of_wrong_systems_are_refused_by_their_path() {
    let it = hospital().await;
    let entry = async |resource: &str| {
        let file = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{resource}}}]}}"#);
        match it.clinical.import(file.as_bytes(), ImportMode::Strict).await {
            Err(ClinicalError::ImportRefused(report)) => report.problems[0].problem.clone(),
            other => panic!("{other:?}"),
        }
    };
    let organisation = r#"{"resourceType":"Organization","id":"o","name":"O","identifier":[{"system":"urn:x","value":"X9R"}]}"#;
    assert!(
        entry(organisation)
            .await
            .starts_with("identifier[0].system: must be https://fhir.nhs.uk/Id/ods-organization-code")
    );
    let place = r#"{"resourceType":"Location","id":"l","name":"L","physicalType":{"coding":[{"system":"http://snomed.info/sct","code":"wa"}]}}"#;
    assert!(entry(place).await.starts_with("physicalType.coding[0].system"));
    let role = r#"{"resourceType":"HealthcareService","id":"h","name":"H","type":[{"coding":[{"system":"urn:x","code":"privacy-officer"}]}]}"#;
    assert!(entry(role).await.starts_with("type[0].coding[0].system"));
    assert!(it.clinical.service("h").is_err() && it.clinical.location("l").is_err());
    let twice = r#"{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"},
        {"system":"urn:local","value":"7"}],"name":[{"family":"A"}]}"#;
    it.clinical
        .import(
            format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{twice}}}]}}"#).as_bytes(),
            ImportMode::Strict,
        )
        .await
        .unwrap();
    let other = twice.replace("\"7\"", "\"8\"");
    assert!(entry(&other).await.starts_with("identifier:"), "an NHS number belongs to one patient");
}
