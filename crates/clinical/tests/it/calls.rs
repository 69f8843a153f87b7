//! Crash calls and broadcasts: each called once, who comes is seen, and only by whom it concerns.

use std::time::Duration;

use proptest::prelude::*;
use wardline_clinical::{
    Audience, BoardRow, CallView, ClinicalError, ImportMode, NewCall, NewCallKind, Reply,
};
use wardline_domain::{
    Timestamp,
    care::{playbook::Ask, request::Command},
};
use wardline_store::alerts;

use crate::support::{Hospital, MINUTE, NOON, caller, demo};

async fn hospital() -> Hospital {
    let it = Hospital::demo().await;
    it.clinical.import(&demo("playbooks/crash-call-2222.toml"), ImportMode::Strict).await.unwrap();
    it
}

fn crash(id: &str, patient: Option<String>) -> NewCall {
    NewCall {
        id: id.to_owned(),
        drill: false,
        place: Some("Main entrance, by the lift".to_owned()),
        location: None,
        kind: NewCallKind::Crash { playbook: "crash-call-2222".to_owned(), patient },
    }
}

fn broadcast(id: &str, audience: Vec<Audience>) -> NewCall {
    NewCall {
        id: id.to_owned(),
        drill: true,
        place: None,
        location: None,
        kind: NewCallKind::Broadcast {
            title: "Major incident exercise".to_owned(),
            words: "Report to the emergency department.".to_owned(),
            audience,
            replies: Vec::new(),
        },
    }
}

async fn raise(it: &Hospital, by: &str, new: NewCall) -> Result<CallView, ClinicalError> {
    let result = it.clinical.raise_call(&caller(by), new).await;
    it.clinical.drain_outbox().await.unwrap();
    result.map(|(view, _)| view)
}

async fn rows(it: &Hospital, by: &str, id: &str) -> Vec<BoardRow> {
    it.clinical.call_board(&caller(by), id, None, Duration::ZERO).await.unwrap().rows
}

fn row<'r>(rows: &'r [BoardRow], person: &str) -> &'r BoardRow {
    rows.iter().find(|row| row.person.as_ref().is_some_and(|(id, _)| id == person)).unwrap()
}

fn task_of(view: &CallView, role: &str) -> String {
    let called = view.call.called.iter().find(|it| it.ask == Ask::Role(role.to_owned()));
    called.unwrap().task.clone().unwrap()
}

/// How often each person was asked by any request of a call.
fn asked(it: &Hospital, view: &CallView) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    for task in view.call.called.iter().filter_map(|it| it.task.as_ref()) {
        let found = it.clinical.task(&caller(&view.call.caller), task).unwrap();
        all.extend(found.transitions.iter().filter_map(|t| Some((t.asks.clone()?, t.at.as_millis() - NOON))));
    }
    all.sort();
    all.dedup();
    all
}

#[tokio::test]
async fn one_action_calls_every_role_at_once_and_shows_who_comes() {
    let it = hospital().await;
    let view = raise(&it, "grace.adeyemi", crash("c1", None)).await.unwrap();
    let team = [
        "chloe.bennett",
        "hannah.whitfield",
        "margaret.oconnor",
        "priya.raman",
        "samuel.mbeki",
        "yusuf.rahman",
    ];
    let called: Vec<String> = asked(&it, &view)
        .into_iter()
        .map(|(person, at)| {
            assert_eq!(at, 0);
            person
        })
        .collect();
    assert_eq!(called, team, "all six, in the same instant");
    let room = view.call.room.clone().unwrap();
    for person in team {
        assert!(
            it.rooms.members.lock().unwrap()[&room].contains(&caller(person).user),
            "{person} is in the room"
        );
    }
    assert!(it.rooms.last()["body"].as_str().unwrap().starts_with("Crash call 2222: asking"));
    assert!(
        it.rooms.said.lock().unwrap().iter().all(|(_, said)| !said.to_string().contains("lift")),
        "no place"
    );

    it.say("priya.raman", &task_of(&view, "medical-registrar"), Command::OnMyWay).await.unwrap();
    let cannot = Command::Decline { reason: "in theatre".to_owned() };
    it.say("hannah.whitfield", &task_of(&view, "surgical-registrar"), cannot).await.unwrap();
    it.say("priya.raman", &task_of(&view, "medical-registrar"), Command::Arrive).await.unwrap();
    // Everybody who was called sees the same board.
    for reader in ["grace.adeyemi", "samuel.mbeki", "dev.patel"] {
        let rows = rows(&it, reader, "c1").await;
        let priya = row(&rows, "priya.raman");
        assert_eq!(
            priya.answers.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(),
            ["accepted", "on-my-way", "arrived"]
        );
        assert!(priya.comes(&view.call) && priya.seen.is_some());
        assert_eq!(priya.role.as_deref(), Some("Medical registrar"));
        let hannah = row(&rows, "hannah.whitfield").answer().unwrap();
        assert_eq!((hannah.code.as_str(), hannah.words.as_deref()), ("declined", Some("in theatre")));
        assert_eq!(
            row(&rows, "dev.patel").role.as_deref(),
            Some("Site manager"),
            "asked in her place at once"
        );
        assert_eq!(rows.len(), 7);
    }
    assert!(matches!(it.clinical.call(&caller("lina.chen"), "c1"), Err(ClinicalError::NotFound(_))));
    assert!(it.clinical.calls(&caller("lina.chen")).unwrap().is_empty());
    it.audit_is_whole().await;
}

#[tokio::test]
async fn nobody_is_called_twice_whatever_is_repeated_or_restarted() {
    let it = hospital().await;
    let view = raise(&it, "grace.adeyemi", crash("c1", None)).await.unwrap();
    let again = it.clinical.raise_call(&caller("grace.adeyemi"), crash("c1", None)).await.unwrap();
    assert!(!again.1 && again.0.call == view.call, "the same call made again is the same call");
    let it = it.restart();
    assert_eq!(it.pass(0).await, 0, "no clock has run out");
    let other = NewCall { drill: true, ..crash("c1", None) };
    assert!(matches!(raise(&it, "grace.adeyemi", other).await, Err(ClinicalError::Conflict(_))));
    let by_another = raise(&it, "megan.evans", crash("c1", None)).await;
    assert!(matches!(by_another, Err(ClinicalError::Conflict(_))));
    assert_eq!(asked(&it, &view).len(), 6);
    // Half a minute later each is asked again, once, also when the server was off meanwhile.
    let it = it.restart();
    it.pass(30_000).await;
    let it = it.restart();
    assert_eq!(it.clinical.fire_due(Timestamp(NOON + 30_000)).await.unwrap(), 0);
    assert_eq!(asked(&it, &view).iter().filter(|(_, at)| *at == 30_000).count(), 6);
    // After the third time the site manager, who must act.
    it.pass(30_000).await;
    it.pass(30_000).await;
    assert!(asked(&it, &view).contains(&("dev.patel".to_owned(), 90_000)));
    // A late registrar is not told that it is too late.
    let task = task_of(&view, "medical-registrar");
    it.say("dev.patel", &task, Command::OnMyWay).await.unwrap();
    it.say("priya.raman", &task, Command::OnMyWay).await.unwrap();
    assert!(row(&rows(&it, "grace.adeyemi", "c1").await, "priya.raman").comes(&view.call));
}

#[tokio::test]
async fn a_call_is_ended_once_by_whom_it_concerns_and_can_be_proved() {
    let it = hospital().await;
    let view = raise(&it, "grace.adeyemi", crash("c1", None)).await.unwrap();
    let refused = it.clinical.end_call(&caller("yusuf.rahman"), "c1").await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))), "he was called and does not come");
    let task = task_of(&view, "medical-registrar");
    it.say("priya.raman", &task, Command::Arrive).await.unwrap();
    let ended = it.clinical.end_call(&caller("priya.raman"), "c1").await.unwrap();
    assert_eq!(ended.call.ended.as_ref().unwrap().1, "Dr Priya Raman");
    let entries = it.audit_is_whole().await;
    it.clinical.end_call(&caller("grace.adeyemi"), "c1").await.unwrap();
    assert_eq!(it.audit_is_whole().await, entries, "a repetition changes nothing");
    assert_eq!(it.pass(60 * MINUTE).await, 0, "no clock is left");
    let late = it.say("samuel.mbeki", &task_of(&view, "outreach"), Command::OnMyWay).await;
    assert!(matches!(late, Err(ClinicalError::Request(_))));
    let rows = rows(&it, "grace.adeyemi", "c1").await;
    assert_eq!(row(&rows, "priya.raman").answer().unwrap().code, "arrived", "what was done stays to be seen");
    let proof = it.clinical.prove(&task).await.unwrap();
    assert!(proof.contains("Crash call 2222") && proof.contains("Main entrance, by the lift"));
}

#[tokio::test]
async fn who_calls_holds_or_holds_two_roles_is_not_called_for_them() {
    let it = hospital().await;
    let view = raise(&it, "priya.raman", crash("c1", None)).await.unwrap();
    assert!(asked(&it, &view).iter().all(|(person, _)| person != "priya.raman"));
    let rows = rows(&it, "priya.raman", "c1").await;
    assert_eq!(row(&rows, "priya.raman").answer().unwrap().code, "there");
}

#[tokio::test]
async fn a_call_in_a_patients_conversation_is_made_by_its_members_and_knows_the_bed() {
    let it = hospital().await;
    let patient = it.patient().await;
    let new = |id: &str| NewCall { place: None, ..crash(id, Some(patient.clone())) };
    let view = raise(&it, "grace.adeyemi", new("c1")).await.unwrap();
    assert!(view.call.place.unwrap().starts_with("Nightingale ward, "));
    assert!(matches!(raise(&it, "tomasz.kowalski", new("c2")).await, Err(ClinicalError::Forbidden(_))));
    let nobody = NewCall { place: None, ..crash("c3", Some("nobody".to_owned())) };
    assert!(raise(&it, "grace.adeyemi", nobody).await.is_err());
}

#[tokio::test]
async fn a_drill_says_so_in_every_line() {
    let it = hospital().await;
    raise(&it, "grace.adeyemi", NewCall { drill: true, ..crash("c1", None) }).await.unwrap();
    it.pass(30_000).await;
    assert!(it.rooms.lines().iter().all(|line| line.starts_with("DRILL. ")), "{:?}", it.rooms.lines());
    assert_eq!(it.rooms.last()["call"]["drill"], true);
}

#[tokio::test]
async fn bad_calls_name_the_field_and_change_nothing() {
    let it = hospital().await;
    let entries = it.audit_is_whole().await;
    let everybody = || vec![Audience::Everybody];
    let role = |id: &str| vec![Audience::Some(Ask::Role(id.to_owned()))];
    let with = |change: &dyn Fn(&mut String, &mut String, &mut Vec<Reply>)| {
        let mut new = broadcast("b1", everybody());
        if let NewCallKind::Broadcast { title, words, replies, .. } = &mut new.kind {
            change(title, words, replies);
        }
        new
    };
    let reply =
        |code: &str, text: &str| Reply { code: code.into(), text: text.into(), minutes: false, comes: true };
    let bad = [
        (NewCall { place: None, ..crash("c1", None) }, "extension(call-place)"),
        (NewCall { place: Some("x".repeat(121)), ..crash("c1", None) }, "place"),
        (NewCall { place: Some("lift\u{1b}[2J".into()), ..crash("c1", None) }, "place"),
        (NewCall { location: Some("atlantis".into()), ..crash("c1", None) }, "extension(call-location)"),
        (
            NewCall {
                kind: NewCallKind::Crash { playbook: "deteriorating-patient".into(), patient: None },
                ..crash("c1", None)
            },
            "extension(call-playbook)",
        ),
        (broadcast("b1", Vec::new()), "recipient"),
        (broadcast("b1", role("nobody")), "recipient"),
        (broadcast("b1", role("anaesthetist")), "recipient"),
        (broadcast("b1", everybody().into_iter().cycle().take(51).collect()), "recipient"),
        (with(&|title, _, _| title.clear()), "category.text"),
        (with(&|_, words, _| words.clear()), "payload"),
        (with(&|_, words, _| *words = "w".repeat(2001)), "payload"),
        (with(&|_, _, replies| *replies = vec![reply("a", "A"), reply("a", "B")]), "extension(call-reply)"),
        (with(&|_, _, replies| *replies = vec![reply("a b", "A")]), "extension(call-reply)"),
        (with(&|_, _, replies| *replies = vec![reply("a", "\n")]), "extension(call-reply)"),
        (with(&|_, _, replies| *replies = vec![reply("a", "A"); 7]), "extension(call-reply)"),
    ];
    for (new, field) in bad {
        match raise(&it, "dev.patel", new).await {
            Err(ClinicalError::Invalid { path, .. }) => {
                assert_eq!(path, format!("CommunicationRequest.{field}"))
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    let stranger = raise(&it, "somebody", crash("c1", None)).await;
    assert!(matches!(stranger, Err(ClinicalError::Forbidden(_))));
    assert_eq!(it.audit_is_whole().await, entries);
    assert!(it.rooms.lines().is_empty());
}

#[tokio::test]
async fn a_broadcast_tells_everybody_once_and_counts_their_answers() {
    let it = hospital().await;
    let refused = raise(&it, "grace.adeyemi", broadcast("b1", vec![Audience::Everybody])).await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))));
    let dev = caller("dev.patel");
    assert_eq!(it.clinical.broadcast_reach(&dev, vec![Audience::Everybody]).await.unwrap(), 11);
    let ward = Audience::Some(Ask::OnDuty("nightingale".to_owned()));
    let person = Audience::Some(Ask::Person("grace.adeyemi".to_owned()));
    assert!(it.clinical.broadcast_reach(&dev, vec![ward.clone(), person]).await.unwrap() >= 1);
    let view = raise(&it, "dev.patel", broadcast("b1", vec![Audience::Everybody, ward])).await.unwrap();
    assert_eq!((view.call.people, view.own), (11, None), "not who sends it");
    let it = it.restart();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    let board = it.clinical.call_board(&dev, "b1", None, Duration::ZERO).await.unwrap();
    assert!(
        board.whole
            && board.rows.len() == 11
            && board.rows.iter().all(|row| row.told == Some(Timestamp(NOON)))
    );

    let answer = async |person: &str, code: &str, minutes| {
        it.clinical.answer_call(&caller(person), "b1", code, minutes).await
    };
    it.clinical.note_call(&caller("grace.adeyemi"), "b1", false).await.unwrap();
    it.clinical.note_call(&caller("megan.evans"), "b1", true).await.unwrap();
    answer("priya.raman", "can-come", Some(20)).await.unwrap();
    answer("priya.raman", "can-come", Some(20)).await.unwrap();
    answer("yusuf.rahman", "cannot", None).await.unwrap();
    answer("yusuf.rahman", "on-my-way", None).await.unwrap();
    for (code, minutes) in [
        ("can-come", None),
        ("can-come", Some(0)),
        ("can-come", Some(1441)),
        ("cannot", Some(5)),
        ("maybe", None),
    ] {
        assert!(matches!(answer("samuel.mbeki", code, minutes).await, Err(ClinicalError::Invalid { .. })));
    }
    assert!(
        matches!(answer("dev.patel", "cannot", None).await, Err(ClinicalError::NotFound(_))),
        "it does not call him"
    );
    let changed = it.clinical.call_board(&dev, "b1", Some(board.view.version), Duration::ZERO).await.unwrap();
    let who: Vec<&str> = changed.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(who, ["grace.adeyemi", "megan.evans", "priya.raman", "yusuf.rahman"], "only what changed");
    assert!(!changed.whole);
    let priya = row(&changed.rows, "priya.raman");
    assert_eq!((priya.answers.len(), priya.expected(&view.call)), (1, Some(Timestamp(NOON + 20 * MINUTE))));
    assert!(row(&changed.rows, "grace.adeyemi").seen.is_none());
    assert_eq!(row(&changed.rows, "yusuf.rahman").answers.len(), 2, "and what was said before");
    // Who is called sees the broadcast and their own part, and not the board.
    let hers = it.clinical.call(&caller("priya.raman"), "b1").unwrap();
    assert_eq!(hers.own.unwrap().answers[0].minutes, Some(20));
    let refused = it.clinical.call_board(&caller("priya.raman"), "b1", None, Duration::ZERO).await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))));
    let refused = it.clinical.call_report(&caller("priya.raman"), "b1", "pdf").await;
    assert!(matches!(refused, Err(ClinicalError::Forbidden(_))));
    assert!(matches!(
        it.clinical.end_call(&caller("priya.raman"), "b1").await,
        Err(ClinicalError::Forbidden(_))
    ));

    it.clinical.end_call(&dev, "b1").await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    assert!(matches!(answer("samuel.mbeki", "cannot", None).await, Err(ClinicalError::Conflict(_))));
    assert!(matches!(it.clinical.repeat_call(&dev, "b1").await, Err(ClinicalError::Conflict(_))));
    it.audit_is_whole().await;
    let bytes = it.database_bytes();
    for secret in ["Report to the emergency", "Major incident exercise"] {
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} is sealed");
    }
}

#[tokio::test]
async fn a_reader_of_the_board_is_woken_by_an_answer() {
    let it = hospital().await;
    raise(&it, "dev.patel", broadcast("b1", vec![Audience::Everybody])).await.unwrap();
    let dev = caller("dev.patel");
    let known = it.clinical.call_board(&dev, "b1", None, Duration::ZERO).await.unwrap().view.version;
    let read = it.clinical.call_board(&dev, "b1", Some(known), Duration::from_secs(30));
    let priya = caller("priya.raman");
    let answer = it.clinical.answer_call(&priya, "b1", "cannot", None);
    let (board, answered) = tokio::join!(read, answer);
    answered.unwrap();
    assert_eq!(board.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn an_alert_is_there_until_somebody_has_seen_it() {
    let it = hospital().await;
    let user = |it: &Hospital, person: &str| {
        let user = caller(person).user;
        it.store.read_now(|tx| wardline_store::users::find(tx, &user)).unwrap()
    };
    for person in ["priya.raman", "megan.evans"] {
        let id = caller(person).user;
        it.store.write(move |tx| wardline_store::users::intern(tx, &id)).await.unwrap();
    }
    let waits = |it: &Hospital, person: &str| {
        let user = user(it, person).unwrap();
        it.store.read_now(|tx| alerts::after(tx, user, 0, Timestamp(0))).unwrap().len()
    };
    raise(&it, "dev.patel", broadcast("b1", vec![Audience::Everybody])).await.unwrap();
    assert_eq!((waits(&it, "priya.raman"), waits(&it, "megan.evans")), (1, 1));
    it.clinical.note_call(&caller("priya.raman"), "b1", true).await.unwrap();
    assert_eq!((waits(&it, "priya.raman"), waits(&it, "megan.evans")), (0, 1));
    it.clinical.answer_call(&caller("priya.raman"), "b1", "cannot", None).await.unwrap();
    it.clinical.repeat_call(&caller("dev.patel"), "b1").await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    assert_eq!((waits(&it, "priya.raman"), waits(&it, "megan.evans")), (0, 2), "only who has not answered");
    it.clinical.end_call(&caller("dev.patel"), "b1").await.unwrap();
    assert_eq!(waits(&it, "megan.evans"), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    Restart,
    Say(usize, u8),
    Repeat,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_i64..40_000).prop_map(Step::Pass),
        Just(Step::Restart),
        (0_usize..6, 0_u8..5).prop_map(|(role, what)| Step::Say(role, what)),
        Just(Step::Repeat),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever happens, nobody is asked twice for the same reason in one instant, nobody who comes is asked again, and
    /// what is open has a clock.
    #[test]
    fn each_is_called_once_for_each_time_that_the_playbook_says(steps in prop::collection::vec(step(), 1..10)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut it = hospital().await;
            let view = raise(&it, "grace.adeyemi", crash("c1", None)).await.unwrap();
            let team = ["priya.raman", "yusuf.rahman", "hannah.whitfield", "chloe.bennett", "margaret.oconnor", "samuel.mbeki"];
            for step in steps {
                match step {
                    Step::Pass(time) => drop(it.pass(time).await),
                    Step::Restart => it = it.restart(),
                    Step::Repeat => drop(it.clinical.raise_call(&caller("grace.adeyemi"), crash("c1", None)).await.unwrap()),
                    Step::Say(role, what) => {
                        let task = view.call.called[role].task.clone().unwrap();
                        let command = match what {
                            0 => Command::Deliver,
                            1 => Command::See,
                            2 => Command::OnMyWay,
                            3 => Command::Arrive,
                            _ => Command::Decline { reason: "busy".to_owned() },
                        };
                        drop(it.say(team[role], &task, command).await);
                    }
                }
            }
            let rows = rows(&it, "grace.adeyemi", "c1").await;
            for called in &view.call.called {
                let task = it.clinical.task(&caller("grace.adeyemi"), called.task.as_ref().unwrap()).unwrap();
                let asks: Vec<_> = task.transitions.iter().filter(|t| t.asks.is_some()).collect();
                for pair in asks.windows(2) {
                    assert!(pair[0].at < pair[1].at || pair[0].asks != pair[1].asks, "asked twice at once");
                }
                let request = &task.task.request;
                assert_eq!(request.next_step_at.is_some(), request.accepted_by.is_none());
                if let Some(by) = &request.accepted_by {
                    assert!(rows.iter().any(|row| row.person.as_ref().is_some_and(|(id, _)| id == by) && row.comes(&view.call)));
                    let accepted = task.transitions.iter().rposition(|t| t.state == wardline_domain::care::request::State::Accepted).unwrap();
                    assert!(task.transitions[accepted..].iter().all(|t| t.asks.is_none()), "nobody is asked after that");
                }
            }
            it.audit_is_whole().await;
        });
    }
}
