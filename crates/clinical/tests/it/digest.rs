//! What is sent for information makes no sound and is told in a digest; what has a due time is reminded of.

use wardline_clinical::{DutyState, DutyStatus, NewRequest};
use wardline_domain::{
    Timestamp,
    care::{
        playbook::{Ask, Class},
        request::Command,
    },
};

use crate::support::{Hospital, MINUTE, NOON, caller};

const HOUR: i64 = 60 * MINUTE;

async fn raise(it: &Hospital, id: &str, class: Class, to: &str, needed_by: Option<i64>) {
    let new = NewRequest {
        id: id.to_owned(),
        class,
        patient: it.patient().await,
        addressed: Ask::Person(to.to_owned()),
        needed_by: needed_by.map(Timestamp),
        playbook: None,
        event: None,
        room: None,
    };
    it.clinical.raise(&caller("grace.adeyemi"), new).await.unwrap();
    it.clinical.drain_outbox().await.unwrap();
}

/// Moves the clock to `at` and gives what the digests say then: body and requests.
async fn digests(it: &Hospital, at: i64) -> Vec<(String, usize)> {
    it.clock.0.store(at, std::sync::atomic::Ordering::SeqCst);
    let before = it.rooms.said.lock().unwrap().len();
    it.clinical.send_digests(Timestamp(at)).await.unwrap();
    assert_eq!(it.clinical.drain_outbox().await.unwrap(), 0);
    let said = it.rooms.said.lock().unwrap();
    let digests = said[before..].iter().filter(|(key, _)| key.starts_with("digest-"));
    digests
        .map(|(_, content)| {
            let requests = content["org.wardline.digest"]["requests"].as_array().unwrap().len();
            (content["body"].as_str().unwrap().to_owned(), requests)
        })
        .collect()
}

#[tokio::test]
async fn information_is_told_twice_a_day_and_each_piece_once() {
    let it = Hospital::demo().await;
    assert!(digests(&it, NOON).await.is_empty(), "the first look only notes the time");
    raise(&it, "i1", Class::Information, "priya.raman", None).await;
    raise(&it, "i2", Class::Information, "priya.raman", None).await;
    raise(&it, "a1", Class::Action, "priya.raman", None).await;
    assert!(it.rooms.said.lock().unwrap()[0].1.get("m.mentions").is_none(), "silent");
    assert!(digests(&it, NOON + 4 * HOUR).await.is_empty(), "not yet five o'clock");
    it.say("priya.raman", "i2", Command::See).await.unwrap();
    let told = digests(&it, NOON + 5 * HOUR).await;
    assert_eq!(told, [("For your information: 1 message waits in 1 conversation.".to_owned(), 1)]);
    let last = it.rooms.last();
    assert_eq!(last["m.mentions"]["user_ids"][0], "@priya.raman:riverside.example");
    assert!(digests(&it, NOON + 5 * HOUR + MINUTE).await.is_empty(), "once");
    let it = it.restart();
    assert!(digests(&it, NOON + 6 * HOUR).await.is_empty(), "also over a restart");
    raise(&it, "i3", Class::Information, "priya.raman", None).await;
    assert_eq!(digests(&it, NOON + 21 * HOUR).await.len(), 1, "at nine the next morning");
}

#[tokio::test]
async fn who_is_off_duty_is_told_when_they_work_again() {
    let it = Hospital::demo().await;
    digests(&it, NOON).await;
    raise(&it, "i1", Class::Information, "megan.evans", None).await;
    let status = |state| DutyStatus { state, ..DutyStatus::default() };
    it.clinical.set_duty(&caller("megan.evans"), status(DutyState::Off)).await.unwrap();
    assert!(digests(&it, NOON + 5 * HOUR).await.is_empty());
    it.clinical.set_duty(&caller("megan.evans"), status(DutyState::On)).await.unwrap();
    assert_eq!(digests(&it, NOON + 21 * HOUR).await.len(), 1);
}

#[tokio::test]
async fn whoever_took_an_action_is_reminded_when_it_is_needed() {
    let it = Hospital::demo().await;
    raise(&it, "a1", Class::Action, "megan.evans", Some(NOON + 2 * HOUR)).await;
    it.say("megan.evans", "a1", Command::Accept).await.unwrap();
    it.pass(HOUR).await;
    assert_eq!(it.rooms.lines().last().unwrap(), "Megan Evans accepted.");
    it.pass(HOUR).await;
    let last = it.rooms.last();
    assert_eq!(last["body"], "Needed now: Megan Evans has accepted it and not completed it.");
    assert_eq!(last["m.mentions"]["user_ids"][0], "@megan.evans:riverside.example");
    assert_eq!(it.pass(5 * HOUR).await, 0, "once");

    raise(&it, "a2", Class::Action, "megan.evans", Some(NOON + 10 * HOUR)).await;
    it.say("megan.evans", "a2", Command::Complete).await.unwrap();
    let before = it.rooms.lines().len();
    it.pass(10 * HOUR).await;
    assert_eq!(it.rooms.lines().len(), before, "what is done is not reminded of");
}
