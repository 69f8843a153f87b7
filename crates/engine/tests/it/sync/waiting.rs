//! The long poll: who waits is woken, once, by what concerns them. A lost wake-up shows as a wait that ends without
//! news.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use wardline_engine::rooms::{CreateRoom, Preset};
use wardline_store::to_device;

use super::phone::{Mode, Phone, array};
use crate::home::{Home, Person, raw};

pub(super) async fn public_room(home: &Home, people: &[&Person]) -> wardline_domain::ruma::OwnedRoomId {
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(people[0], request).await;
    for person in &people[1..] {
        home.engine.rooms.join(person.caller(), &room, None).await.unwrap();
    }
    room
}

#[tokio::test]
async fn no_wake_up_is_lost() {
    const WAITERS: usize = 40;
    const MESSAGES: usize = 60;
    let home = Arc::new(Home::new());
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;

    let mut waiters = tokio::task::JoinSet::new();
    for waiter in 0..WAITERS {
        let (home, room) = (Arc::clone(&home), room.clone());
        let mut phone =
            Phone::new(if waiter % 2 == 0 { &ada } else { &ben }, &format!("D{waiter}"), Mode::Full);
        phone.limit(100);
        phone.sync(&home).await;
        let before = phone.rooms[room.as_str()].timeline.len();
        waiters.spawn(async move {
            while phone.rooms[room.as_str()].timeline.len() < before + MESSAGES {
                // Longer than the test may take: a lost wake-up would hang here.
                let answer = phone.wait(&home).await;
                assert!(answer.get("rooms").is_some(), "a wait ended without news");
            }
            phone.rooms[room.as_str()].timeline.clone()
        });
    }
    for message in 0..MESSAGES {
        let sender = if message % 3 == 0 { &ben } else { &ada };
        home.say(sender, &room, "text", &format!("m{message}")).await.unwrap();
        tokio::task::yield_now().await;
    }
    let timelines = waiters.join_all().await;
    assert_eq!(timelines.len(), WAITERS);
    assert!(
        timelines.iter().all(|timeline| timeline.ends_with(&timelines[0][timelines[0].len() - MESSAGES..]))
    );
}

/// Runs the same many times with the waiter at every stage of its way into the wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_any_moment_of_registering_is_seen() {
    let home = Arc::new(Home::new());
    let ada = home.person("ada").await;
    let room = public_room(&home, &[&ada]).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    for round in 0..200 {
        let (home_, room_, ada_) = (Arc::clone(&home), room.clone(), ada.clone());
        let sent = tokio::spawn(async move {
            for _ in 0..round % 7 {
                tokio::task::yield_now().await;
            }
            home_.say(&ada_, &room_, "text", &format!("r{round}")).await.unwrap()
        });
        let before = phone.rooms[room.as_str()].timeline.len();
        while phone.rooms[room.as_str()].timeline.len() == before {
            let answer = phone.wait(&home).await;
            assert!(answer.get("rooms").is_some(), "a wait ended without news");
        }
        assert_eq!(phone.rooms[room.as_str()].timeline.last().unwrap(), sent.await.unwrap().as_str());
    }
}

#[tokio::test]
async fn what_does_not_concern_somebody_does_not_wake_them() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let theirs = public_room(&home, &[&ben]).await;
    public_room(&home, &[&ada]).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    home.say(&ben, &theirs, "text", "t").await.unwrap();
    let token: wardline_engine::sync::SyncToken = phone.token.as_deref().unwrap().parse().unwrap();
    assert!(!home.engine.hub.news(ada.nid).any_since(token.pos, 0), "nothing to wake up for");
    let answer = home.engine.sync.sync(phone.request(), Duration::from_millis(20)).await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    phone.keep(&answer);
    assert!(answer.get("rooms").is_none());
    assert_eq!(answer["device_one_time_keys_count"], json!({ "signed_curve25519": 0 }));
    assert_eq!(answer["device_unused_fallback_key_types"], json!([]));
    assert_ne!(phone.token.unwrap(), token.to_string(), "the token moves on all the same");
}

#[tokio::test]
async fn typing_is_told_to_the_room_and_expires() {
    let home = Home::new();
    let (ada, ben, cat) = (home.person("ada").await, home.person("ben").await, home.person("cat").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    let mut outside = Phone::new(&cat, "PHONE", Mode::Full);
    phone.sync(&home).await;
    outside.sync(&home).await;
    let nid = home.engine.rooms.nid(&room).unwrap();

    home.engine.typing.start(nid, &ben.id, 20_000);
    let old = phone.clone();
    phone.wait(&home).await;
    assert_eq!(phone.rooms[room.as_str()].typing, [ben.id.as_str()]);
    let mut again = old;
    again.wait(&home).await;
    assert_eq!(again.rooms[room.as_str()].typing, [ben.id.as_str()], "a lost answer loses nothing");
    assert!(phone.sync(&home).await.get("rooms").is_none(), "told once");
    assert!(outside.sync(&home).await.get("rooms").is_none(), "nobody else's business");

    home.clock.0.fetch_add(19_999, Ordering::Relaxed);
    home.engine.typing.expire();
    assert!(phone.sync(&home).await.get("rooms").is_none());
    home.clock.0.fetch_add(1, Ordering::Relaxed);
    home.engine.typing.expire();
    phone.wait(&home).await;
    assert!(phone.rooms[room.as_str()].typing.is_empty());
    assert!(!phone.token.as_deref().unwrap().contains("_t"), "nobody types: a plain token");
}

#[tokio::test]
async fn who_saw_somebody_typing_before_a_restart_learns_that_nobody_is() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    home.engine.typing.start(home.engine.rooms.nid(&room).unwrap(), &ben.id, 20_000);
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    assert_eq!(phone.rooms[room.as_str()].typing, [ben.id.as_str()]);
    let home = home.restart();
    home.clock.0.fetch_add(60_000, Ordering::Relaxed);
    phone.token = phone.token.map(|token| token.replace("_t18", "_t17"));
    phone.wait(&home).await;
    assert!(phone.rooms[room.as_str()].typing.is_empty());
    assert!(phone.sync(&home).await.get("rooms").is_none());
}

#[tokio::test]
async fn private_changes_wake_only_their_owner_and_survive_a_restart() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    let mut other = Phone::new(&ben, "PHONE", Mode::Full);
    assert!(phone.sync(&home).await["account_data"]["events"].as_array().unwrap().len() == 1);
    assert!(phone.account_data["m.push_rules"]["global"]["override"].is_array());
    other.sync(&home).await;

    let data = &home.engine.account_data;
    data.put(ada.nid, None, "org.example.theme", &raw(&json!({ "dark": true }))).await.unwrap();
    data.put(ada.nid, Some(&room), "org.example.pin", &raw(&json!({ "at": 1 }))).await.unwrap();
    data.set_tag(ada.nid, &room, "m.favourite", Some(serde_json::Map::new())).await.unwrap();
    let home = home.restart();
    phone.wait(&home).await;
    assert_eq!(phone.account_data["org.example.theme"], json!({ "dark": true }));
    let kept = &phone.rooms[room.as_str()];
    assert_eq!(kept.account_data["org.example.pin"], json!({ "at": 1 }));
    assert_eq!(kept.account_data["m.tag"], json!({ "tags": { "m.favourite": {} } }));
    assert!(other.sync(&home).await.get("account_data").is_none());

    let event = phone.rooms[room.as_str()].timeline.last().unwrap().as_str().try_into().unwrap();
    let mark =
        wardline_engine::receipts::NewReceipt { kind: "m.fully_read".into(), event_id: event, thread: None };
    home.engine.receipts.advance(ada.nid, &room, vec![mark]).await.unwrap();
    phone.wait(&home).await;
    assert!(phone.rooms[room.as_str()].account_data["m.fully_read"]["event_id"].is_string());

    let switch = |rules: &mut _| {
        let kind = wardline_domain::push::parse_kind("override")?;
        wardline_domain::push::set_enabled(rules, &kind, ".m.rule.master", true)
    };
    home.engine.push_rules.change(ada.nid, &ada.id, switch).await.unwrap();
    let answer = phone.wait(&home).await;
    assert_eq!(answer["account_data"]["events"][0]["type"], "m.push_rules");
    home.say(&ben, &room, "text", "1").await.unwrap();
    phone.wait(&home).await;
    assert_eq!(phone.rooms[room.as_str()].unread, (0, 0), "the master rule silences everything");
}

async fn send(home: &Home, to: &Person, device: &'static str, from: usize, count: usize) {
    let user = to.nid;
    home.store()
        .write(move |tx| {
            for n in from..from + count {
                let json = format!("{{\"content\":{{\"n\":{n}}},\"sender\":\"@x:y\",\"type\":\"t\"}}");
                assert!(to_device::send(tx, user, device, &json)?);
            }
            Ok(())
        })
        .await
        .unwrap();
}

fn numbers(messages: &[Value]) -> Vec<usize> {
    messages.iter().map(|message| message["content"]["n"].as_u64().unwrap() as usize).collect()
}

#[tokio::test]
async fn messages_to_a_device_come_in_order_and_go_only_when_acknowledged() {
    let home = Home::new();
    let ada = home.person("ada").await;
    super::register_device(&home, &ada, "PHONE").await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    send(&home, &ada, "PHONE", 0, 250).await;

    let lost = phone.ask(&home).await;
    let again = phone.ask(&home).await;
    assert_eq!(lost["to_device"], again["to_device"], "a lost answer comes again");
    assert_eq!(array(&again["to_device"]["events"]).count(), 100);
    for _ in 0..3 {
        phone.wait(&home).await;
    }
    assert_eq!(numbers(&phone.to_device), (0..250).collect::<Vec<_>>());
    assert!(phone.sync(&home).await.get("to_device").is_none());
    let user = ada.nid;
    // The deletion is queued before the answer; a write after it is behind it.
    home.store().write(|_| Ok(())).await.unwrap();
    let waits = home.store().read_now(|tx| to_device::waits_upto(tx, user, "PHONE", u64::MAX)).unwrap();
    assert!(!waits, "what is acknowledged is gone");

    let mut other = Phone::new(&ada, "TABLET", Mode::Full);
    assert!(other.sync(&home).await.get("to_device").is_none(), "for one device only");
}
