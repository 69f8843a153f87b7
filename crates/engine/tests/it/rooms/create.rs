//! Creating rooms.

use serde_json::json;
use wardline_engine::EngineError;
use wardline_engine::rooms::{CreateRoom, Direction, InitialState, Preset};

use super::{all, kinds};
use crate::home::{Home, raw};

#[tokio::test]
async fn a_room_of_each_version() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    for version in ["10", "11", "12"] {
        let request = CreateRoom {
            room_version: Some(version.to_owned()),
            name: Some("Ward".to_owned()),
            topic: Some("All day".to_owned()),
            alias: Some(format!("ward{version}")),
            invite: vec![ben.id.clone(), ben.id.clone()],
            encrypted: true,
            ..CreateRoom::default()
        };
        let room = home.room(&anna, request).await;
        assert_eq!(room.as_str().contains(':'), version != "12", "{room}");
        let events = all(&home, &anna, &room, Direction::Forwards, 4).await;
        assert_eq!(
            kinds(&events),
            [
                "m.room.create",
                "m.room.member",
                "m.room.power_levels",
                "m.room.canonical_alias",
                "m.room.join_rules",
                "m.room.history_visibility",
                "m.room.guest_access",
                "m.room.encryption",
                "m.room.name",
                "m.room.topic",
                "m.room.member",
            ]
        );
        let users = &events[2]["content"]["users"];
        assert_eq!(users.get(anna.id.as_str()).is_some(), version != "12");
        let (found, _) = home.engine.rooms.resolve_alias(&format!("#ward{version}:ward.example")).unwrap();
        assert_eq!(found, room);
        home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
        home.say(&ben, &room, "hello", "t").await.unwrap();
    }
    // Each room: three membership changes and the creation.
    assert_eq!(home.audited(), 3 * 4);
}

#[tokio::test]
async fn the_same_request_twice_makes_two_rooms() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let first = home.room(&anna, CreateRoom::default()).await;
    assert_ne!(first, home.room(&anna, CreateRoom::default()).await);
}

#[tokio::test]
async fn a_trusted_chat_gives_everybody_the_creators_power() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    for version in ["11", "12"] {
        let request = CreateRoom {
            preset: Preset::TrustedPrivateChat,
            room_version: Some(version.to_owned()),
            invite: vec![ben.id.clone()],
            ..CreateRoom::default()
        };
        let room = home.room(&anna, request).await;
        home.engine.rooms.join(ben.caller(), &room, None).await.unwrap();
        let levels = home.engine.rooms.state_event(ben.caller(), &room, "m.room.power_levels", "").unwrap();
        let mut content: serde_json::Value = levels.pdu.content_as().unwrap();
        content["ban"] = json!(99);
        home.engine
            .rooms
            .send_state(ben.caller(), &room, "m.room.power_levels", "", raw(&content))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn bad_requests_change_nothing() {
    let home = Home::new();
    let anna = home.person("anna").await;
    home.room(&anna, CreateRoom { alias: Some("taken".into()), ..CreateRoom::default() }).await;
    let before = home.store().head();
    let state =
        |kind: &str| InitialState { kind: kind.into(), state_key: String::new(), content: raw(&json!({})) };
    let failing = |tx: &mut wardline_store::WriteTx<'_>, _| {
        tx.execute("DELETE FROM rooms", &[])?;
        Ok(())
    };
    let requests = [
        CreateRoom { room_version: Some("5".into()), ..CreateRoom::default() },
        CreateRoom { room_version: Some("x".into()), ..CreateRoom::default() },
        CreateRoom { alias: Some("taken".into()), ..CreateRoom::default() },
        CreateRoom { alias: Some("a:b".into()), ..CreateRoom::default() },
        CreateRoom { initial_state: vec![state("m.room.create")], ..CreateRoom::default() },
        CreateRoom { invite: vec!["@a:elsewhere.example".try_into().unwrap()], ..CreateRoom::default() },
        CreateRoom {
            power_levels: [("users".to_owned(), json!({ anna.id.as_str(): 100 }))].into_iter().collect(),
            ..CreateRoom::default()
        },
        CreateRoom {
            creation_content: [("type".to_owned(), json!(1))].into_iter().collect(),
            ..CreateRoom::default()
        },
        CreateRoom { alias: Some("free".into()), also: Some(Box::new(failing)), ..CreateRoom::default() },
    ];
    for request in requests {
        let shown = format!("{request:?}");
        assert!(home.engine.rooms.create(anna.caller(), request).await.is_err(), "{shown}");
    }
    assert_eq!(home.store().head(), before);
    assert!(matches!(
        home.engine.rooms.resolve_alias("#free:ward.example"),
        Err(EngineError::NotFound("room alias"))
    ));
    assert_eq!(home.audited(), 2);
    // The head that failed is not in the way of the next attempt.
    home.room(&anna, CreateRoom { alias: Some("free".into()), ..CreateRoom::default() }).await;
}

#[tokio::test]
async fn settings_of_the_request_win_over_the_preset() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let request = CreateRoom {
        preset: Preset::PublicChat,
        creation_content: [("type".to_owned(), json!("org.wardline.patient"))].into_iter().collect(),
        initial_state: vec![InitialState {
            kind: "m.room.history_visibility".into(),
            state_key: String::new(),
            content: raw(&json!({ "history_visibility": "joined" })),
        }],
        power_levels: [("invite".to_owned(), json!(70))].into_iter().collect(),
        ..CreateRoom::default()
    };
    let room = home.room(&anna, request).await;
    let content = |kind: &str| -> serde_json::Value {
        let event = home.engine.rooms.state_event(anna.caller(), &room, kind, "").unwrap();
        event.pdu.content_as().unwrap()
    };
    assert_eq!(content("m.room.history_visibility")["history_visibility"], "joined");
    assert_eq!(content("m.room.join_rules")["join_rule"], "public");
    assert_eq!(content("m.room.power_levels")["invite"], 70);
    assert_eq!(content("m.room.create")["type"], "org.wardline.patient");
}
