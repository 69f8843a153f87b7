//! Files as they come, good and bad.

use wardline_clinical::{ClinicalError, ImportMode, ImportReport, Patient};

use crate::support::{Hospital, caller, demo};

const HEAD: &str = "MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^";

fn message(kind: &str, pid: &str, rest: &str) -> String {
    format!("{HEAD}{kind}|1|P|2.4\rPID|1||{pid}\r{rest}\r")
}

async fn hospital() -> Hospital {
    let it = Hospital::empty();
    it.clinical.import(&demo("bundle.json"), ImportMode::Strict).await.unwrap();
    it
}

async fn send(it: &Hospital, file: &str, mode: ImportMode) -> Result<ImportReport, ClinicalError> {
    let report = it.clinical.import(file.as_bytes(), mode).await;
    it.clinical.drain_outbox().await.unwrap();
    report
}

async fn all(it: &Hospital) -> Vec<Patient> {
    it.clinical.patients_in_hospital(&caller("lina.chen"), None).await.unwrap()
}

const ADA: &str = "9990000018^^^NHS^NH~L1^^^X9R^PI||Okafor^Ada||19580311|F";

#[tokio::test]
async fn a_bad_message_is_named_and_the_rest_is_imported() {
    let it = hospital().await;
    let file = [
        message("A01", ADA, "PV1||I|NIGHT^A^1"),
        message("A01", "9990000019^^^NHS^NH||Wrong^Digit", "PV1||I|NIGHT^A^2"),
        "nonsense|in|the|middle\r".to_owned(),
        message("A01", "L3^^^X9R||No^Ward", "PV1||I|ATTIC^A^2"),
        message("A03", "L9^^^X9R||Not^Known", ""),
        message("A01", "L4^^^X9R||Good^Again", "PV1||I|SEAC^B^1"),
    ]
    .concat();
    let report = send(&it, &file, ImportMode::Skip).await.unwrap();
    assert_eq!(report.applied, 2);
    let shown: Vec<String> =
        report.problems.iter().map(|p| format!("{}: {}", p.position, p.problem)).collect();
    assert!(shown[0].starts_with("message 2 (line 4): segment 4 (?)"), "{shown:?}");
    assert!(shown[1].starts_with("message 3") && shown[1].contains("PV1-3"), "{shown:?}");
    assert!(shown[2].starts_with("message 4") && shown[2].contains("PID-3"), "{shown:?}");
    assert!(shown.iter().all(|s| !s.contains("9990000019") && !s.contains("Wrong")));
    assert_eq!(all(&it).await.len(), 2);
}

#[tokio::test]
async fn a_strict_import_changes_nothing_at_the_first_problem() {
    let it = hospital().await;
    let before = it.audit_is_whole().await;
    let file = [message("A01", ADA, "PV1||I|NIGHT^A^1"), message("A01", "x", "PV1||I|ATTIC")].concat();
    let Err(ClinicalError::ImportRefused(report)) = send(&it, &file, ImportMode::Strict).await else {
        panic!("a strict import must be refused")
    };
    assert_eq!(report.problems.len(), 1);
    assert!(all(&it).await.is_empty());
    // Only the list that was just read is on record.
    assert_eq!(it.audit_is_whole().await, before + 1);
}

#[tokio::test]
async fn admitted_moved_corrected_discharged_and_back() {
    let it = hospital().await;
    send(&it, &message("A01", ADA, "PV1||I|NIGHT^A^1"), ImportMode::Strict).await.unwrap();
    let first = all(&it).await.remove(0);
    assert_eq!(first.record.bed.as_deref(), Some("A-1"));
    let room = first.room.clone().unwrap();
    let members = |it: &Hospital| it.rooms.members.lock().unwrap()[&room].clone();
    assert!(members(&it).contains(&caller("grace.adeyemi").user));
    assert!(!members(&it).contains(&caller("megan.evans").user));

    send(&it, &message("A02", ADA, "PV1||I|BARTS^B^2"), ImportMode::Strict).await.unwrap();
    assert!(members(&it).contains(&caller("megan.evans").user), "the new ward's staff join");

    let correction = "9990000018^^^NHS^NH||Okafor^Ada^Grace^^Mrs||\"\"|";
    send(&it, &message("A08", correction, ""), ImportMode::Strict).await.unwrap();
    let now = all(&it).await.remove(0);
    assert_eq!(now.reference, first.reference);
    assert_eq!(now.record.name.as_ref().unwrap().given, "Ada Grace");
    assert_eq!(now.record.birth_date, None, "two quotes delete");
    assert!(now.record.gender.is_some(), "empty leaves as it is");
    assert_eq!(now.record.ward.as_deref(), Some("barts"));

    send(&it, &message("A03", ADA, ""), ImportMode::Strict).await.unwrap();
    assert!(all(&it).await.is_empty());
    send(&it, &message("A13", ADA, "PV1||I|NIGHT^A^1"), ImportMode::Strict).await.unwrap();
    assert_eq!(all(&it).await[0].room.as_ref(), Some(&room), "the conversation is the same");
}

#[tokio::test]
async fn a_patient_is_never_guessed() {
    let it = hospital().await;
    send(&it, &message("A01", ADA, "PV1||I|NIGHT^A^1"), ImportMode::Strict).await.unwrap();
    send(
        &it,
        &message("A01", "9990000026^^^NHS^NH~L2^^^X9R^PI||Other^One", "PV1||I|NIGHT^A^2"),
        ImportMode::Strict,
    )
    .await
    .unwrap();
    for pid in [
        "9990000018^^^NHS^NH~L2^^^X9R^PI||Mixed^Up",
        "9990000034^^^NHS^NH~L1^^^X9R^PI||Another^Number",
        "9990000018^^^NHS^NH~L7^^^X9R^PI||Another^Local",
    ] {
        let report = send(&it, &message("A08", pid, ""), ImportMode::Skip).await.unwrap();
        assert_eq!((report.applied, report.problems.len()), (0, 1));
        assert!(report.problems[0].problem.starts_with("PID-3"));
    }
}

#[tokio::test]
async fn a_merge_leaves_one_record_with_both_numbers() {
    let it = hospital().await;
    send(&it, &message("A01", "L1^^^X9R^PI||Okafor^Ada", "PV1||I|NIGHT^A^1"), ImportMode::Strict)
        .await
        .unwrap();
    send(&it, &message("A28", "9990000018^^^NHS^NH||Okafor^Ada", ""), ImportMode::Strict).await.unwrap();
    let merge = message("A40", "9990000018^^^NHS^NH||Okafor^Ada", "MRG|L1^^^X9R^PI");
    send(&it, &merge, ImportMode::Strict).await.unwrap();
    let now = all(&it).await;
    assert_eq!(now.len(), 1);
    assert_eq!(now[0].record.nhs_number.unwrap().digits(), "9990000018");
    assert_eq!(now[0].record.local_id.as_ref().unwrap().value, "L1");
    assert_eq!(now[0].record.ward.as_deref(), Some("nightingale"));
    send(&it, &merge, ImportMode::Strict).await.unwrap();
    assert_eq!(all(&it).await.len(), 1, "the same message again changes nothing");
}

#[tokio::test]
async fn the_number_of_a_record_that_ended_finds_the_one_that_goes_on() {
    let it = hospital().await;
    send(&it, &message("A01", "L1^^^X9R^PI||Okafor^Ada", "PV1||I|NIGHT^A^1"), ImportMode::Strict)
        .await
        .unwrap();
    send(&it, &message("A01", "L2^^^RAD^PI||Okafor^Ada", "PV1||I|SEAC^A^1"), ImportMode::Strict)
        .await
        .unwrap();
    send(&it, &message("A40", "L2^^^RAD^PI||Okafor^Ada", "MRG|L1^^^X9R^PI"), ImportMode::Strict)
        .await
        .unwrap();
    send(&it, &message("A02", "L1^^^X9R^PI||Okafor^Ada", "PV1||I|BARTS^A^1"), ImportMode::Strict)
        .await
        .unwrap();
    let now = all(&it).await;
    assert_eq!(now.len(), 1);
    assert_eq!(now[0].record.ward.as_deref(), Some("barts"));
    assert_eq!(now[0].record.local_id.as_ref().unwrap().value, "L2");
}

#[tokio::test]
async fn a_bundle_reports_the_entry_and_the_element() {
    let it = Hospital::empty();
    let bundle = r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"HealthcareService","id":"r","name":"R","location":[{"reference":"Location/none"}]}},
        {"resource":{"resourceType":"Practitioner","id":"a b","name":[{"family":"A"}]}},
        {"resource":{"resourceType":"Location","id":"w","name":"W","physicalType":{"coding":[{"code":"xx"}]}}},
        {"resource":{"resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"1"}]}},
        {"resource":{"resourceType":"Organization","id":"o"}},
        {"resource":{"resourceType":"Spaceship","id":"o"}},
        {"resource":{"resourceType":"Practitioner","id":"good","name":[{"family":"Good","given":["A"]}]}}]}"#;
    let report = send(&it, bundle, ImportMode::Skip).await.unwrap();
    assert_eq!(report.applied, 1);
    let shown: Vec<String> =
        report.problems.iter().map(|p| format!("{} {}", p.position, p.problem)).collect();
    let has = |position: &str, what: &str| shown.iter().any(|s| s.starts_with(position) && s.contains(what));
    assert!(has("entry[0] HealthcareService", "location[0]"), "{shown:?}");
    assert!(has("entry[1] Practitioner", "id"), "{shown:?}");
    assert!(has("entry[2] Location", "physicalType.coding[0].code"), "{shown:?}");
    assert!(has("entry[3] Patient", "identifier[0].value"), "{shown:?}");
    assert!(has("entry[4] Organization", "name"), "{shown:?}");
    assert!(has("entry[5] Spaceship", "unknown variant"), "{shown:?}");
    assert!(matches!(send(&it, bundle, ImportMode::Strict).await, Err(ClinicalError::ImportRefused(_))));
    assert!(matches!(send(&it, "{", ImportMode::Skip).await, Err(ClinicalError::Invalid { .. })));
    assert!(matches!(send(&it, "id = 1", ImportMode::Skip).await, Err(ClinicalError::Invalid { .. })));
}

#[tokio::test]
async fn importing_the_demo_twice_changes_nothing_that_shows() {
    let it = Hospital::demo().await;
    let before = all(&it).await;
    let roles = it.clinical.practitioner_roles(None, None, None, None, None).await.unwrap();
    for file in ["bundle.json", "admissions.hl7"] {
        it.clinical.import(&demo(file), ImportMode::Strict).await.unwrap();
    }
    it.clinical.drain_outbox().await.unwrap();
    assert_eq!(all(&it).await, before);
    assert_eq!(it.clinical.practitioner_roles(None, None, None, None, None).await.unwrap(), roles);
    assert_eq!(it.rooms.patients.lock().unwrap().len(), 24);
}

fn shown(report: &ImportReport) -> Vec<String> {
    report.problems.iter().map(|p| format!("{}: {}", p.position, p.problem)).collect()
}

fn changes(report: &ImportReport) -> Vec<(&str, bool)> {
    report.changes.iter().map(|change| (change.target.as_str(), change.new)).collect()
}

#[tokio::test]
async fn staff_come_from_a_table_and_what_is_wrong_is_named_by_line_and_column() {
    let it = hospital().await;
    let table = "id,family,given,title,job,registration_system,registration_number\n\
                 amara.okafor,Okafor,Amara,Dr,Anaesthetist,https://fhir.hl7.org.uk/Id/gmc-number,1234567\n\
                 BAD ID,Nobody,,,,,\n\
                 ben.jones,,Ben,,,,\n\
                 cara.lee,Lee\n\
                 dan.wu,\"Wu, Jr\",Dan,,Porter,,99\n\
                 priya.raman,Raman,Priya,Dr,Consultant,,\n";
    let report = send(&it, table, ImportMode::Skip).await.unwrap();
    assert_eq!(report.applied, 2);
    assert_eq!(changes(&report), [("Practitioner/amara.okafor", true), ("Practitioner/priya.raman", false)]);
    let wrong = shown(&report);
    assert!(wrong.iter().any(|it| it.starts_with("line 3: column id: is letters")), "{wrong:?}");
    assert!(wrong.contains(&"line 4: column family: is empty".to_owned()), "{wrong:?}");
    assert!(
        wrong.iter().any(|it| it.starts_with("line 5: column family: the row has 2 columns")),
        "{wrong:?}"
    );
    assert!(wrong.contains(&"line 6: column registration_system: is empty".to_owned()), "{wrong:?}");
    assert_eq!(it.clinical.practitioner("priya.raman").unwrap().job, "Consultant");
    let number = it.clinical.practitioner_by("https://fhir.hl7.org.uk/Id/gmc-number", "1234567").unwrap();
    assert_eq!(number.unwrap().id, "amara.okafor");
    let again = send(&it, table, ImportMode::Skip).await.unwrap();
    assert_eq!((again.applied, again.changes.len()), (2, 0), "the same again changes nothing");
}

#[tokio::test]
async fn a_dry_run_shows_what_would_change_and_changes_nothing() {
    let it = hospital().await;
    let before = it.audit_is_whole().await;
    let table = "id;name;people;roles\nresus;Resuscitation team;samuel.mbeki;medical-registrar|anaesthetist\n\
                 lost;Lost team;nobody;\n";
    let dry = send(&it, table, ImportMode::DryRun).await.unwrap();
    assert_eq!(changes(&dry), [("CareTeam/resus", true)]);
    assert_eq!(shown(&dry), ["line 3: column people or roles: there is no such Practitioner"]);
    assert!(it.clinical.team("resus").is_err());
    assert_eq!(it.audit_is_whole().await, before);
    let real = send(&it, table, ImportMode::Skip).await.unwrap();
    assert_eq!((real.changes, real.problems), (dry.changes, dry.problems));
    assert_eq!(it.clinical.team("resus").unwrap().members.len(), 3);

    let bundle = String::from_utf8(demo("bundle.json")).unwrap();
    let same = send(&it, &bundle, ImportMode::DryRun).await.unwrap();
    assert_eq!(same.changes, [], "importing the demo again would change nothing");
    let refused = send(&it, table, ImportMode::Strict).await;
    assert!(matches!(refused, Err(ClinicalError::ImportRefused(_))));
    let adt = send(&it, &message("A01", ADA, "PV1||I|NIGHT^A^1"), ImportMode::DryRun).await.unwrap();
    assert_eq!((adt.applied, all(&it).await.len()), (1, 0));
}

#[tokio::test]
async fn places_and_roles_come_from_tables() {
    let it = hospital().await;
    let places = "id,kind,name,code,part_of,description\n\
                  fleming,ward,Fleming ward,FLEM,riverside,Stroke\n\
                  fleming-1,bed,Bed 1,B1,fleming,\n\
                  attic,loft,Attic,ATTIC,,\n\
                  cellar,ward,Cellar,CELL,nowhere,\n";
    let report = send(&it, places, ImportMode::Skip).await.unwrap();
    assert_eq!(
        shown(&report),
        [
            "line 4: column kind: is one of site, ward, bed",
            "line 5: column part_of: there is no such Location"
        ]
    );
    assert_eq!(it.clinical.location("fleming").unwrap().description.as_deref(), Some("Stroke"));
    let roles = "id,name,wards,phone,fallback\nstroke-nurse,Stroke nurse,fleming; nightingale,Bleep 7,site-manager\n\
                 x,X,fleming;gone,,\n";
    let report = send(&it, roles, ImportMode::Skip).await.unwrap();
    assert_eq!(shown(&report), ["line 3: column wards: there is no such Location"]);
    let role = it.clinical.service("stroke-nurse").unwrap();
    assert_eq!((role.wards.len(), role.fallback.as_deref()), (2, Some("site-manager")));
    let unknown = send(&it, "id,family,shoe size\n", ImportMode::Skip).await;
    assert!(matches!(unknown, Err(ClinicalError::Invalid { path, problem, .. })
        if path == "line 1" && problem.starts_with("column 3 is unknown")));
}

#[tokio::test]
async fn a_rota_comes_from_a_table_by_local_clocks() {
    let it = hospital().await;
    let rota = "person,role,ward,start,end,deputy\n\
                samuel.mbeki,anaesthetist,,22/11/2026 08:00,2026-11-22 20:00,\n\
                dev.patel,anaesthetist,,2026-11-22 19:00,2026-11-23 08:00,\n\
                dev.patel,anaesthetist,,2027-03-28 01:30,2027-03-28 09:00,\n\
                dev.patel,anaesthetist,,2027-10-31 01:30,2027-10-31 09:00,\n\
                dev.patel,anaesthetist,,2026-11-24 20:00,2026-11-24 08:00,\n\
                nobody,anaesthetist,,2026-11-25 20:00,2026-11-26 08:00,\n\
                megan.evans,,barts,2026-11-22 08:00,2026-11-22 20:00,\n\
                dev.patel,anaesthetist,,2026-11-20 08:00,2026-12-20 08:00,yes\n";
    let report = send(&it, rota, ImportMode::Skip).await.unwrap();
    let wrong = shown(&report);
    assert!(
        wrong.iter().any(|it| it.starts_with("line 3: column start and end: overlaps shift")),
        "{wrong:?}"
    );
    assert!(
        wrong.contains(&"line 4: column start: does not exist: clocks go forward in that hour".to_owned())
    );
    assert!(wrong.iter().any(|it| it.starts_with("line 5: column start: comes twice")), "{wrong:?}");
    assert!(wrong.contains(&"line 6: column end: must lie after the start".to_owned()), "{wrong:?}");
    assert!(wrong.contains(&"line 7: column person: there is no such Practitioner".to_owned()), "{wrong:?}");
    assert_eq!(report.applied, 3);
    let role = it.clinical.on_call_for("anaesthetist").unwrap();
    let (shift, holder) = role.holder.unwrap();
    assert_eq!(
        (holder.id.as_str(), shift.end.to_instant().as_str()),
        ("samuel.mbeki", "2026-11-22T20:00:00.000Z")
    );
    let again = send(&it, rota, ImportMode::Skip).await.unwrap();
    assert!(again.changes.is_empty(), "{:?}", again.changes);
}

#[tokio::test]
async fn a_rota_comes_from_a_calendar_with_its_repetitions() {
    let it = hospital().await;
    let event = |lines: &str| format!("BEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\n");
    let calendar = [
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n".to_owned(),
        event(
            "UID:a\r\nSUMMARY:Anaesthetist on call\r\nATTENDEE;CN=Samuel Mbeki:mailto:samuel.mbeki@nhs.example\r\n\
             DTSTART;TZID=Europe/London:20261116T080000\r\nDTEND;TZID=Europe/London:20261116T200000\r\n\
             RRULE:FREQ=DAILY\r\nEXDATE;TZID=Europe/London:20261124T080000",
        ),
        event(
            "UID:b\r\nSUMMARY:Barts ward\r\nATTENDEE;CN=Megan Evans:mailto:someone.else@nhs.example\r\n\
             DTSTART:20261122T090000\r\nDTEND:20261122T170000",
        ),
        event("UID:c\r\nSUMMARY:Juggler\r\nATTENDEE:mailto:dev.patel@nhs.example\r\nDTSTART:20261122T090000\r\nDTEND:20261122T170000"),
        event("UID:d\r\nSUMMARY:outreach\r\nATTENDEE:mailto:ghost@nhs.example\r\nDTSTART:20261122T090000\r\nDTEND:20261122T170000"),
        event("UID:e\r\nSUMMARY:site-manager\r\nATTENDEE:mailto:dev.patel@x\r\nDTSTART:20270328T013000\r\nDTEND:20270328T170000"),
        "END:VCALENDAR\r\n".to_owned(),
    ]
    .concat();
    let report = send(&it, &calendar, ImportMode::Skip).await.unwrap();
    assert_eq!(
        shown(&report),
        [
            "line 20: SUMMARY: is no role or ward of the directory",
            "line 27: ATTENDEE: is no member of staff of the directory",
            "line 34: DTSTART: does not exist: clocks go forward in that hour",
        ]
    );
    let shifts =
        it.clinical.practitioner_roles(Some("anaesthetist".into()), None, None, None, None).await.unwrap();
    let days: Vec<String> = shifts.iter().map(|it| it.start.to_instant()[..10].to_owned()).collect();
    assert_eq!(days.len(), 14, "from today on, without the 24th: {days:?}");
    assert!(days[0] == "2026-11-22" && !days.contains(&"2026-11-24".to_owned()), "{days:?}");
    assert_eq!(report.applied, 15);
    assert!(send(&it, &calendar, ImportMode::Skip).await.unwrap().changes.is_empty());
    let broken = send(&it, "BEGIN:VCALENDAR\r\nnonsense", ImportMode::Skip).await;
    assert!(matches!(broken, Err(ClinicalError::Invalid { .. })));
}
