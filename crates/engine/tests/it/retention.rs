//! Erasing old messages.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, json};
use wardline_domain::ruma::{EventId, RoomId};
use wardline_engine::EngineConfig;
use wardline_engine::retention::{Retention, RetentionConfig};
use wardline_engine::rooms::CreateRoom;
use wardline_store::Reader;

use crate::home::{Home, Person, json as parse, raw};

const DAY: i64 = 86_400_000;

fn home(default_ms: Option<i64>) -> Home {
    let retention = RetentionConfig {
        default_ms,
        shortest_ms: DAY,
        longest_ms: Some(10 * DAY),
        exempt_types: vec!["org.wardline.".into()],
    };
    Home::with(EngineConfig { retention: Some(retention), ..EngineConfig::default() })
}

async fn erase(home: &Home) -> u64 {
    Retention::new(Arc::clone(&home.engine.context)).erase_due().await.unwrap()
}

async fn policy(home: &Home, ada: &Person, room: &RoomId, ms: i64) {
    let content = raw(&json!({ "max_lifetime": ms }));
    home.engine.rooms.send_state(ada.caller(), room, "m.room.retention", "", content).await.unwrap();
}

fn body(home: &Home, ada: &Person, room: &RoomId, event: &EventId) -> serde_json::Value {
    parse(&home.engine.rooms.event(ada.caller(), room, event).unwrap())["content"]["body"].clone()
}

#[tokio::test]
async fn what_is_older_than_the_policy_is_erased_and_nothing_else() {
    let home = home(None);
    let ada = home.person("ada").await;
    let (room, free) =
        (home.room(&ada, CreateRoom::default()).await, home.room(&ada, CreateRoom::default()).await);
    policy(&home, &ada, &room, 2 * DAY).await;
    let mut events = Vec::new();
    for n in 0..3 {
        events.push(home.say(&ada, &room, "secret words", &n.to_string()).await.unwrap());
        home.say(&ada, &free, "kept", &n.to_string()).await.unwrap();
        home.clock.0.fetch_add(DAY, Ordering::Relaxed);
    }
    home.clock.0.fetch_add(1, Ordering::Relaxed);
    assert_eq!(body(&home, &ada, &room, &events[0]), "secret words");
    assert_eq!(erase(&home).await, 2);
    for event in &events[..2] {
        assert!(body(&home, &ada, &room, event).is_null());
    }
    assert_eq!(body(&home, &ada, &room, &events[2]), "secret words");
    let kept = home.store().read_now(|tx| {
        tx.query_row(
            "SELECT count(*) FROM event_json WHERE pdu LIKE '%secret words%'",
            wardline_store::params![],
            |row| row.get::<i64>(0),
        )
    });
    assert_eq!(kept.unwrap(), Some(1), "it is gone from the store, too");
    assert_eq!(erase(&home).await, 0, "once is enough");
    home.clock.0.fetch_add(DAY, Ordering::Relaxed);
    assert_eq!(erase(&home).await, 1);
    // The room lives on.
    home.say(&ada, &room, "new", "new").await.unwrap();
}

#[tokio::test]
async fn policies_stay_within_limits_and_patients_rooms_are_spared() {
    let home = home(Some(3 * DAY));
    let ada = home.person("ada").await;
    let patient = CreateRoom {
        creation_content: Map::from_iter([("type".to_owned(), json!("org.wardline.patient"))]),
        ..CreateRoom::default()
    };
    let rooms = [
        home.room(&ada, patient).await,
        home.room(&ada, CreateRoom::default()).await,
        home.room(&ada, CreateRoom::default()).await,
        home.room(&ada, CreateRoom::default()).await,
    ];
    policy(&home, &ada, &rooms[0], DAY).await;
    // Shorter than the shortest, and longer than the longest; the last room has none of its own.
    policy(&home, &ada, &rooms[1], 1).await;
    policy(&home, &ada, &rooms[2], 100 * DAY).await;
    for (n, room) in rooms.iter().enumerate() {
        home.say(&ada, room, "text", &n.to_string()).await.unwrap();
    }
    for (days, expected) in [(0, 0), (1, 1), (1, 0), (1, 1), (7, 1), (1000, 0)] {
        home.clock.0.fetch_add(days * DAY + 1, Ordering::Relaxed);
        assert_eq!(erase(&home).await, expected, "after {days} more days");
    }
}
