//! What a client is not shown, by history visibility or by its own filter, must not leave it with something wrong.

use serde_json::{Value, json};
use wardline_engine::rooms::{CreateRoom, InitialState, Preset};

use super::phone::{Mode, Phone, array, text};
use super::waiting::public_room;
use crate::home::{Home, raw};

#[tokio::test]
async fn what_was_replaced_unseen_is_not_shown_as_if_it_were_still_so() {
    let home = Home::new();
    let (ada, cat) = (home.person("ada").await, home.person("cat").await);
    // Everybody may see how the room was made, and nothing of what happened before they came.
    let visibility = InitialState {
        kind: "m.room.history_visibility".to_owned(),
        state_key: String::new(),
        content: raw(&json!({ "history_visibility": "joined" })),
    };
    let request =
        CreateRoom { preset: Preset::PublicChat, initial_state: vec![visibility], ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    home.engine.rooms.leave(ada.caller(), &room, None).await.unwrap();
    home.engine.rooms.join(cat.caller(), &room, None).await.unwrap();
    let left = home.engine.rooms.state_event(cat.caller(), &room, "m.room.member", ada.id.as_str()).unwrap();
    for mode in [Mode::Full, Mode::Lazy, Mode::After] {
        let mut phone = Phone::new(&cat, &format!("{mode:?}"), mode);
        phone.limit(50);
        let answer = phone.sync(&home).await;
        let timeline = &answer["rooms"]["join"][room.as_str()]["timeline"];
        let known = phone.rooms[room.as_str()].state.get(&("m.room.member".to_owned(), ada.id.to_string()));
        assert!(
            known.is_none() && mode == Mode::Lazy || known == Some(&left.pdu.event_id.to_string()),
            "{mode:?}"
        );
        if mode != Mode::After {
            let shows = |event: &Value| event["state_key"] == ada.id.as_str();
            assert!(!array(&timeline["events"]).any(shows), "{mode:?}: not that she came in");
            assert_eq!(timeline["limited"], json!(true));
        }
    }
}

#[tokio::test]
async fn a_member_who_changed_unseen_is_told_once_and_as_they_are() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    home.engine
        .rooms
        .send_state(ada.caller(), &room, "m.room.name", "", raw(&json!({ "name": "Ward" })))
        .await
        .unwrap();
    let mut phone = Phone::new(&ada, "PHONE", Mode::Lazy);
    phone.filter["room"]["timeline"]["types"] = json!(["m.room.message"]);
    phone.limit(1);
    phone.sync(&home).await;
    home.say(&ben, &room, "text", "1").await.unwrap();
    let named = raw(&json!({ "membership": "join", "displayname": "Benjamin" }));
    let rooms = &home.engine.rooms;
    let now = rooms.send_state(ben.caller(), &room, "m.room.member", ben.id.as_str(), named).await.unwrap();
    let answer = phone.sync(&home).await;
    let told: Vec<_> = array(&answer["rooms"]["join"][room.as_str()]["state"]["events"])
        .filter(|event| event["state_key"] == ben.id.as_str())
        .map(|event| text(&event["event_id"]))
        .collect();
    assert_eq!(told, [now.to_string()]);
}

#[tokio::test]
async fn who_names_the_room_is_told_as_they_are_to_somebody_who_comes_back() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let visibility = InitialState {
        kind: "m.room.history_visibility".to_owned(),
        state_key: String::new(),
        content: raw(&json!({ "history_visibility": "joined" })),
    };
    let request =
        CreateRoom { preset: Preset::PublicChat, initial_state: vec![visibility], ..CreateRoom::default() };
    let room = home.room(&ada, request).await;
    let rooms = &home.engine.rooms;
    rooms.join(ben.caller(), &room, None).await.unwrap();
    let cat = home.person("cat").await;
    rooms.invite(ada.caller(), &room, &cat.id, None).await.unwrap();
    rooms.kick(ada.caller(), &room, &ben.id, None).await.unwrap();
    rooms.join(cat.caller(), &room, None).await.unwrap();
    rooms.join(ben.caller(), &room, None).await.unwrap();
    let now = rooms.state_event(ben.caller(), &room, "m.room.member", cat.id.as_str()).unwrap();
    let mut phone = Phone::new(&ben, "PHONE", Mode::Lazy);
    phone.limit(50);
    let answer = phone.sync(&home).await;
    let heroes = &answer["rooms"]["join"][room.as_str()]["summary"]["m.heroes"];
    assert!(array(heroes).any(|hero| hero == cat.id.as_str()), "{heroes}");
    let known = phone.rooms[room.as_str()].state.get(&("m.room.member".to_owned(), cat.id.to_string()));
    assert_eq!(known, Some(&now.pdu.event_id.to_string()));
}

#[tokio::test]
async fn counts_are_told_whatever_the_filter_keeps_back() {
    let home = Home::new();
    let (ada, ben) = (home.person("ada").await, home.person("ben").await);
    let room = public_room(&home, &[&ada, &ben]).await;
    let mut phone = Phone::new(&ada, "PHONE", Mode::Filtered);
    phone.sync(&home).await;
    let first = home.say(&ben, &room, "text", "1").await.unwrap();
    home.say(&ben, &room, "text", "2").await.unwrap();
    phone.sync(&home).await;
    let unread = |phone: &Phone| phone.rooms[room.as_str()].unread;
    assert_eq!(unread(&phone), (2, 0));

    home.engine.rooms.redact(ben.caller(), &room, &first, None, Some("redact")).await.unwrap();
    let answer = phone.wait(&home).await;
    assert_eq!(answer["rooms"]["join"][room.as_str()]["timeline"]["events"], json!([]));
    assert_eq!(unread(&phone), (1, 0), "a redaction that is not shown");

    let message = wardline_engine::rooms::Message {
        room: &room,
        kind: "m.room.encrypted",
        content: raw(&json!({ "algorithm": "m.megolm.v1.aes-sha2" })),
        txn: Some("3"),
        also: None,
    };
    let sealed = home.engine.rooms.send(ben.caller(), message).await.unwrap();
    phone.wait(&home).await;
    assert_eq!(unread(&phone), (2, 0), "a message that is not shown");

    let receipt =
        wardline_engine::receipts::NewReceipt { kind: "m.read".to_owned(), event_id: sealed, thread: None };
    home.engine.receipts.advance(ada.nid, &room, vec![receipt]).await.unwrap();
    let answer = phone.wait(&home).await;
    assert_eq!(answer["rooms"]["join"][room.as_str()]["ephemeral"]["events"], json!([]));
    assert_eq!(unread(&phone), (0, 0), "a receipt that is not shown");
    let quiet: Value = phone.sync(&home).await;
    assert!(quiet.get("rooms").is_none());
}
