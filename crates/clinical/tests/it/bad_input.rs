//! Bad input, line by line: a clear error that names what is wrong, and nothing changed. "Nothing" is every row of every table.

use std::sync::atomic::Ordering;

use wardline_clinical::{
    Audience, Caller, ClinicalError, DirectoryEntry, Duty, Editor, Fault, ImportMode, Member, NewCall,
    NewCallKind, NewRequest, NewShift, Team, Until,
};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
};
use wardline_store::{Reader, StoreError, params};

use crate::support::{Hospital, MINUTE, NOON, caller, demo};

const HOUR: i64 = 60 * MINUTE;

/// Every row of every table as text.
async fn everything(it: &Hospital) -> String {
    let names =
        |tx: &wardline_store::ReadTx<'_>, sql: &str| tx.query(sql, params![], |row| row.get::<String>(0));
    it.store
        .read(move |tx| {
            let mut all = String::new();
            let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
            for table in names(tx, tables)? {
                let columns = names(tx, &format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"))?;
                let row = columns.join(" || ',' || ");
                let rows = names(tx, &format!("SELECT {row} FROM {table} ORDER BY 1"))?;
                all += &format!("{table}: {}\n", rows.join("\n"));
            }
            Ok::<_, StoreError>(all)
        })
        .await
        .unwrap()
}

/// Tries something that must be refused in these words, and looks whether anything has changed.
async fn unchanged<T: std::fmt::Debug>(
    it: &Hospital,
    what: &str,
    words: &str,
    attempt: impl Future<Output = Result<T, ClinicalError>>,
) {
    let before = everything(it).await;
    let refused = match attempt.await {
        Err(ClinicalError::ImportRefused(report)) => report
            .problems
            .iter()
            .map(|it| format!("{}: {}", it.position, it.problem))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(error) => error.to_string(),
        Ok(done) => panic!("{what}: was done: {done:?}"),
    };
    assert!(refused.contains(words), "{what}: {refused}");
    it.clinical.drain_outbox().await.unwrap();
    assert_eq!(everything(it).await, before, "{what}: something has changed");
}

fn editor() -> Editor {
    Editor { caller: caller("zoe"), administrator: true }
}

fn request(patient: &str, to: Ask) -> NewRequest {
    NewRequest {
        id: "new".to_owned(),
        class: Class::Urgent,
        patient: patient.to_owned(),
        addressed: to,
        needed_by: None,
        playbook: None,
        event: None,
        room: None,
    }
}

#[tokio::test]
async fn impossible_transitions() {
    let it = Hospital::demo().await;
    let (priya, grace, megan, dev) = ("priya.raman", "grace.adeyemi", "megan.evans", "dev.patel");
    let decline = || Command::Decline { reason: "in theatre".to_owned() };
    let comment = || Command::Comment { text: "words".to_owned() };
    let reassign = |to: &str| Command::Reassign { to: to.to_owned() };
    let delegate = |to: &str| Command::Delegate { to: to.to_owned() };
    for id in ["raised", "accepted", "arrived", "completed", "cancelled"] {
        it.raise(id, "medical-registrar").await.unwrap();
    }
    for (id, command) in [
        ("accepted", Command::Accept),
        ("arrived", Command::Accept),
        ("arrived", Command::Arrive),
        ("completed", Command::Accept),
        ("completed", Command::Complete),
    ] {
        it.say(priya, id, command).await.unwrap();
    }
    it.say(grace, "cancelled", Command::Cancel).await.unwrap();
    let (only, accepted) = ("only ", "already accepted by priya.raman");
    for (id, who, command, words) in [
        ("raised", megan, Command::Deliver, only),
        ("raised", megan, Command::See, only),
        ("raised", megan, Command::Accept, only),
        ("raised", megan, decline(), only),
        ("raised", megan, Command::Complete, only),
        ("raised", megan, Command::Cancel, only),
        ("raised", megan, comment(), only),
        ("raised", megan, reassign(dev), only),
        ("raised", priya, Command::Cancel, only),
        ("raised", priya, delegate(dev), only),
        ("raised", priya, reassign("no.body"), "Parameters.parameter(to)"),
        ("accepted", megan, Command::Complete, ""),
        ("accepted", grace, Command::Accept, ""),
        ("accepted", priya, delegate(priya), only),
        ("accepted", priya, delegate("no.body"), "Parameters.parameter(to)"),
        ("arrived", priya, Command::OnMyWay, "cannot become on-my-way"),
        ("completed", priya, Command::Accept, "already completed"),
        ("completed", priya, Command::OnMyWay, "already completed"),
        ("completed", priya, decline(), "already completed"),
        ("completed", grace, Command::Cancel, "already completed"),
        ("completed", megan, Command::Reopen, only),
        ("cancelled", priya, Command::Accept, "already cancelled"),
        ("cancelled", priya, Command::Arrive, "already cancelled"),
        ("cancelled", priya, Command::Complete, "already cancelled"),
        ("cancelled", priya, reassign(dev), "already cancelled"),
        ("no-such-request", priya, Command::Accept, "Task not found"),
    ] {
        let what = format!("{who} says {command:?} of a request that is {id}");
        unchanged(&it, &what, words, it.clinical.command(&caller(who), id, command)).await;
    }
    // Two at once: the second is told who was first.
    it.say(priya, "raised", Command::Accept).await.unwrap();
    it.pass(5 * MINUTE).await;
    let asked = it.clinical.task(&caller(grace), "accepted").unwrap().task.request.asked;
    assert_eq!(asked.len(), 1);
    it.raise("two", "medical-registrar").await.unwrap();
    it.pass(5 * MINUTE).await;
    it.say(priya, "two", Command::Accept).await.unwrap();
    unchanged(
        &it,
        "the second",
        accepted,
        it.clinical.command(&caller("hannah.whitfield"), "two", Command::Accept),
    )
    .await;
}

#[tokio::test]
async fn unknown_and_empty_roles() {
    let it = Hospital::demo().await;
    let patient = it.patient().await;
    let nurse = caller("grace.adeyemi");
    for (ask, words) in [
        (Ask::Role("no-role".to_owned()), "Task.owner: there is no such role"),
        (Ask::Role(String::new()), "Task.owner: there is no such role"),
        (Ask::Person("nobody".to_owned()), "Task.owner: there is no such person"),
        (Ask::Team("no-team".to_owned()), "Task.owner: there is no such team"),
        (Ask::OnDuty("attic".to_owned()), "Task.owner: there is no such ward"),
    ] {
        let new = request(&patient, ask.clone());
        unchanged(&it, &format!("{ask:?}"), words, it.clinical.raise(&nurse, new)).await;
    }
    let chosen = NewRequest {
        playbook: Some("none".to_owned()),
        ..request(&patient, Ask::Role("site-manager".to_owned()))
    };
    unchanged(&it, "playbook", "Task.extension(request-playbook)", it.clinical.raise(&nurse, chosen)).await;
    let nobody = request("no-patient", Ask::Role("site-manager".to_owned()));
    unchanged(&it, "patient", "Task.for: there is no such patient", it.clinical.raise(&nurse, nobody)).await;

    let role = async |role: &str| it.clinical.take_role(&nurse, role, Until::ShiftEnd).await;
    unchanged(&it, "take an unknown role", "HealthcareService not found", role("no-role")).await;
    unchanged(&it, "take a held role", "somebody holds this role", role("medical-registrar")).await;
    let registrar = caller("priya.raman");
    let offer = it.clinical.offer_role(&registrar, "medical-registrar", "no.body", Until::ShiftEnd);
    unchanged(&it, "offer to nobody", "Parameters.parameter(to)", offer).await;
    let long = Until::At(Timestamp(NOON + 30 * HOUR));
    let offer = it.clinical.offer_role(&registrar, "medical-registrar", "dev.patel", long);
    unchanged(&it, "offer for long", "Parameters.parameter(until)", offer).await;

    let team = |members: Vec<Member>| {
        let team = Team { id: "t".to_owned(), name: "T".to_owned(), source: None, members };
        async { it.clinical.put_entry(&editor(), DirectoryEntry::Team(team), None, |_| true).await }
    };
    let unknown = team(vec![Member::Role("no-role".to_owned()), Member::Person("nobody".to_owned())]);
    unchanged(&it, "team of strangers", "CareTeam.participant[1].member", unknown).await;
    team(Vec::new()).await.unwrap();
    let playbook = async |ask: &str| {
        let text = format!(
            "id = \"p\"\ntitle = \"P\"\nclasses = [\"urgent\"]\n[[steps]]\nask = {{ addressed = true }}\nwait = \"5m\"\n\
             [[steps]]\nask = {ask}\nwait = \"5m\"\n[[steps]]\nask = {{ role = \"site-manager\" }}\nwait = \"5m\"\n\
             must_act = true\n"
        );
        it.clinical.save_playbook(&editor(), "p", &text, 0).await
    };
    for (ask, words) in [
        ("{ role = \"no-role\" }", "playbook: the directory has no no-role"),
        ("{ person = \"nobody\" }", "playbook: the directory has no nobody"),
        ("{ team = \"t\" }", "playbook: nobody is in the team t"),
        ("{ role = \"\" }", "playbook.steps[1].ask"),
        ("[]", "playbook.steps[1].ask"),
        ("{}", "playbook.steps[1].ask"),
    ] {
        unchanged(&it, ask, words, playbook(ask)).await;
    }
    let everybody = NewCall {
        id: "c".to_owned(),
        kind: NewCallKind::Broadcast {
            title: "Exercise".to_owned(),
            words: "Come".to_owned(),
            audience: vec![Audience::Some(Ask::Role("no-role".to_owned()))],
            replies: Vec::new(),
        },
        drill: true,
        place: None,
        location: None,
    };
    unchanged(
        &it,
        "call of nobody",
        "CommunicationRequest.",
        it.clinical.raise_call(&caller("dev.patel"), everybody),
    )
    .await;
}

#[tokio::test]
async fn playbooks_that_would_not_end() {
    let it = Hospital::demo().await;
    let head = "id = \"p\"\ntitle = \"P\"\nclasses = [\"urgent\"]\n";
    let step = |more: &str| {
        let ask = "[{ addressed = true }, { role = \"site-manager\" }]";
        format!("[[steps]]\nask = {ask}\nwait = \"5m\"\nmust_act = true\n{more}\n")
    };
    for (what, text, words) in [
        ("a step that goes back", format!("{head}{}", step("then = 0")), "then"),
        ("a step that names another", format!("{head}{}", step("goto = \"first\"")), "goto"),
        ("repeats for ever", format!("{head}{}", step("repeat = 255")), "repeat: must be at most"),
        ("repeats for ever, as a word", format!("{head}{}", step("repeat = \"always\"")), "repeat"),
        ("no wait", format!("{head}{}", step("").replace("5m", "0s")), "wait: "),
        ("no steps", head.to_owned(), "steps"),
        ("many steps", format!("{head}{}", step("").repeat(21)), "steps"),
        ("no class", format!("{}{}", head.replace("\"urgent\"", ""), step("")), "classes"),
        ("an unknown class", format!("{}{}", head.replace("urgent", "soon"), step("")), "classes"),
        ("another id", format!("{}{}", head.replace("\"p\"", "\"q\""), step("")), "playbook.id"),
    ] {
        unchanged(&it, what, words, it.clinical.save_playbook(&editor(), "p", &text, 0)).await;
        if what != "another id" {
            unchanged(&it, what, words, it.clinical.import(text.as_bytes(), ImportMode::Strict)).await;
        }
    }
    let unknown = format!("{head}{}", step("").replace("site-manager", "no-role"));
    unchanged(&it, "import", "no no-role", it.clinical.import(unknown.as_bytes(), ImportMode::Strict)).await;
}

fn shift(person: &str, start: Timestamp, end: Timestamp) -> NewShift {
    NewShift {
        duty: Duty::Role("anaesthetist".to_owned()),
        person: person.to_owned(),
        start: Some(start),
        end: Some(end),
        deputy: false,
    }
}

#[tokio::test]
async fn overlapping_and_impossible_shifts() {
    let it = Hospital::demo().await;
    let at = |hours: i64| Timestamp(NOON + hours * HOUR);
    let put = async |id: &str, new: NewShift| it.clinical.put_shift(&editor(), id, new, |_| true).await;
    put("s1", shift("samuel.mbeki", at(10), at(20))).await.unwrap();
    for (what, new, words) in [
        ("overlap", shift("dev.patel", at(19), at(25)), "PractitionerRole.period: overlaps"),
        ("overlap of oneself", shift("samuel.mbeki", at(9), at(11)), "PractitionerRole.period: overlaps"),
        ("backwards", shift("dev.patel", at(30), at(28)), "PractitionerRole.period: must end after"),
        ("empty", shift("dev.patel", at(30), at(30)), "PractitionerRole.period"),
        ("past", shift("dev.patel", at(-9), at(-1)), "PractitionerRole.period.end: must lie in the future"),
        ("long", shift("dev.patel", at(30), at(56)), "PractitionerRole.period.end: a shift has at most"),
        ("nobody", shift("no.body", at(30), at(38)), "PractitionerRole.practitioner"),
        (
            "no role",
            NewShift { duty: Duty::Role("no-role".to_owned()), ..shift("dev.patel", at(30), at(38)) },
            "PractitionerRole.healthcareService[0]",
        ),
        (
            "no end",
            NewShift { end: None, ..shift("dev.patel", at(30), at(38)) },
            "PractitionerRole.period.end",
        ),
    ] {
        unchanged(&it, what, words, put("s2", new)).await;
    }
    let fault = put("s2", shift("dev.patel", at(19), at(25))).await.unwrap_err();
    assert!(
        matches!(fault, ClinicalError::Invalid { fault: Some(Fault::Overlap(begin)), .. } if begin == at(10))
    );
    let rota = "person,role,ward,start,end\n\
                dev.patel,anaesthetist,,2026-11-23 06:00,2026-11-23 12:00\n";
    unchanged(
        &it,
        "table",
        "line 2: column start and end: overlaps",
        it.clinical.import(rota.as_bytes(), ImportMode::Strict),
    )
    .await;
    let megan = Editor { caller: caller("megan.evans"), administrator: false };
    let stranger = it.clinical.put_shift(&megan, "s2", shift("dev.patel", at(30), at(38)), |_| true);
    unchanged(&it, "stranger", "only administrators and the duty manager", stranger).await;
}

#[tokio::test]
async fn shifts_in_the_nights_in_which_clocks_change() {
    let it = Hospital::demo().await;
    // The first of October 2026: both nights are to come.
    it.clock.0.store(NOON - 52 * 24 * HOUR, Ordering::SeqCst);
    let local = |text: &str| it.clinical.local_instant(text).unwrap();
    for (id, start, end, hours) in [
        ("autumn", "2026-10-24 20:00", "2026-10-25 08:00", 13),
        ("spring", "2027-03-27 20:00", "2027-03-28 08:00", 11),
        // A whole day by the clocks has 25 hours then.
        ("long", "2026-10-25 08:00", "2026-10-26 08:00", 24),
    ] {
        let new = shift("samuel.mbeki", local(start), local(end));
        let (made, _) = it.clinical.put_shift(&editor(), id, new, |_| true).await.unwrap();
        assert_eq!(made.end.millis_since(made.start), hours * HOUR, "{id}");
    }
    for (text, words) in [
        ("2027-03-28 01:30", "does not exist: clocks go forward"),
        ("28/03/2027 01:00", "does not exist"),
        ("2026-10-25 01:30", "comes twice"),
        ("tomorrow", "is a time as"),
    ] {
        assert!(it.clinical.local_instant(text).unwrap_err().to_string().contains(words), "{text}");
    }
    // By the hour that comes twice the first and the second are told apart.
    let first = local("2026-10-25T01:30:00+01:00");
    assert_eq!(local("2026-10-25T01:30:00+00:00").millis_since(first), HOUR);
    for (row, words) in [
        ("dev.patel,outreach,,2026-10-24 20:00,2026-10-25 01:30", "line 2: column end: comes twice"),
        ("dev.patel,outreach,,2026-10-25 01:30,2026-10-25 08:00", "line 2: column start: comes twice"),
        ("dev.patel,outreach,,2027-03-28 01:30,2027-03-28 08:00", "line 2: column start: does not exist"),
        ("dev.patel,outreach,,2027-03-27 20:00,2027-03-28 01:30", "line 2: column end: does not exist"),
    ] {
        let table = format!("person,role,ward,start,end\n{row}\n");
        unchanged(&it, row, words, it.clinical.import(table.as_bytes(), ImportMode::Strict)).await;
    }
    let event = |start: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:outreach\r\n\
             ATTENDEE:mailto:dev.patel@x\r\nDTSTART;TZID=Europe/London:{start}\r\nDTEND;TZID=Europe/London:20270401T000000\r\n\
             END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    };
    for (start, words) in [
        ("20270328T013000", "line 4: DTSTART: does not exist"),
        ("20261025T013000", "line 4: DTSTART: comes twice"),
    ] {
        unchanged(&it, start, words, it.clinical.import(event(start).as_bytes(), ImportMode::Strict)).await;
    }
}

#[tokio::test]
async fn a_bad_row_is_named_and_the_rest_is_as_without_it() {
    let good = "id,family,given,job\namara.okafor,Okafor,Amara,Anaesthetist\n";
    let bad = "BAD ID,Nobody,,\nben.jones,,Ben,\ncara.lee,Lee\n";
    let (with, without) = (Hospital::demo().await, Hospital::demo().await);
    let strict = format!("{good}{bad}");
    unchanged(
        &with,
        "strict",
        "line 3: column id",
        with.clinical.import(strict.as_bytes(), ImportMode::Strict),
    )
    .await;
    let report = with.clinical.import(strict.as_bytes(), ImportMode::Skip).await.unwrap();
    without.clinical.import(good.as_bytes(), ImportMode::Skip).await.unwrap();
    assert_eq!((report.applied, report.problems.len()), (1, 3));
    let positions: Vec<&str> = report.problems.iter().map(|it| it.position.as_str()).collect();
    assert_eq!(
        positions.iter().filter(|it| ["line 3", "line 4", "line 5"].contains(it)).count(),
        3,
        "{positions:?}"
    );
    let staff = async |it: &Hospital| it.clinical.practitioners().await.unwrap();
    assert_eq!(staff(&with).await, staff(&without).await);

    // A row that would make several shifts makes none if one of them is wrong.
    let it = Hospital::demo().await;
    it.clinical
        .put_shift(
            &editor(),
            "s1",
            shift("samuel.mbeki", Timestamp(NOON + 44 * HOUR), Timestamp(NOON + 50 * HOUR)),
            |_| true,
        )
        .await
        .unwrap();
    let pattern = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"PractitionerRole","id":"nights",
        "practitioner":{"reference":"Practitioner/dev.patel"},
        "healthcareService":[{"reference":"HealthcareService/anaesthetist"}],
        "availableTime":[{"availableStartTime":"08:00:00","availableEndTime":"16:00:00"}]}}]}"#;
    let before =
        it.clinical.practitioner_roles(Some("anaesthetist".into()), None, None, None, None).await.unwrap();
    let report = it.clinical.import(pattern.as_bytes(), ImportMode::Skip).await.unwrap();
    assert!(report.problems[0].problem.starts_with("period: overlaps"), "{report:?}");
    let after =
        it.clinical.practitioner_roles(Some("anaesthetist".into()), None, None, None, None).await.unwrap();
    assert_eq!(before, after);
    // Nor does a role keep what was said of it along with a fallback that does not exist.
    let roles = "id,name,wards,phone,fallback\noutreach,Renamed,nightingale,,no-role\n";
    let outreach = it.clinical.service("outreach").unwrap();
    let report = it.clinical.import(roles.as_bytes(), ImportMode::Skip).await.unwrap();
    assert!(report.problems[0].problem.contains("there is no such role"), "{report:?}");
    assert_eq!(it.clinical.service("outreach").unwrap(), outreach);
}

#[tokio::test]
async fn wrong_code_systems_and_references() {
    let it = Hospital::demo().await;
    for (resource, words) in [
        (
            r#""resourceType":"Organization","id":"o","name":"O","identifier":[{"system":"urn:x","value":"X"}]"#,
            "entry[0] Organization: identifier[0].system",
        ),
        (
            r#""resourceType":"Location","id":"l","name":"L","physicalType":{"coding":[{"system":"http://snomed.info/sct","code":"wa"}]}"#,
            "entry[0] Location: physicalType.coding[0].system",
        ),
        (
            r#""resourceType":"Location","id":"l","name":"L","physicalType":{"coding":[{"code":"loft"}]}"#,
            "physicalType.coding[0].code",
        ),
        (
            r#""resourceType":"Location","id":"barts","name":"L","physicalType":{"coding":[{"code":"wa"}]},"partOf":{"reference":"Location/barts"}"#,
            "partOf",
        ),
        (
            r#""resourceType":"HealthcareService","id":"s","name":"S","type":[{"coding":[{"system":"urn:x","code":"privacy-officer"}]}]"#,
            "entry[0] HealthcareService: type[0].coding[0].system",
        ),
        (r#""resourceType":"HealthcareService","id":"s","name":" ""#, "name: must not be empty"),
        (
            r#""resourceType":"HealthcareService","id":"s","name":"S","providedBy":{"reference":"Organization/none"}"#,
            "providedBy: there is no such Organization",
        ),
        (
            r#""resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Patient/1"},"location":[{"reference":"Location/barts"}]"#,
            "practitioner.reference: must refer to a Practitioner",
        ),
        (
            r#""resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/dev.patel"}"#,
            "healthcareService: a role has one",
        ),
        (
            r#""resourceType":"Patient","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000019"}],"name":[{"family":"X"}]"#,
            "entry[0] Patient: identifier[0].value",
        ),
        (
            r#""resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"name":[{"family":"X"}],"birthDate":"1.2.1960""#,
            "birthDate: is written YYYY-MM-DD",
        ),
        (
            r#""resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}],"name":[{"family":"X"}],"gender":"M""#,
            "gender",
        ),
        (r#""resourceType":"Patient","identifier":[],"name":[{"family":"X"}]"#, "identifier: an NHS number"),
        (
            r#""resourceType":"Patient","identifier":[{"system":"urn:x","value":"1"}]"#,
            "name: a new patient needs",
        ),
        (r#""resourceType":"Observation","id":"x""#, "entry[0] Observation"),
    ] {
        let bundle = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{{{resource}}}}}]}}"#);
        unchanged(&it, resource, words, it.clinical.import(bundle.as_bytes(), ImportMode::Strict)).await;
    }
}

fn message(kind: &str, pid: &str, rest: &str) -> String {
    format!("MSH|^~\\&|PAS|X9R|WL|X9R|20261122||ADT^{kind}|1|P|2.4\rPID|1||{pid}\r{rest}\r")
}

#[tokio::test]
async fn duplicate_numbers_and_a_patient_merged_into_itself() {
    let it = Hospital::demo().await;
    let other = String::from_utf8(demo("admissions.hl7")).unwrap();
    assert!(other.contains("RGH410200^^^X9R^PI") && other.contains("9990000026^^^NHS^NH"));
    let patient = |pid: &str, kind: &str, rest: &str| message(kind, pid, rest);
    for (what, file, words) in [
        (
            "the number of one patient with that of another",
            patient("9990000026^^^NHS^NH~RGH410200^^^X9R^PI||Davies^John", "A31", ""),
            "PID-3: the NHS number and the local number belong to two different patients",
        ),
        (
            "another number for a patient who has one",
            patient("9434765919^^^NHS^NH~RGH410200^^^X9R^PI||Davies^John", "A08", "PV1||I|NIGHT^A^1"),
            "PID-3",
        ),
        (
            "another local number for the same NHS number",
            patient("9990000018^^^NHS^NH~RGH999999^^^X9R^PI||Davies^John", "A08", "PV1||I|NIGHT^A^1"),
            "PID-3: the local number is not the one",
        ),
        ("a wrong digit", patient("9990000019^^^NHS^NH||Davies^John", "A28", ""), "PID-3"),
        (
            "merged into itself by the NHS number",
            patient("9990000018^^^NHS^NH||Davies^John", "A40", "MRG|9990000018^^^NHS^NH"),
            "MRG-1: a record cannot be merged into itself",
        ),
        (
            "merged into itself by both",
            patient("9990000018^^^NHS^NH~RGH410200^^^X9R^PI||Davies^John", "A40", "MRG|RGH410200^^^X9R^PI"),
            "MRG-1: a record cannot be merged into itself",
        ),
        (
            "a survivor who is not known",
            patient("9434765919^^^NHS^NH||No^Body", "A40", "MRG|9990000018^^^NHS^NH"),
            "PID-3: this patient is not known here",
        ),
        (
            "a ward that is not known",
            patient("9990000018^^^NHS^NH||Davies^John", "A02", "PV1||I|ATTIC^A^1"),
            "PV1-3",
        ),
    ] {
        unchanged(&it, what, words, it.clinical.import(file.as_bytes(), ImportMode::Strict)).await;
    }
    // The same in a bundle, in its words.
    let bundle = r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","name":[{"family":"Davies"}],
        "identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"},{"system":"X9R","value":"RGH999999"}]}}]}"#;
    unchanged(
        &it,
        "bundle",
        "entry[0] Patient: identifier:",
        it.clinical.import(bundle.as_bytes(), ImportMode::Strict),
    )
    .await;
    let stranger = Caller { user: caller("no.body").user, device: None };
    let seen = it.clinical.patients_in_hospital(&stranger, None).await.unwrap();
    assert!(seen.is_empty());
}
