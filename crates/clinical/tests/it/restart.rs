//! What was decided survives; what is owed to the rooms is done once.

use std::sync::atomic::Ordering;

use wardline_domain::{Timestamp, care::request::Command};

use crate::support::{Hospital, MINUTE, NOON, caller};

#[tokio::test]
async fn the_clock_goes_on_over_a_restart_and_rings_once() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    it.pass(2 * MINUTE).await;
    let it = it.restart();
    assert_eq!(it.pass(2 * MINUTE).await, 0, "not yet");
    let it = it.restart();
    assert_eq!(it.pass(MINUTE).await, 1);
    let it = it.restart();
    assert_eq!(it.clinical.fire_due(Timestamp(NOON + 5 * MINUTE)).await.unwrap(), 0, "never twice");
    let view = it.clinical.task(&caller("grace.adeyemi"), "r1").unwrap();
    assert_eq!((view.task.request.step, view.transitions.len()), (1, 2));
    it.audit_is_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_nodes_at_once_and_a_restart_in_that_second_ring_each_clock_once() {
    let it = Hospital::demo().await;
    let patient = it.patient().await;
    let raise = async |first: usize, count: usize| {
        for index in first..first + count {
            let new = wardline_clinical::NewRequest {
                id: format!("r{index}"),
                class: wardline_domain::care::playbook::Class::Urgent,
                patient: patient.clone(),
                addressed: wardline_domain::care::playbook::Ask::Role("medical-registrar".to_owned()),
                needed_by: None,
                playbook: None,
                event: None,
                room: None,
            };
            it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap();
        }
    };
    raise(0, 40).await;
    let due = Timestamp(NOON + 5 * MINUTE);
    it.clock.0.store(due.as_millis(), Ordering::SeqCst);
    let ring = |node: std::sync::Arc<wardline_clinical::Clinical>| {
        tokio::spawn(async move { while node.fire_due(due).await.unwrap() > 0 {} })
    };
    let nodes: Vec<_> = [it.clinical.clone(), it.twin(), it.twin()].into_iter().map(ring).collect();
    // One stops in the middle of it, as if it were killed.
    nodes[2].abort();
    for node in nodes {
        drop(node.await);
    }
    it.clinical.fire_due(due).await.unwrap();
    let it = it.restart();
    it.clinical.fire_due(due).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
    for index in 0..40 {
        let view = it.clinical.task(&caller("grace.adeyemi"), &format!("r{index}")).unwrap();
        assert_eq!((view.task.request.step, view.transitions.len()), (1, 2), "r{index}");
    }
    let climbed = it.rooms.lines().iter().filter(|line| line.starts_with("No answer in")).count();
    assert_eq!(climbed, 40, "and each was said once");
    it.audit_is_whole().await;
}

#[tokio::test]
async fn what_rang_while_the_server_was_off_rings_at_the_start() {
    let it = Hospital::demo().await;
    it.raise("r1", "medical-registrar").await.unwrap();
    let it = it.restart();
    it.pass(47 * MINUTE).await;
    assert!(it.rooms.lines().last().unwrap().starts_with("No answer in 47 minutes: also asking"));
}

#[tokio::test]
async fn an_announcement_that_was_not_sent_is_sent_after_the_restart_and_only_once() {
    let it = Hospital::demo().await;
    it.rooms.down.store(true, Ordering::SeqCst);
    it.raise("r1", "medical-registrar").await.unwrap();
    it.say("priya.raman", "r1", Command::Accept).await.unwrap();
    assert!(it.rooms.lines().is_empty());
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 2);
    let it = it.restart();
    it.rooms.down.store(false, Ordering::SeqCst);
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!(it.rooms.lines().len(), 2);
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!(it.rooms.lines().len(), 2);
}

#[tokio::test]
async fn the_running_workers_ring_and_announce_by_themselves() {
    let it = Hospital::demo().await;
    let watch = async {
        it.clinical
            .raise(&caller("grace.adeyemi"), {
                let view = it.raise("r1", "medical-registrar").await.unwrap().0;
                wardline_clinical::NewRequest {
                    id: "r2".into(),
                    class: view.task.request.class,
                    patient: view.task.patient.unwrap(),
                    addressed: view.task.addressed,
                    needed_by: None,
                    playbook: None,
                    event: None,
                    room: None,
                }
            })
            .await
            .unwrap();
        it.clock.0.fetch_add(5 * MINUTE, Ordering::SeqCst);
        it.clinical.command(&caller("priya.raman"), "r2", Command::Accept).await.unwrap();
        while it.rooms.lines().len() < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = it.clinical.run() => unreachable!("the workers never end"),
        () = watch => {}
    }
    assert!(it.rooms.lines().iter().any(|l| l.starts_with("No answer in 5 minutes")));
}

#[tokio::test]
async fn who_comes_on_duty_comes_into_the_conversations() {
    let it = Hospital::demo().await;
    let count = async |it: &Hospital| {
        it.clinical.patients_in_hospital(&caller("daniel.osei"), None).await.unwrap().len()
    };
    it.clinical.follow_rota(Timestamp(NOON)).await.unwrap();
    let it = it.restart();
    let evening = Timestamp(NOON + 8 * 60 * MINUTE);
    it.clock.0.store(evening.as_millis(), Ordering::SeqCst);
    assert_eq!(count(&it).await, 0);
    it.clinical.follow_rota(evening).await.unwrap();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    assert_eq!(count(&it).await, 16);
}

#[tokio::test]
async fn a_crash_between_opening_and_joining_is_made_good() {
    let it = Hospital::demo().await;
    let patient = it.patient().await;
    it.rooms.members.lock().unwrap().values_mut().for_each(std::collections::BTreeSet::clear);
    // The job is done again, as after a crash before it was deleted.
    it.store
        .write(move |tx| {
            let job = format!(r#"{{"job":"gather","patient":"{patient}"}}"#);
            wardline_store::clinical::outbox::push(tx, &patient, &job)
        })
        .await
        .unwrap();
    it.clinical.drain_outbox().await.unwrap();
    let found = it.clinical.patients_in_hospital(&caller("grace.adeyemi"), None).await.unwrap();
    assert_eq!(found.len(), 1);
}
