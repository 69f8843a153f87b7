//! Presence: who is told of whom, and when.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use wardline_engine::EngineConfig;
use wardline_engine::presence::State;
use wardline_engine::rooms::{CreateRoom, Preset};

use crate::home::{Home, Person};
use crate::sync::phone::{Mode, Phone, array, text};

fn home() -> Home {
    Home::with(EngineConfig { presence: true, ..EngineConfig::default() })
}

/// Whose presence an answer tells, and how they are.
fn told(answer: &Value) -> Vec<(String, String)> {
    let mut told: Vec<_> = array(&answer["presence"]["events"])
        .map(|event| {
            assert_eq!(event["type"], "m.presence");
            (text(&event["sender"]), text(&event["content"]["presence"]))
        })
        .collect();
    told.sort();
    told
}

fn is(person: &Person, how: &str) -> (String, String) {
    (person.id.to_string(), how.to_owned())
}

#[tokio::test]
async fn those_who_share_a_room_are_told_and_nobody_else() {
    let home = home();
    let (ada, ben, cat) = (home.person("ada").await, home.person("ben").await, home.person("cat").await);
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    let mut phones = [&ada, &ben, &cat].map(|person| Phone::new(person, "PHONE", Mode::Full));
    for phone in &mut phones {
        assert!(told(&phone.sync(&home).await).is_empty());
    }
    let presence = &home.engine.presence;
    presence.set(ben.nid, &ben.id, State::Unavailable, Some("on the phone".into()));
    let answer = phones[0].ask(&home).await;
    assert_eq!(told(&answer), [is(&ben, "unavailable")]);
    assert_eq!(answer["presence"]["events"][0]["content"]["status_msg"], "on the phone");
    assert_eq!(told(&phones[0].sync(&home).await), [is(&ben, "unavailable")], "the first answer was lost");
    assert!(told(&phones[0].sync(&home).await).is_empty(), "nothing is told twice");
    assert_eq!(told(&phones[1].sync(&home).await), [is(&ben, "unavailable")], "also on other devices");
    assert!(told(&phones[2].sync(&home).await).is_empty(), "a stranger");

    // Who comes into a room meets those who are there, and they meet them.
    presence.set(cat.nid, &cat.id, State::Online, None);
    assert_eq!(told(&phones[2].sync(&home).await), [is(&cat, "online")]);
    home.engine.rooms.join(cat.caller(), &room, None).await.unwrap();
    assert!(told(&phones[2].sync(&home).await).contains(&is(&ben, "unavailable")));
    assert_eq!(told(&phones[0].sync(&home).await), [is(&cat, "online")]);

    let mut filtered = Phone::new(&ada, "FILTERED", Mode::Full);
    filtered.filter = json!({ "presence": { "not_senders": [ben.id] } });
    assert_eq!(told(&filtered.sync(&home).await), [is(&cat, "online")]);
    let mut filtered = Phone::new(&ada, "FILTERED", Mode::Full);
    filtered.filter = json!({ "presence": { "not_types": ["m.presence"] } });
    assert!(told(&filtered.sync(&home).await).is_empty());
}

#[tokio::test]
async fn who_asks_is_there_and_goes_offline_after_a_while() {
    let home = home();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let request = CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    phone.sync(&home).await;
    let presence = &home.engine.presence;
    let waiting = presence.wait(ben.nid, &ben.id, State::Online);
    assert_eq!(told(&phone.wait(&home).await), [is(&ben, "online")]);
    home.clock.0.fetch_add(60_000, Ordering::Relaxed);
    presence.expire();
    assert!(told(&phone.sync(&home).await).is_empty(), "still waiting");
    drop(waiting);
    home.clock.0.fetch_add(29_999, Ordering::Relaxed);
    presence.expire();
    assert_eq!(presence.of(ben.nid).presence, State::Online);
    home.clock.0.fetch_add(1, Ordering::Relaxed);
    presence.expire();
    assert_eq!(told(&phone.sync(&home).await), [is(&ben, "offline")]);
    assert!(presence.wait(ben.nid, &ben.id, State::Offline).is_none(), "asks without being seen");
    assert_eq!(presence.of(ben.nid).presence, State::Offline);
}

#[tokio::test]
async fn switched_off_it_notes_nothing() {
    let home = Home::new();
    let ada = home.person("ada").await;
    home.engine.presence.set(ada.nid, &ada.id, State::Online, None);
    assert_eq!(home.engine.presence.of(ada.nid).presence, State::Offline);
    let mut phone = Phone::new(&ada, "PHONE", Mode::Full);
    let answer = phone.sync(&home).await;
    assert!(answer.get("presence").is_none());
    assert!(!phone.token.unwrap().contains("_p"));
}
