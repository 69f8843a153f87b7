//! Complaints about other servers that are about encryption and delivery, each as a test here. Those that are not about a
//! single server (16: `http`'s `keys`; 17 and 18 under SIGKILL: `conformance`'s `device_lists`) are named in
//! `docs/protocol/complaints.md`.

use futures_util::future::join_all;
use serde_json::json;
use serde_json::value::to_raw_value;
use wardline_domain::ruma::OwnedRoomId;
use wardline_engine::rooms::{CreateRoom, Direction, Preset};
use wardline_engine::to_device::{Message, Origin};
use wardline_store::sessions;

use crate::home::{Home, Person};
use crate::rooms::{all, bodies};
use crate::sync::phone::{Mode, Phone};

async fn open_room(home: &Home, host: &Person) -> OwnedRoomId {
    home.room(host, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await
}

/// 13, joining takes minutes: here a join is one commit whose size has nothing to do with the room's.
#[tokio::test]
async fn a_join_costs_the_same_in_a_large_and_a_small_room() {
    let home = Home::new();
    let host = home.person("host").await;
    let newcomer = home.person("newcomer").await;
    let mut costs = Vec::new();
    for size in [2, 60] {
        let room = open_room(&home, &host).await;
        for n in 0..size {
            let person = home.person(&format!("member{n}")).await;
            home.engine.rooms.join(person.caller(), &room, None).await.unwrap();
            home.say(&person, &room, "words", &format!("{size}-{n}")).await.unwrap();
        }
        let before = home.store().head();
        home.engine.rooms.join(newcomer.caller(), &room, None).await.unwrap();
        costs.push(home.store().head() - before);
    }
    assert_eq!(costs[0], costs[1], "as many changes are written");
    assert!(costs[0] <= 3, "{costs:?}");
}

/// 14, events judged by old state: what is accepted at the same time as a removal stands before it.
#[tokio::test]
async fn nothing_is_accepted_after_the_removal_it_raced_with() {
    let home = Home::new();
    let host = home.person("host").await;
    for round in 0..20 {
        let guest = home.person(&format!("guest{round}")).await;
        let room = open_room(&home, &host).await;
        home.engine.rooms.join(guest.caller(), &room, None).await.unwrap();
        let sends =
            join_all(["1", "2", "3", "4", "5", "6"].map(|txn| home.say(&guest, &room, "theirs", txn)));
        let removal = home.engine.rooms.kick(host.caller(), &room, &guest.id, None);
        let (sent, removed) = tokio::join!(sends, removal);
        removed.unwrap();
        let accepted = sent.iter().filter(|answer| answer.is_ok()).count();
        home.say(&host, &room, "end", "end").await.unwrap();
        let timeline = all(&home, &host, &room, Direction::Forwards, 100).await;
        let texts = bodies(&timeline);
        assert_eq!(texts.iter().filter(|text| **text == "theirs").count(), accepted);
        let gone = timeline
            .iter()
            .position(|event| {
                event["type"] == "m.room.member"
                    && event["state_key"] == guest.id.as_str()
                    && event["content"]["membership"] == "leave"
            })
            .unwrap();
        assert!(timeline[gone..].iter().all(|event| event["content"]["body"] != "theirs"), "round {round}");
    }
}

/// 19, messages to a device wait behind the rooms: they come in the first answer, however much is new elsewhere.
#[tokio::test]
async fn messages_to_a_device_do_not_wait_for_the_rooms() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let mut rooms = Vec::new();
    for _ in 0..20 {
        let room = open_room(&home, &anna).await;
        home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
        rooms.push(room);
    }
    let nid = ben.nid;
    let now = home.engine.context.now();
    home.store().write(move |tx| sessions::add_device(tx, nid, "PHONE", None, now)).await.unwrap();
    let mut phone = Phone::new(&ben, "PHONE", Mode::Full);
    phone.sync(&home).await;
    for room in &rooms {
        for n in 0..40 {
            home.say(&anna, room, "catching up", &format!("{n}")).await.unwrap();
        }
    }
    let origin =
        Origin { user_id: &anna.id, user: anna.nid, device: "DEVICE", event_type: "m.room_key", txn_id: "1" };
    let content = to_raw_value(&json!({ "session": "key" })).unwrap();
    let message = Message { user: ben.id.clone(), device: "PHONE".into(), content };
    home.engine.to_device.send(origin, vec![message]).await.unwrap();
    let answer = phone.sync(&home).await;
    assert_eq!(answer["to_device"]["events"][0]["content"]["session"], "key");
    assert_eq!(answer["rooms"]["join"].as_object().unwrap().len(), rooms.len());
}
