//! Playbooks with teams, parallel steps and conditions, against the directory and the rota.

use serde_json::json;
use wardline_clinical::{ClinicalError, ImportMode, NewRequest, PlaybookProblem};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class, Playbook},
        request::{Command, Reason, RequestError, State},
    },
};

use crate::support::{Hospital, MINUTE, NOON, caller, demo};

/// The outreach team: a person, and whoever is the anaesthetist (nobody, at noon).
fn team() -> Vec<u8> {
    json!({ "resourceType": "Bundle", "entry": [{ "resource": {
        "resourceType": "CareTeam", "id": "rapid-response", "name": "Rapid response team",
        "participant": [
            { "member": { "reference": "Practitioner/daniel.osei" } },
            { "member": { "reference": "Practitioner/dev.patel" } },
            { "role": [{ "coding": [{ "code": "anaesthetist" }] }] },
        ],
    } }] })
    .to_string()
    .into_bytes()
}

const RAPID: &str = r#"
    id = "rapid"
    title = "Rapid response"
    classes = ["urgent"]
    only_by_name = true
    [[steps]]
    ask = { addressed = true }
    wait = "5m"
    [[steps]]
    ask = { role = "pharmacist" }
    wait = "5m"
    when = { hours = ["20:00-08:00"] }
    [[steps]]
    ask = { team = "rapid-response" }
    wait = "2m"
    closes = "step"
    [[steps]]
    ask = { role = "site-manager" }
    wait = "5m"
    must_act = true
"#;

async fn hospital() -> Hospital {
    let it = Hospital::demo().await;
    it.clinical.import(&team(), ImportMode::Strict).await.unwrap();
    it.clinical.import(RAPID.as_bytes(), ImportMode::Strict).await.unwrap();
    let new = NewRequest {
        id: "r1".to_owned(),
        class: Class::Urgent,
        patient: it.patient().await,
        addressed: Ask::Role("medical-registrar".to_owned()),
        needed_by: None,
        playbook: Some("rapid".to_owned()),
        event: None,
        room: None,
    };
    let (view, _) = it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap();
    assert_eq!(view.next.as_deref(), Some("Rapid response team"), "it is noon: the pharmacist is not asked");
    it.clinical.drain_outbox().await.unwrap();
    it
}

#[tokio::test]
async fn a_team_is_asked_together_and_whoever_comes_lets_the_next_be_asked() {
    let it = hospital().await;
    it.pass(5 * MINUTE).await;
    let view = it.clinical.task(&caller("grace.adeyemi"), "r1").unwrap();
    assert_eq!(view.task.request.holders, ["daniel.osei", "dev.patel"]);
    assert!(view.transitions.iter().any(|t| t.reason == Some(Reason::NotNow)));
    let view = it.say("daniel.osei", "r1", Command::Accept).await.unwrap();
    assert_eq!((view.task.request.state, view.task.request.step), (State::Raised, 3));
    assert!(view.task.request.helpers.contains_key("daniel.osei"));
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    let refused = it.say("dev.patel", "r1", Command::Accept).await;
    assert!(
        matches!(refused, Err(ClinicalError::Request(RequestError::AcceptedBy(by))) if by == "priya.raman")
    );
    it.audit_is_whole().await;
}

#[tokio::test]
async fn a_comment_is_told_without_its_words() {
    let it = hospital().await;
    let comment = Command::Comment { text: "Mrs Akhtar is in bay 3 now".to_owned() };
    let view = it.say("grace.adeyemi", "r1", comment).await.unwrap();
    assert_eq!(view.task.request.state, State::Raised);
    let line = it.rooms.last()["body"].to_string();
    assert!(line.contains("wrote a comment") && !line.contains("Akhtar"), "{line}");
}

#[tokio::test]
async fn a_playbook_is_checked_against_directory_and_rota() {
    let it = hospital().await;
    let playbook = Playbook::parse(RAPID).unwrap();
    let problems = it.clinical.check_playbook(playbook).await.unwrap();
    let uncovered = |name: &str| {
        let is = |p: &PlaybookProblem| matches!(p, PlaybookProblem::Uncovered { role, .. } if role == name);
        problems.iter().any(is)
    };
    assert!(uncovered("Anaesthetist on call"), "nobody holds it: {problems:?}");
    assert!(!uncovered("Site manager"), "day and night are in the rota");
    let unknown = Playbook::parse(&RAPID.replace("rapid-response", "no-such-team")).unwrap();
    let problems = it.clinical.check_playbook(unknown).await.unwrap();
    assert!(problems.contains(&PlaybookProblem::Unknown(Ask::Team("no-such-team".to_owned()))));
}

#[tokio::test]
async fn a_simulation_names_people_and_what_is_passed_over() {
    let it = hospital().await;
    let to = Ask::Role("medical-registrar".to_owned());
    let playbook = || Playbook::parse(RAPID).unwrap();
    let log =
        it.clinical.simulate_playbook(playbook(), Class::Urgent, to, None, Timestamp(NOON)).await.unwrap();
    let told: Vec<_> = log.iter().map(|s| (s.transition.step, s.asks.as_deref())).collect();
    assert_eq!(
        told[..4],
        [(0, Some("Dr Priya Raman")), (1, None), (2, Some("Dr Daniel Osei")), (2, Some("Dev Patel")),]
    );
    let nobody = Ask::Role("no-such-role".to_owned());
    let refused =
        it.clinical.simulate_playbook(playbook(), Class::Urgent, nobody, None, Timestamp(NOON)).await;
    assert!(matches!(refused, Err(ClinicalError::Invalid { .. })));
}

#[tokio::test]
async fn a_team_with_a_stranger_is_refused_by_name() {
    let it = Hospital::demo().await;
    let bundle = String::from_utf8(team()).unwrap().replace("daniel.osei", "no.body");
    let report = it.clinical.import(bundle.as_bytes(), ImportMode::Skip).await.unwrap();
    assert!(report.problems[0].problem.contains("participant[0].member"), "{:?}", report.problems);
}

#[test]
fn the_ready_playbooks_can_be_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../playbooks");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let playbook = Playbook::parse(&std::fs::read_to_string(&path).unwrap());
            let playbook = playbook.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(path.file_stem().unwrap().to_str().unwrap(), playbook.id);
            assert!(playbook.only_by_name);
            seen += 1;
        }
    }
    assert_eq!(seen, 10);
}

#[tokio::test]
async fn a_playbook_is_parsed_once_and_again_when_it_was_written() {
    let it = Hospital::demo().await;
    let parsed = || it.clinical.known_playbooks().parsed();
    it.raise("r0", "medical-registrar").await.unwrap();
    let before = parsed();
    for n in 1..20 {
        it.raise(&format!("r{n}"), "medical-registrar").await.unwrap();
    }
    it.clinical.call_options(&caller("grace.adeyemi")).unwrap();
    assert_eq!(parsed(), before, "nobody parses what has not changed");
    let changed = String::from_utf8(demo("playbooks/deteriorating-patient.toml")).unwrap() + "\n# changed\n";
    it.clinical.import(changed.as_bytes(), ImportMode::Strict).await.unwrap();
    let (view, _) = it.raise("after", "medical-registrar").await.unwrap();
    assert_eq!((parsed(), view.task.playbook.as_deref()), (before + 1, Some("deteriorating-patient")));
}
