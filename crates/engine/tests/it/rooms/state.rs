//! State, power levels, aliases, limits.

use serde_json::json;
use wardline_domain::visibility::Membership;
use wardline_engine::EngineError;
use wardline_engine::rooms::{CreateRoom, MembersQuery, Message, Preset, Token};

use crate::home::{Home, json as parse, raw};

#[tokio::test]
async fn power_decides_who_sets_state() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let room = home.room(&anna, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await;
    let rooms = &home.engine.rooms;
    rooms.join(ben.caller(), &room, None).await.unwrap();
    let name = |name: &str| raw(&json!({ "name": name }));
    let refused = rooms.send_state(ben.caller(), &room, "m.room.name", "", name("mine")).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))));
    let first = rooms.send_state(anna.caller(), &room, "m.room.name", "", name("Ward")).await.unwrap();
    // Setting what is set makes no event; setting something else tells what was before.
    let again = raw(&json!({ "name": "Ward" }));
    assert_eq!(rooms.send_state(anna.caller(), &room, "m.room.name", "", again).await.unwrap(), first);
    let second = rooms.send_state(anna.caller(), &room, "m.room.name", "", name("Ward 7")).await.unwrap();
    let seen = parse(&rooms.event(ben.caller(), &room, &second).unwrap());
    assert_eq!(seen["unsigned"]["prev_content"]["name"], "Ward");
    assert_eq!(seen["unsigned"]["replaces_state"], first.as_str());
    assert_eq!(seen["unsigned"]["membership"], "join");
    // Power that is given counts at once.
    let levels = rooms.state_event(anna.caller(), &room, "m.room.power_levels", "").unwrap();
    let mut levels: serde_json::Value = levels.pdu.content_as().unwrap();
    levels["users"][ben.id.as_str()] = json!(50);
    levels["events"]["org.test.quiet"] = json!(60);
    rooms.send_state(anna.caller(), &room, "m.room.power_levels", "", raw(&levels)).await.unwrap();
    rooms.send_state(ben.caller(), &room, "m.room.name", "", name("mine")).await.unwrap();
    let quiet =
        Message { room: &room, kind: "org.test.quiet", content: raw(&json!({})), txn: None, also: None };
    assert!(matches!(rooms.send(ben.caller(), quiet).await, Err(EngineError::Forbidden(_))));
    levels["users"][ben.id.as_str()] = json!(100);
    let refused = rooms.send_state(ben.caller(), &room, "m.room.power_levels", "", raw(&levels)).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))));
}

#[tokio::test]
async fn encryption_cannot_be_switched_off() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom { encrypted: true, ..CreateRoom::default() }).await;
    for content in [json!({}), json!({ "algorithm": "none" })] {
        let refused =
            home.engine.rooms.send_state(anna.caller(), &room, "m.room.encryption", "", raw(&content)).await;
        assert!(matches!(refused, Err(EngineError::BadContent { .. })));
    }
}

#[tokio::test]
async fn content_that_makes_no_event_is_refused() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom::default()).await;
    let before = home.store().head();
    let send = |kind: &'static str, content: serde_json::Value| {
        let message = Message { room: &room, kind, content: raw(&content), txn: None, also: None };
        home.engine.rooms.send(anna.caller(), message)
    };
    let long = "x".repeat(66_000);
    assert!(matches!(send("m.room.message", json!({ "body": long })).await, Err(EngineError::TooLarge(_))));
    assert!(matches!(send("m.room.message", json!([])).await, Err(EngineError::BadContent { .. })));
    assert!(matches!(send("m.room.message", json!({ "n": 1.5 })).await, Err(EngineError::BadContent { .. })));
    assert!(matches!(send("m.room.redaction", json!({})).await, Err(EngineError::BadContent { .. })));
    assert!(send("m.room.member", json!({ "membership": "join" })).await.is_err());
    let state =
        home.engine.rooms.send_state(anna.caller(), &room, "m.room.member", "nobody", raw(&json!({})));
    assert!(state.await.is_err());
    assert_eq!(home.store().head(), before);
}

#[tokio::test]
async fn aliases_belong_to_their_room() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let room = home.room(&anna, CreateRoom { preset: Preset::PublicChat, ..CreateRoom::default() }).await;
    let other = home.room(&anna, CreateRoom::default()).await;
    let rooms = &home.engine.rooms;
    let alias = "#ward:ward.example";
    assert!(matches!(rooms.create_alias(ben.caller(), alias, &room).await, Err(EngineError::Forbidden(_))));
    for bad in ["ward", "#ward", "#ward:elsewhere.example", "!x:ward.example"] {
        let refused = rooms.create_alias(anna.caller(), bad, &room).await;
        assert!(matches!(refused, Err(EngineError::Invalid { .. })), "{bad}");
    }
    rooms.create_alias(anna.caller(), alias, &room).await.unwrap();
    assert!(matches!(rooms.create_alias(anna.caller(), alias, &other).await, Err(EngineError::AliasTaken)));
    let canonical = |alias: &str| raw(&json!({ "alias": alias }));
    let set = |room| rooms.send_state(anna.caller(), room, "m.room.canonical_alias", "", canonical(alias));
    set(&room).await.unwrap();
    assert!(matches!(set(&other).await, Err(EngineError::BadAlias(_))));
    rooms.join(ben.caller(), &room, None).await.unwrap();
    assert_eq!(rooms.aliases(ben.caller(), &room).await.unwrap(), [alias]);
    assert!(matches!(rooms.delete_alias(ben.caller(), alias).await, Err(EngineError::Forbidden(_))));
    rooms.delete_alias(anna.caller(), alias).await.unwrap();
    assert!(matches!(rooms.delete_alias(anna.caller(), alias).await, Err(EngineError::NotFound(_))));
    assert!(rooms.resolve_alias(alias).is_err());
}

#[tokio::test]
async fn members_now_and_then() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let room = home.room(&anna, CreateRoom { invite: vec![ben.id.clone()], ..CreateRoom::default() }).await;
    let rooms = &home.engine.rooms;
    let then = Token::Stream(home.store().head());
    rooms.join(ben.caller(), &room, None).await.unwrap();
    let count = async |query: MembersQuery| rooms.members(ben.caller(), &room, query).await.unwrap().len();
    let joined = MembersQuery { membership: Some(Membership::Join), ..MembersQuery::default() };
    assert_eq!(count(MembersQuery::default()).await, 2);
    assert_eq!(count(joined).await, 2);
    assert_eq!(count(MembersQuery { at: Some(then), ..joined }).await, 1);
    let not_joined = MembersQuery { not_membership: Some(Membership::Join), ..MembersQuery::default() };
    assert_eq!(count(not_joined).await, 0);
    assert_eq!(count(MembersQuery { at: Some(then), ..not_joined }).await, 1);
}

#[tokio::test]
async fn who_left_may_not_even_repeat_what_is_set() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let room = home.room(&anna, CreateRoom { name: Some("Ward".into()), ..CreateRoom::default() }).await;
    home.engine.rooms.leave(anna.caller(), &room, None).await.unwrap();
    let name = raw(&json!({ "name": "Ward" }));
    let refused = home.engine.rooms.send_state(anna.caller(), &room, "m.room.name", "", name).await;
    assert!(matches!(refused, Err(EngineError::Forbidden(_))));
}
